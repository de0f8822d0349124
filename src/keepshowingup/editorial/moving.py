"""Another place in the order: the days stay where they are, and the letters change places on them.

So a sequence keeps its rhythm, and no letter is left on a day before the one in front of it.
"""

from __future__ import annotations

from dataclasses import replace

from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate, Timing
from keepshowingup.editorial.models import Step
from keepshowingup.editorial.timings import timing_of


def moved(steps: list[Step], step: Step, places: int) -> list[tuple[Step, Timing]]:
    """All letters in their new order, each with its timing then.

    ``places`` are counted down, or up when negative, as far as it goes.
    A time of day is the letter's own and goes with it. Where days, minutes and dates are mixed, each keeps its own.
    """
    here = next(index for index, other in enumerate(steps) if other.pk == step.pk)
    there = max(0, min(here + places, len(steps) - 1))
    order = [other for other in steps if other.pk != step.pk]
    order.insert(there, step)
    first, last = min(here, there), max(here, there)
    before = [timing_of(other) for other in steps]
    if len({type(timing) for timing in before[first : last + 1]}) > 1:
        return [(other, timing_of(other)) for other in order]
    return [(other, _on(before[index], timing_of(other))) for index, other in enumerate(order)]


def _on(day: Timing, own: Timing) -> Timing:
    if isinstance(day, AfterDays) and isinstance(own, AfterDays):
        return replace(own, days=day.days)
    if isinstance(day, AfterMinutes) and isinstance(own, AfterMinutes):
        return replace(own, minutes=day.minutes)
    if isinstance(day, OnDate) and isinstance(own, OnDate):
        return replace(own, date=day.date)
    return own
