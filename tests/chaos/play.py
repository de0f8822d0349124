"""One run: starts a whole installation in a folder of its own, lets the monkey at it, and asks the oracle.

``python -m tests.chaos.play '{"seed": 1, …}'`` plays one seed and prints its row as JSON, in a process of its own: a
supervisor wants a main thread without company, and the parts take their settings from the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.ops.broker import redis_url
from keepshowingup.ops.supervisor import Supervisor
from tests.chaos.house import HarnessBroken, House
from tests.chaos.monkey import LEASH, Monkey
from tests.chaos.oracle import Verdict, judge
from tests.chaos.patience import Patience, wait_for
from tests.chaos.plan import LEASE, Size
from tests.chaos.planning import make_plan
from tests.chaos.report import PROMISED_ZERO, Row
from tests.chaos.trouble import PostgresTrouble
from tests.chaos.victims import Victim
from tests.postgres import PostgresMissing, postgres_server
from tests.processes import PROGRAM

# All limits are for what never comes. A run that goes well waits for none of them.
STARTS_WITHIN = 900.0
ENDS_WITHIN = 4 * 3600.0
# Seconds (real) without any news, after which what has not come will not come: the server's "later" is a minute.
WITHOUT_NEWS = 200.0
CALMS_WITHIN = 1800.0
# Watched for that long after the last letter: a lease must run out for a second copy to come.
AFTERWARDS = LEASE + 1.5
# Who looks too often takes the machine from those who are looked at.
LOOK_EACH = 1.0
STILL_FOR = 1.0
MOST_EXPLAINED = 5


def play(seed: int, database: str, size: Size, *, keep: bool = False) -> Row:
    """One seed from the first process to the last."""
    plan = make_plan(seed, database, size)
    row = Row(seed, database, security=plan.security)
    with ExitStack() as stack:
        folder = stack.enter_context(folder_of(row, f"ksu-chaos-{seed}-", keep=keep))
        on_postgres = database == "postgres"
        server = stack.enter_context(postgres_server(folder / "postgres", durable=True)) if on_postgres else None
        house = House(plan, folder, server)
        fill(row, _play(house, row))
        explain(house, row)
    return row


@contextmanager
def folder_of(row: Row, prefix: str, *, keep: bool) -> Iterator[Path]:
    """A folder for one run, gone afterwards if all went well. A run that comes to no end is a fault in its row."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    except (HarnessBroken, KeepShowingUpError, PostgresMissing, OSError) as error:
        row.broken = 1
        row.faults.append(f"the run came to no end: {type(error).__name__}: {error}")
    row.seconds = time.monotonic() - began
    if row.faults or keep:
        row.kept_in = str(folder)
        folder.joinpath("verdict").write_text(json.dumps(asdict(row), indent=1))
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _play(house: House, row: Row) -> Verdict:
    house.set_up()
    tell = teller(house)
    trouble = PostgresTrouble(house.postgres, tell) if house.postgres else None
    with Supervisor(house.parts(), house.file("logs")) as supervisor:

        def parts() -> dict[str, Victim]:
            keeper = Victim.find(supervisor.pids["supervisor"]) if "supervisor" in supervisor.pids else None
            return house.product_parts() | ({"supervisor": keeper} if keeper else {})

        monkey = Monkey(parts, house.smtp_port, house.data, redis_url("", house.data), trouble, tell)
        turn = _turner(supervisor, monkey)
        house.began = wait_for_the_beginning(house, turn)
        _do_harm(house, monkey, turn)
        monkey.make_good()
        os.kill(supervisor.pids["server"], signal.SIGUSR1)
        tell("all is made good, and the server is kind from now on")
        calm_down(house, monkey, turn)
        tell("calm")
    tell("stopped")
    row.left_running = count_orphans(house, row)
    row.harm, row.slowest_stop = monkey.done, max(monkey.stop_times, default=0.0)
    evidence = house.evidence(monkey.kills, is_final=True)
    row.kills, row.connections = len(monkey.kills), len(evidence.server.opened)
    return judge(evidence)


def _turner(supervisor: Supervisor, monkey: Monkey) -> Callable[[], None]:
    """Keeps everything going; what is ours must not fall."""
    ours = {name: supervisor.pids[name] for name in ("server", "readers")}

    def turn() -> None:
        monkey.turn()
        supervisor.turn()
        for name, pid in ours.items():
            if supervisor.pids.get(name) != pid:
                said = supervisor.log_of(name).read_text(errors="replace")[-2000:]
                raise HarnessBroken(f"the {name} ended: {said}")

    return turn


