"""What will happen, decided before anything does: readers and their doings, the mail server's moods, the faults.

All of it comes from one seed, so a seed replays the same plan. What the machine's scheduler makes of it is its own.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STEPS_APART = 3  # days, so that the house's pace (one a day, three in seven) never moves a letter
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
STRICT = "strict.example"  # the one domain that refuses by policy
DOMAINS = ("harbour.example", "quay.example", STRICT)


@dataclass(frozen=True)
class Size:
    """How large a run is. ``seconds`` (real) is how long harm is done; ``day`` how many real seconds a day takes."""

    readers: int = 150
    steps: int = 6
    seconds: float = 40.0
    day: float = 2.0
    workers: int = 2
    beats: int = 2

    @classmethod
    def fitting(cls, readers: int, steps: int, seconds: float) -> Size:
        """With days so short that the last step falls due after three quarters of the harm, but not below a second."""
        return cls(readers, steps, seconds, day=max(1.0, 0.75 * seconds / (STEPS_APART * max(1, steps - 1))))

    @property
    def rate(self) -> float:
        """Calendar seconds in a real one."""
        return 86_400 / self.day

    @property
    def letters(self) -> int:
        """How many there would be if nobody left."""
        return self.readers * self.steps


@dataclass(frozen=True)
class Reader:
    """Somebody who gets letters at an hour (``HH:MM``) of their own. ``doomed``: the mailbox ends after a letter."""

    address: str
    zone: str
    hour: str
    doomed: bool = False


@dataclass(frozen=True)
class Doing:
    """What a reader does ``at`` seconds (real) after the beginning: join, pause, resume or leave.

    ``days`` is the length of a break that ends by itself; 0 for one that lasts until the reader says.
    """

    at: float
    address: str
    verb: str
    days: int = 0


@dataclass(frozen=True)
class Fault:
    """Harm done ``at`` seconds after the beginning. ``lasts`` (seconds) is how long it is frozen or down."""

    at: float
    what: str
    target: str
    lasts: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One run. ``moods`` says for a recipient how the server treats which attempt (1 is the first RCPT)."""

    seed: int
    database: str
    size: Size
    readers: tuple[Reader, ...]
    doings: tuple[Doing, ...]
    faults: tuple[Fault, ...]
    moods: dict[str, dict[int, str]]

    def save(self, path: Path) -> None:
        """Write it for the other processes of the run."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Plan:
        """What :meth:`save` wrote."""
        kept: dict[str, Any] = json.loads(path.read_text())
        return cls(
            seed=kept["seed"],
            database=kept["database"],
            size=Size(**kept["size"]),
            readers=tuple(Reader(**row) for row in kept["readers"]),
            doings=tuple(Doing(**row) for row in kept["doings"]),
            faults=tuple(Fault(**row) for row in kept["faults"]),
            moods={who: {int(n): mood for n, mood in moods.items()} for who, moods in kept["moods"].items()},
        )


def make_plan(seed: int, database: str, size: Size) -> Plan:
    """The plan of a seed. The same arguments always give the same plan."""
    rng = random.Random(f"chaos {seed}")
    readers = tuple(_reader(number, rng) for number in range(size.readers))
    return Plan(
        seed,
        database,
        size,
        readers,
        tuple(sorted(_doings(readers, size, rng), key=lambda doing: doing.at)),
        tuple(_faults(database, size, rng)),
        _moods(readers, size, rng),
    )


def _reader(number: int, rng: random.Random) -> Reader:
    doomed = number % 25 == 7
    name = "gone" if doomed else "r"
    return Reader(
        f"{name}{number}@{rng.choice(DOMAINS)}",
        rng.choice(ZONES),
        f"{rng.randrange(24):02}:{rng.choice((0, 15, 30, 45)):02}",
        doomed,
    )


def _doings(readers: tuple[Reader, ...], size: Size, rng: random.Random) -> list[Doing]:
    doings = []
    for reader in readers:
        joins = rng.uniform(0, size.seconds / 8)
        doings.append(Doing(joins, reader.address, "join"))
        life = rng.random()
        if life < 0.15:
            doings.append(Doing(rng.uniform(joins + 1, size.seconds * 0.9), reader.address, "leave"))
        elif life < 0.35:
            begins = rng.uniform(joins + 1, size.seconds * 0.7)
            if life < 0.25:
                doings.append(Doing(begins, reader.address, "pause", days=rng.randint(1, 5)))
            else:
                doings.append(Doing(begins, reader.address, "pause"))
                doings.append(Doing(begins + rng.uniform(1, size.seconds / 5), reader.address, "resume"))
    return doings


HARM = {
    ("kill", "worker"): 6.0,
    ("kill", "child"): 2.0,
    ("freeze", "worker"): 3.0,
    ("stop", "worker"): 3.0,
    ("kill", "beat"): 1.5,
    ("freeze", "beat"): 1.0,
    ("stop", "beat"): 0.5,
    ("kill", "broker"): 1.5,
    ("freeze", "broker"): 1.0,
    ("flush", "broker"): 2.0,
}
HARM_TO_POSTGRES = {
    ("restart", "postgres"): 2.0,
    ("crash", "postgres"): 2.0,
    ("kill", "postgres"): 2.0,
    ("kill", "backend"): 3.0,
}


def _faults(database: str, size: Size, rng: random.Random) -> list[Fault]:
    harm = HARM | (HARM_TO_POSTGRES if database == "postgres" else {})
    faults = []
    at = rng.uniform(1.0, 3.0)
    while at < size.seconds:
        what, kind = rng.choices(list(harm), weights=list(harm.values()))[0]
        target = kind
        if kind in {"worker", "child"}:
            target = f"{kind}-{rng.randrange(size.workers)}"
        elif kind == "beat":
            target = f"{kind}-{rng.randrange(size.beats)}"
        lasts = rng.uniform(0.5, 7.0 if kind in {"worker", "beat"} else 3.0)
        faults.append(Fault(at, what, target, lasts))
        at += 0.4 + rng.expovariate(1 / 1.6)
    return faults


# How often in a hundred letters. What makes the engine rest its line is rare: it rests for five seconds and more.
SHARES = {
    "drop at the dot": 2.0,
    "reset at the dot": 1.0,
    "slow at the dot": 1.5,
    "slow at DATA": 0.7,
    "many lines": 1.5,
    "drop by drop": 1.5,
    "451 at the dot": 0.4,
    "450 at RCPT": 0.6,
    "552 at RCPT": 0.2,
    "421 at the dot": 0.3,
    "554 at the dot": 0.7,
    "550 at RCPT": 0.4,
    "drop at RCPT": 0.1,
    "reset at DATA": 0.1,
    "drop in DATA": 0.15,
    "421 at RCPT": 0.1,
}
POLICY = {"554 at the dot", "550 at RCPT"}
DEFERRING = {"451 at the dot", "450 at RCPT", "552 at RCPT"}  # for about a minute, in real time


def _moods(readers: tuple[Reader, ...], size: Size, rng: random.Random) -> dict[str, dict[int, str]]:
    moods: dict[str, dict[int, str]] = {reader.address: {} for reader in readers}
    staying = [reader.address for reader in readers if not reader.doomed]
    for mood, share in SHARES.items():
        for _ in range(max(1, round(size.letters * share / 100))):
            among = [who for who in staying if who.endswith(STRICT)] if mood in POLICY else staying
            # Early letters wait the minute, so that the run need not wait for them at its end.
            last = min(2, size.steps) if mood in DEFERRING else max(1, size.steps - 1)
            who, attempt = rng.choice(among or staying), rng.randint(1, last)
            # Never twice in a row: the waits double each time.
            if not moods[who].keys() & {attempt - 1, attempt, attempt + 1}:
                moods[who][attempt] = mood
    for reader in readers:
        if reader.doomed:
            moods[reader.address] = dict.fromkeys(range(2, 100), "no mailbox")
    return moods
