"""One run: starts a whole installation in a folder of its own, lets the monkey at it, and asks the oracle.

``python -m tests.chaos.house '{"seed": 1, …}'`` plays one seed and prints its row as JSON, in a process of its own: the
supervisor wants a main thread without company, and the parts take their settings from the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from keepshowingup.ops.broker import redis_url
from keepshowingup.ops.parts import HERE, beat_part, broker_part, worker_part
from keepshowingup.ops.supervisor import Part, Supervisor
from tests.chaos.monkey import Monkey
from tests.chaos.oracle import HEEDED_FOR, LOST_AFTER, Evidence, Verdict, judge
from tests.chaos.plan import Plan, Size, make_plan
from tests.chaos.record import Calendar, ServerRecord, read_doings, read_fates
from tests.postgres import Postgres, free_port, postgres_server
from tests.processes import environment

ROOT = Path(__file__).parents[2]
TICK = 0.5
LEASE = 5.0
QUEUES = ("transactional", "bulk", "maintenance")
PROGRAM = (sys.executable, "-P", "-m", "keepshowingup")
# Watched for that long after the last letter: a lease must run out for a second copy to come.
AFTERWARDS = LEASE + 2.0
LOOK_EACH = 2.0
MOST_EXPLAINED = 10


@dataclass
class Row:
    """One seed's line in the report, and its faults in sentences. Lateness is in real seconds."""

    seed: int
    database: str
    owed: int = 0
    came: int = 0
    lost: int = 0
    twice: int = 0
    early: int = 0
    after_leaving: int = 0
    in_a_break: int = 0
    bunched: int = 0
    odd: int = 0
    unknown: int = 0
    chances: int = 0  # kills of workers, and connections cut once the client was free to send its dot
    put_off: int = 0  # letters the server refused for a while, and took later: their lateness is not counted below
    deferred: int = 0
    p50: float = 0.0
    p99: float = 0.0
    latest: float = 0.0
    harm: int = 0
    slowest_stop: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    kept_in: str = ""


