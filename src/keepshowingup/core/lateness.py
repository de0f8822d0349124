"""How late letters were, as counts in buckets: what can be added up over years and over machines."""

from __future__ import annotations

import bisect
from collections.abc import Mapping

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Upper bounds in seconds, each inclusive. A tick is 2 s, a lease 60 s, an alarm comes after 300 s."""

Counts = Mapping[float | None, int]
"""How many letters by the upper bound of their bucket; None: later than the last bound."""


def bound_of(seconds: float) -> float | None:
    """The bucket of one letter; what is early by a hair, because clocks differ, is on time."""
    place = bisect.bisect_left(BOUNDS, seconds)
    return BOUNDS[place] if place < len(BOUNDS) else None


def up_to(counts: Counts, bound: float) -> int:
    """How many were at most so late."""
    return sum(number for upper, number in counts.items() if upper is not None and upper <= bound)


def quantile(counts: Counts, share: float) -> float | None:
    """The lateness that ``share`` (0 to 1) of the letters did not exceed, in seconds; None when there are none.

    Within a bucket letters are taken to lie evenly, as Prometheus' ``histogram_quantile`` does; above the last bound
    the answer is that bound.
    """
    wanted = share * sum(counts.values())
    if not wanted:
        return None
    before, lower = 0, 0.0
    for upper in sorted({*BOUNDS, *(bound for bound in counts if bound is not None)}):
        here = counts.get(upper, 0)
        if here and before + here >= wanted:
            return lower + (upper - lower) * (wanted - before) / here
        before, lower = before + here, upper
    return lower
