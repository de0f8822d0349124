"""The last minutes, as a person watching wants them: letters per second, and how late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from keepshowingup.core.clock import Clock
from keepshowingup.core.lateness import Counts, quantile
from keepshowingup.delivery.ledger import accepted_since

SHOWN = 60
"""Seconds of real time."""
RATE_OVER = 10
LATENESS_OVER = timedelta(minutes=5)


@dataclass(frozen=True)
class Pulse:
    """``per_second`` has a number for each of the last 60 real seconds, oldest first, but for the one that is running.

    ``lateness`` counts the letters accepted in the last five minutes; :meth:`late` reads it. ``rates`` are letters
    accepted per second by each transport, over the last ten.
    """

    per_second: tuple[int, ...]
    lateness: Counts
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Letters accepted per second, over the last ten."""
        return sum(self.per_second[-RATE_OVER:]) / RATE_OVER

    @property
    def letters(self) -> int:
        """How many were accepted in the last five minutes."""
        return sum(self.lateness.values())

    def late(self, share: float) -> float | None:
        """About how many seconds (calendar) late this share of them was at most; None when there were none."""
        return quantile(self.lateness, share)


def pulse(clock: Clock) -> Pulse:
    """What the ledger says of the last minutes. A batch counts in the second it was written down."""
    real, now = clock.real(), clock.now()
    per_second = [0] * (SHOWN + 1)
    lateness: Counter[float | None] = Counter()
    rates: Counter[str] = Counter()
    for at, late, number, transport in accepted_since(clock.calendar_at(real - LATENESS_OVER)):
        lateness[late] += number
        ago = int(clock.real_between(at, now).total_seconds())
        if 0 <= ago <= SHOWN:
            per_second[SHOWN - ago] += number
        if transport and 1 <= ago <= RATE_OVER:
            rates[transport] += number
    return Pulse(tuple(per_second[:-1]), lateness, {name: number / RATE_OVER for name, number in rates.items()})
