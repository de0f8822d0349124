"""Many letters due at one instant: how fast they are accepted and recorded, and what that costs the workers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.database import moment
from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import ACCEPTED, RECORDED, Bench, House, product_parts
from benchmarks.machine import cpu_seconds, resident_mb
from keepshowingup.ops.supervisor import Part


@dataclass(frozen=True)
class Drained:
    """What one drain showed. ``seconds`` are from the first claim to the last letter recorded.

    ``cpu`` are the workers' processor seconds; ``memory`` each worker's MB before the first letter, after a tenth
    of them, and after the last. ``whole`` is false when the time ran out and ``letters`` are those recorded by then.
    """

    letters: int
    seconds: float
    cpu: float
    memory: dict[str, tuple[float, float, float]]
    whole: bool

    @property
    def rate(self) -> float:
        """Letters a second."""
        return self.letters / self.seconds

    @property
    def note(self) -> str:
        """How much was measured."""
        cut = "" if self.whole else ", cut short"
        return f"{self.letters:,} letters in {self.seconds:.1f} s{cut}"


def drain(
    house: House, number: int, *, limit: float, parts: Sequence[Part] | None = None, each_turn: float = 0.05
) -> Drained:
    """Let ``number`` letters fall due at one instant and wait until all are recorded, or ``limit`` seconds are over."""
    with house.running(product_parts() if parts is None else parts):
        due = house.add_readers(number)
        house.say(f"{number:,} letters fall due …")
        while time.time() < due - 0.2:
            time.sleep(0.02)
        return watch(house, number, limit, each_turn)


def watch(house: House, number: int, limit: float, each_turn: float = 0.05) -> Drained:
    """The measuring itself, from right before the first letter falls due."""
    workers = house.workers
    memory = {name: resident_mb(pid) for name, pid in workers.items()}
    warm: dict[str, float] = {}
    cpu = {name: cpu_seconds(pid) for name, pid in workers.items()}
    recorded, ended = 0, time.time()
    until = time.time() + limit
    while recorded < number and time.time() < until:
        asked = time.monotonic()
        recorded, ended = house.database.number(RECORDED), time.time()
        house.say(f"{recorded:,} of {number:,} letters recorded")
        if not warm and recorded >= number / 10:
            warm = {name: resident_mb(pid) for name, pid in workers.items()}
        # Watching must not become part of what is watched.
        time.sleep(max(each_turn, 20 * (time.monotonic() - asked)))
        house.look_after()
    spent = sum(cpu_seconds(pid) - cpu[name] for name, pid in workers.items())
    after = {name: resident_mb(pid) for name, pid in workers.items()}
    if not recorded:
        worker = next(iter(workers))
        raise NotMeasured(f"No letter was recorded within {limit:.0f} seconds. {worker}: {house.last_words(worker)}")
    if recorded >= number:
        check(house, number)
    first = moment(house.database.rows("SELECT min(claimed_at) FROM delivery_dispatch")[0][0])
    return Drained(
        letters=recorded,
        seconds=ended - first,
        cpu=spent,
        memory={name: (memory[name], warm.get(name, memory[name]), after[name]) for name in workers},
        whole=recorded >= number,
    )


def check(house: House, number: int) -> None:
    """A rate of letters that were lost or sent twice is none. Raises :class:`NotMeasured`."""
    accepted = house.database.number(f"{ACCEPTED} AND step_key <> ''")
    planned = house.database.number("SELECT count(*) FROM cadence_enrolment WHERE due_at IS NOT NULL")
    if not accepted == planned == number:
        raise NotMeasured(
            f"Of {number} letters {accepted} were accepted, and {planned} readers' next letter was planned."
        )
    # The sink's counter is written after its answer.
    notices = house.database.number(f"{ACCEPTED} AND step_key = ''")
    house.wait_until(lambda: house.taken() >= number + notices, "the sink to count", 5)
    if house.taken() > number + notices:
        raise NotMeasured(f"The sink has {house.taken()} messages for {number + notices} letters.")


def on_postgres(bench: Bench) -> Drained:
    """The drain that three figures are read from, done once in a run."""
    kept = bench.kept.get("drain")
    if not isinstance(kept, Drained):
        with bench.house() as house:
            kept = drain(house, bench.letters, limit=bench.size(300, 60))
        bench.kept["drain"] = kept
    return kept


def postgres(bench: Bench) -> list[Figure]:
    """Due to accepted and recorded, on PostgreSQL."""
    done = on_postgres(bench)
    return [Figure("drain, PostgreSQL", done.rate, "letters/s", at_least=4000, note=done.note)]


def sqlite(bench: Bench) -> list[Figure]:
    """The same on SQLite."""
    with bench.house("sqlite") as house:
        done = drain(house, bench.letters, limit=bench.size(300, 60), each_turn=0.1)
    return [Figure("drain, SQLite", done.rate, "letters/s", at_least=2000, note=done.note)]


def dkim(bench: Bench) -> list[Figure]:
    """The same on PostgreSQL with an RSA signature of 2048 bits on each letter."""
    key = bench.folder / "dkim.pem"
    make_key(key)
    with bench.house(KSU_DKIM_KEY_FILE=str(key), KSU_DKIM_DOMAIN="harbour.example") as house:
        done = drain(house, bench.letters, limit=bench.size(300, 60))
    return [Figure("drain, DKIM rsa-2048", done.rate, "letters/s", at_least=2000, note=done.note)]


def cpu(bench: Bench) -> list[Figure]:
    """What a letter costs the workers' processes, without mail server and database."""
    done = on_postgres(bench)
    each = done.cpu / done.letters * 1000
    return [Figure("engine CPU per letter", each, "ms", at_most=0.25, note=f"{done.cpu:.1f} s in the workers")]


def make_key(path: Path) -> None:
    """A fresh RSA key of 2048 bits, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
