"""Making a plan from a seed. The same arguments always give the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.chaos.moods import ENDS, LETTERS, Mood
from tests.chaos.plan import LEASE, Doing, Fault, Plan, Reader, Size

ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
STRICT = "strict.example"  # the one domain that refuses us
DOMAINS = {"harbour.example": 0.4, "quay.example": 0.4, STRICT: 0.2}


def make_plan(seed: int, database: str, size: Size) -> Plan:
    """The plan of a seed."""
    rng = random.Random(f"chaos {seed}")
    readers = tuple(_reader(number, rng) for number in range(size.readers))
    moods, leaving = _moods(readers, size, rng)
    doings = (doing for reader in readers for doing in _doings(reader, size, rng, free=reader.address not in leaving))
    beats = rng.choice((2, 2, 3))
    return Plan(
        seed,
        database,
        size,
        rng.choice(("", "", "starttls", "tls")),
        beats,
        readers,
        tuple(sorted(doings, key=lambda doing: doing.at)),
        tuple(_faults(database, size, beats, rng)),
        moods,
    )


def _reader(number: int, rng: random.Random) -> Reader:
    doomed = number % 25 == 7
    name = "gone" if doomed else "r"
    return Reader(
        f"{name}{number}@{rng.choices(list(DOMAINS), list(DOMAINS.values()))[0]}",
        rng.choice(ZONES),
        f"{rng.randrange(24):02}:{rng.choice((0, 15, 30, 45)):02}",
        doomed,
    )


def _doings(reader: Reader, size: Size, rng: random.Random, *, free: bool) -> Iterable[Doing]:
    """``free``: nothing else is planned for them. Who leaves when a letter is on the wire does nothing before."""
    joins = rng.uniform(0, size.seconds / 8)
    yield Doing(joins, reader.address, "join")
    life = rng.random()
    if not free:
        return
    if life < 0.15:
        yield Doing(rng.uniform(joins + 1, size.seconds * 0.9), reader.address, "leave")
    elif life < 0.35:
        begins = rng.uniform(joins + 1, size.seconds * 0.7)
        if life < 0.25:
            yield Doing(begins, reader.address, "pause", days=rng.randint(1, 2 if size.is_brief else 5))
        else:
            yield Doing(begins, reader.address, "pause")
            yield Doing(begins + rng.uniform(1, size.seconds / 5), reader.address, "resume")


HARM = {
    ("kill", "worker"): 6.0,
    ("kill", "child"): 2.0,
    ("freeze", "worker"): 3.0,
    ("stop", "worker"): 3.0,
    ("kill", "supervisor"): 1.5,
    ("freeze", "supervisor"): 0.5,
    ("kill", "beat"): 1.5,
    ("freeze", "beat"): 1.0,
    ("stop", "beat"): 0.5,
    ("kill", "broker"): 1.5,
    ("freeze", "broker"): 1.0,
    ("flush", "broker"): 2.0,
    ("wipe", "broker"): 1.0,
}
HARM_TO = {
    "postgres": {
        ("restart", "postgres"): 1.5,
        ("crash", "postgres"): 2.0,
        ("kill", "postgres"): 2.0,
        ("freeze", "postgres"): 1.0,
        ("kill", "backend"): 3.0,
    },
    "sqlite": {("hold", "sqlite"): 2.0},
}


def _faults(database: str, size: Size, beats: int, rng: random.Random) -> Iterable[Fault]:
    harm = HARM | HARM_TO[database]
    at = rng.uniform(1.0, 3.0)
    while at < size.seconds:
        what, kind = rng.choices(list(harm), weights=list(harm.values()))[0]
        target = kind
        if kind in {"worker", "child", "backend"}:
            target = f"{kind}-{rng.randrange(size.workers)}"
        elif kind == "beat":
            target = f"{kind}-{rng.randrange(beats)}"
        short, long = rng.uniform(0.5, 2.5), rng.uniform(LEASE + 0.5, 2 * LEASE)
        lasts = long if kind in {"worker", "beat"} and rng.random() < 0.6 else short
        yield Fault(at, what, target, lasts)
        at += 0.4 + rng.expovariate(1 / 1.6)


def _moods(readers: tuple[Reader, ...], size: Size, rng: random.Random) -> tuple[dict[str, dict[int, str]], set[str]]:
    """Who is treated how at which attempt; and who will leave while the server is slow."""
    moods: dict[str, dict[int, str]] = {reader.address: {} for reader in readers}
    leaving: set[str] = set()
    staying = [reader.address for reader in readers if not reader.doomed]
    for mood in _chosen(size, rng):
        among = [who for who in staying if who.endswith(STRICT)] if mood.is_about_us else staying
        for _ in range(max(1, round(size.letters * mood.share / 100)) if among else 0):
            # Early letters wait the minute, so that the run need not wait for them at its end.
            last = min(2, size.steps) if mood.puts_off else max(1, size.steps - 1)
            who, attempt = rng.choice(among), rng.randint(1, last)
            # Never twice in a row: the waits double each time.
            if moods[who].keys() & {attempt - 1, attempt, attempt + 1}:
                continue
            moods[who][attempt] = mood.name
            if mood.leaves:
                leaving.add(who)
    for reader in readers:
        if reader.doomed:
            moods[reader.address] = dict.fromkeys(range(2, 100), rng.choice(ENDS).name)
    return moods, leaving


def _chosen(size: Size, rng: random.Random) -> list[Mood]:
    """The moods of a run. Of those that end the line only some: all letters rest for five seconds and more then."""
    ending = [mood for mood in LETTERS if mood.ends_the_line]
    others = [mood for mood in LETTERS if not mood.ends_the_line and not (size.is_brief and mood.puts_off)]
    if size.is_brief:
        return rng.sample(ending, 1) + rng.sample(others, len(others) // 2)
    return rng.sample(ending, 4) + others