@dataclass
class House:
    """The folder of a run and where everything is in it."""

    plan: Plan
    folder: Path
    postgres: Postgres | None
    smtp_port: int = field(default_factory=free_port)
    began: float = 0.0

    @property
    def data(self) -> Path:
        """The product's own folder."""
        return self.folder / "var"

    @property
    def settings(self) -> dict[str, str]:
        """What the parts find in their environment."""
        settings = {
            "SMTP_URL": f"smtp://{HERE}:{self.smtp_port}",
            "KSU_TICK": str(TICK),
            "KSU_LEASE": str(LEASE),
            "KSU_BATCH": "20",
            "KSU_CLOCK": f"rate={self.plan.size.rate}",
            "KSU_UNKNOWN": "hold",
            "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        return settings | ({"DATABASE_URL": self.postgres.url} if self.postgres else {})

    def file(self, name: str) -> Path:
        """A file that the processes of the run share."""
        return self.folder / name

    def parts(self) -> list[Part]:
        """Broker, mail server, workers, beats, and the readers, who wait for the beginning."""
        chaos = (sys.executable, "-m")
        server = (*chaos, "tests.chaos.hostile", self.file("plan"), self.file("server"), str(self.smtp_port))
        readers = (*chaos, "tests.chaos.scene", "live", self.file("plan"), self.file("begins"), self.file("doings"))
        size = self.plan.size
        return [
            broker_part(self.data),
            Part("server", tuple(map(str, server)), foundation=True, ready=self.file("server").exists),
            *(worker_part(f"worker-{number}", QUEUES) for number in range(size.workers)),
            *(replace(beat_part(), name=f"beat-{number}") for number in range(size.beats)),
            Part("readers", tuple(map(str, readers))),
        ]

    def run(self, *command: object, patience: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run something to its end with the settings of this house."""
        return subprocess.run(
            list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience
        )

    def evidence(self, workers_killed: int) -> Evidence:
        """Everything that is known by now. The product may not answer for a while: then it says nothing."""
        listed = self.run(*PROGRAM, "delivery", "list", "--json")
        now = time.time()
        return Evidence(
            self.plan,
            Calendar.load(self.data / "clock.json"),
            tuple(read_doings(_lines(self.file("doings")))),
            ServerRecord.read(_lines(self.file("server"))),
            read_fates(listed.stdout.splitlines() if listed.returncode == 0 else []),
            now,
            TICK,
            workers_killed,
        )


def _lines(path: Path) -> list[str]:
    """The whole lines of a file that somebody is writing."""
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def play(seed: int, database: str, size: Size, *, patience: float, keep: bool = False) -> Row:
    """One seed from the first process to the last. ``patience``: real seconds to wait after the harm is done."""
    began = time.monotonic()
    plan = make_plan(seed, database, size)
    folder = Path(tempfile.mkdtemp(prefix=f"ksu-chaos-{seed}-"))
    row = Row(seed, database)
    try:
        with postgres_server(folder / "postgres", durable=True) if database == "postgres" else nullcontext() as server:
            _play(House(plan, folder, server), row, patience)
    except BaseException:
        _tell(f"what there is of this run is in {folder}")
        raise
    row.seconds = time.monotonic() - began
    if row.faults or keep:
        row.kept_in = str(folder)
        folder.joinpath("verdict").write_text(json.dumps(asdict(row), indent=1))
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return row


def _play(house: House, row: Row, patience: float) -> None:
    house.data.mkdir()
    house.plan.save(house.file("plan"))
    house.file("doings").touch()
    for name, value in environment(house.data, **house.settings).items():
        os.environ[name] = value
    prepared = house.run(sys.executable, "-m", "tests.chaos.scene", "prepare", house.file("plan"))
    if prepared.returncode:
        raise RuntimeError(f"the scene could not be set: {prepared.stderr}")
    with Supervisor(house.parts(), house.data / "logs") as supervisor:
        monkey = Monkey(lambda: supervisor.pids, redis_url("", house.data), house.postgres, _teller(house))
        _wait_for_a_tick(house, supervisor)
        house.began = time.time()
        house.file("begins").write_text(str(house.began))
        _do_harm(house, supervisor, monkey)
        monkey.make_good()
        if "server" in supervisor.pids:
            os.kill(supervisor.pids["server"], signal.SIGUSR1)
        _calm_down(house, supervisor, monkey, patience)
    verdict = judge(house.evidence(monkey.workers_killed))
    # Nobody is left who could still bring what has not come.
    verdict.lost += [f"{sentence} (at the end)" for sentence in verdict.waiting]
    _fill(row, verdict, monkey, house)
    _keep_what_it_says(house, row)


def _keep_what_it_says(house: House, row: Row) -> None:
    """The product's own words about readers something went wrong for, while the database is still there."""
    if house.postgres:
        shutil.copy(house.postgres.home / "log", house.file("postgres"))
    wronged = {who.address for who in house.plan.readers if any(f" {who.address} " in f"{x} " for x in row.faults)}
    with house.file("explained").open("w") as words:
        for address in sorted(wronged)[:MOST_EXPLAINED]:
            for command in ("explain", address), ("list", "--json", "--subscriber", address):
                words.write(f"--- {address}\n{house.run(*PROGRAM, 'delivery', *command).stdout}")


def _wait_for_a_tick(house: House, supervisor: Supervisor) -> None:
    """Until beat, broker, worker and database have shown that they work together."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        supervisor.turn()
        status = house.run(*PROGRAM, "status", "--json")
        if status.returncode == 0 and json.loads(status.stdout)["heartbeats"]:
            return
        time.sleep(0.2)
    raise RuntimeError(f"nothing ticks; the logs are in {house.data / 'logs'}")


def _do_harm(house: House, supervisor: Supervisor, monkey: Monkey) -> None:
    faults = list(house.plan.faults)
    ends = house.began + house.plan.size.seconds
    while time.time() < ends:
        while faults and time.time() >= house.began + faults[0].at:
            monkey.harm(faults.pop(0))
        monkey.turn()
        supervisor.turn()
        time.sleep(0.02)


def _calm_down(house: House, supervisor: Supervisor, monkey: Monkey, patience: float) -> None:
    """Until everything that is owed has come or is lost, and then a little longer."""
    until = time.monotonic() + patience
    heeds = patience > HEEDED_FOR  # a short run does not sit out a server's "later"
    while time.monotonic() < until:
        _stay(supervisor, monkey, LOOK_EACH)
        if len(_lines(house.file("doings"))) < len(house.plan.doings):
            continue
        verdict = judge(house.evidence(monkey.workers_killed))
        if not verdict.waiting and not (heeds and verdict.deferred):
            break
    _stay(supervisor, monkey, AFTERWARDS)


def _stay(supervisor: Supervisor, monkey: Monkey, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        monkey.turn()
        supervisor.turn()
        time.sleep(0.05)


def _fill(row: Row, verdict: Verdict, monkey: Monkey, house: House) -> None:
    for name in ("lost", "twice", "early", "after_leaving", "in_a_break", "bunched", "odd", "put_off", "deferred"):
        setattr(row, name, len(getattr(verdict, name)))
    row.owed, row.came, row.unknown = verdict.owed, verdict.came, verdict.unknown
    cuts = sum(end.how == "cut" and end.stage in {"body", "dot"} for end in _ended(house))
    row.chances = monkey.workers_killed + cuts
    row.p50, row.p99, row.latest = verdict.late_by(50), verdict.late_by(99), max(verdict.late, default=0.0)
    row.harm, row.slowest_stop = len(house.plan.faults), max(monkey.stop_times, default=0.0)
    row.faults = verdict.faults


def _ended(house: House) -> Any:
    return ServerRecord.read(_lines(house.file("server"))).ended


def _teller(house: House) -> Any:
    def tell(what: str) -> None:
        line = f"{time.time() - house.began:6.2f} {what}"
        with house.file("harm").open("a") as lines:
            lines.write(f"{time.time():.3f} {line}\n")
        _tell(line)

    return tell


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def ended_in_order(within: float) -> Iterator[None]:
    """SIGTERM, SIGINT and the time limit (seconds) unwind everything that has been started."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(f"ended by {signal.Signals(number).name}")

    before = {name: signal.signal(name, end) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_REAL, within)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before.items():
            signal.signal(name, handler)


def main(argument: str) -> None:
    """Play what the JSON object says: seed, database, size, patience, keep."""
    asked = json.loads(argument)
    size = Size(**asked["size"])
    with ended_in_order(120.0 + size.seconds + asked["patience"] + LOST_AFTER):
        row = play(asked["seed"], asked["database"], size, patience=asked["patience"], keep=asked["keep"])
    print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
