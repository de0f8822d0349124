"""The readers of a run with several hosts: crowds that are due at one moment, and a server that takes its time.

So a host has letters in hand whenever something happens to it. The same arguments always give the same plan.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.chaos.moods import BY_NAME
from tests.chaos.plan import STEPS_APART, Doing, Plan, Reader, Size
from tests.chaos.planning import DOMAINS

DAY = 10.0  # real seconds: a letter that was delayed by a cut comes within a day or so
HOURS = ("06:00", "12:00", "18:00")
SLOW = 0.3  # of all letters
MOODS = ("slow at RCPT", "slow at DATA", "drip at dot", "lines at dot", "drop at dot", "reset at dot")


def hosts_size(readers: int, steps: int) -> Size:
    """As many seconds as it takes until the last step is due, and a day."""
    return Size(readers, steps, seconds=DAY * (STEPS_APART * (steps - 1) + 2), day=DAY)


def make_hosts_plan(seed: int, size: Size) -> Plan:
    """The plan of a seed."""
    rng = random.Random(f"hosts {seed}")
    readers = tuple(
        Reader(f"r{number}@{rng.choice(list(DOMAINS))}", "UTC", rng.choice(HOURS)) for number in range(size.readers)
    )
    doings = sorted((doing for reader in readers for doing in _doings(reader, size, rng)), key=lambda doing: doing.at)
    return Plan(seed, "postgres", size, "", 1, readers, tuple(doings), (), _moods(readers, size, rng))


def _doings(reader: Reader, size: Size, rng: random.Random) -> Iterator[Doing]:
    joins = rng.uniform(0, DAY / 5)
    yield Doing(joins, reader.address, "join")
    life = rng.random()
    if life < 0.1:
        yield Doing(rng.uniform(joins + 1, size.seconds), reader.address, "leave")
    elif life < 0.2:
        begins = rng.uniform(joins + 1, size.seconds / 2)
        yield Doing(begins, reader.address, "pause")
        yield Doing(begins + rng.uniform(1, DAY), reader.address, "resume")


def _moods(readers: tuple[Reader, ...], size: Size, rng: random.Random) -> dict[str, dict[int, str]]:
    moods: dict[str, dict[int, str]] = {}
    for reader in readers:
        moods[reader.address] = {
            attempt: rng.choice(MOODS) if rng.random() < 0.2 else "slow at dot"
            for attempt in range(1, size.steps + 1)
            if rng.random() < SLOW
        }
    assert all(name in BY_NAME for mine in moods.values() for name in mine.values())
    return moods
