"""What will happen in a run, as values: readers and their doings, the mail server's moods, the faults.

:mod:`tests.chaos.planning` makes one from a seed. What the machine's scheduler makes of it is its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STEPS_APART = 3  # days, so that the house's pace (one a day, three in seven) never moves a letter
LEASE = 3.0  # seconds (real) for which a claim holds: what is frozen or stalls for longer has lost it
TICK = 0.5


@dataclass(frozen=True)
class Size:
    """How large a run is. ``seconds`` (real) is how long harm is done; ``day`` how many real seconds a day takes."""

    readers: int = 150
    steps: int = 6
    seconds: float = 40.0
    day: float = 2.0
    workers: int = 2

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

    @property
    def is_brief(self) -> bool:
        """Too short to sit out the minute for which a server's "later" is heeded: such moods are left out."""
        return self.seconds < 30


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
    """Harm done ``at`` seconds after the beginning. ``lasts`` (seconds) is how long it is frozen, held or down."""

    at: float
    what: str
    target: str
    lasts: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One run. ``moods`` names for a recipient how the server treats which attempt (1 is the first RCPT).

    ``security`` is how the relay is reached: plainly (empty), by ``starttls``, or by ``tls`` from the first byte.
    """

    seed: int
    database: str
    size: Size
    security: str
    beats: int
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
            security=kept["security"],
            beats=kept["beats"],
            readers=tuple(Reader(**row) for row in kept["readers"]),
            doings=tuple(Doing(**row) for row in kept["doings"]),
            faults=tuple(Fault(**row) for row in kept["faults"]),
            moods={who: {int(n): mood for n, mood in moods.items()} for who, moods in kept["moods"].items()},
        )
