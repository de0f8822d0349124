"""How long a mailbox that is full or busy is worth writing to: soft failures add up, and fade."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

HALF_LIFE = timedelta(days=30)
# Five failures in a week, or seven weekly ones in a row. Monthly letters never add up to it.
ENOUGH = 4.5


def weight(failures: Iterable[datetime], now: datetime) -> float:
    """The weight of soft failures (aware): one counts 1 when it happens and half as much with each half-life."""
    return math.fsum(math.pow(0.5, max(now - moment, timedelta()) / HALF_LIFE) for moment in failures)


def is_worn_out(failures: Iterable[datetime], now: datetime) -> bool:
    """Whether so many letters failed in so short a time that nobody seems to empty this mailbox."""
    return weight(failures, now) >= ENOUGH