def wait_for_the_beginning(house: House, turn: Callable[[], None]) -> float:
    """The moment (real time) the readers have written down, once they saw a tick."""

    def begun() -> bool:
        turn()
        return bool(house.lines("begins"))

    if not wait_for(begun, within=STARTS_WITHIN):
        raise HarnessBroken(f"there was no tick after {STARTS_WITHIN:.0f} seconds")
    return float(house.lines("begins")[0])


def _do_harm(house: House, monkey: Monkey, turn: Callable[[], None]) -> None:
    faults = list(house.plan.faults)
    ends = house.began + house.plan.size.seconds
    while time.time() < ends:
        while faults and time.time() >= house.began + faults[0].at:
            monkey.harm(faults.pop(0))
        turn()
        time.sleep(0.02)


def calm_down(house: House, monkey: Monkey, turn: Callable[[], None]) -> None:
    """Until everything that is owed has come, or nothing has happened for long; and then a little longer."""
    planned = {(doing.address, doing.verb) for doing in house.plan.doings}
    altogether, without_news, in_motion = Patience(CALMS_WITHIN), Patience(WITHOUT_NEWS), Patience(STILL_FOR)
    news = -1
    while not (altogether.is_over or without_news.is_over):
        monkey.stood_still(stay(turn, LOOK_EACH))
        lines = len(house.lines("server")) + len(house.lines("doings"))
        if lines != news:
            news = lines
            without_news.renew()
            in_motion.renew()
        if not in_motion.is_over:
            continue
        evidence = house.evidence(monkey.kills)
        if planned <= {(done.address, done.verb) for done in evidence.doings} and not judge(evidence).waiting:
            break
    stay(turn, AFTERWARDS)


def stay(turn: Callable[[], None], seconds: float) -> float:
    """Keep everything going for so long; returns how many seconds it took."""
    began, patience = time.monotonic(), Patience(seconds)
    while not patience.is_over:
        turn()
        time.sleep(0.05)
    return time.monotonic() - began


def count_orphans(house: House, row: Row) -> int:
    """Processes that know the run's folder and did not end with it."""
    # A leash may still be at work.
    if wait_for(lambda: not house.processes(), within=LEASH + 20.0):
        return 0
    left = house.processes()
    row.faults += [f"still running afterwards: {command}" for command in left.values()]
    return len(left)


def fill(row: Row, verdict: Verdict) -> None:
    for name in PROMISED_ZERO.values():
        if hasattr(verdict, name):
            setattr(row, name, len(getattr(verdict, name)))
    row.owed, row.came, row.put_off = verdict.owed, verdict.came, len(verdict.put_off)
    doubts = verdict.doubts
    row.unknown, row.unknown_by_cut, row.cuts = doubts.number, doubts.by_cut, doubts.cuts
    row.unknown_by_loss = doubts.by_loss
    row.unknown_by_kill, row.open_at_kills = doubts.killed, doubts.open_at_kills
    row.most_by_one_kill = max((number for number, _ in doubts.by_kill), default=0)
    row.p50, row.p99, row.latest = verdict.late_by(50), verdict.late_by(99), max(verdict.late, default=0.0)
    row.faults += verdict.faults


def explain(house: House, row: Row) -> None:
    """The product's own words about readers something went wrong for, while the database is still there."""
    if house.postgres:
        shutil.copy(house.postgres.home / "log", house.file("postgres-log"))
    if not row.faults:
        return
    house.file("listed").write_text(house.ask("delivery", "list", "--json"))
    wronged = {who.address for who in house.plan.readers if any(f" {who.address} " in f"{x} " for x in row.faults)}
    with house.file("explained").open("w") as words:
        for address in sorted(wronged)[:MOST_EXPLAINED]:
            words.write(f"--- {address}\n{house.run(*PROGRAM, 'delivery', 'explain', address).stdout}")


def teller(house: House) -> Callable[[str], None]:
    def tell(what: str) -> None:
        line = f"{time.time() - house.began:6.2f} {what}"
        with house.file("harm").open("a") as lines:
            lines.write(f"{time.time():.3f} {line}\n")
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return tell


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
    """Play what the JSON object says: seed, database, size, keep."""
    asked = json.loads(argument)
    size = Size(**asked["size"])
    with ended_in_order(ENDS_WITHIN):
        row = play(asked["seed"], asked["database"], size, keep=asked["keep"])
    print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
