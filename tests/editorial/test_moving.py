"""Another place in the order: the days stay where they are."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate, Timing
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.moving import moved
from keepshowingup.editorial.timings import put_timing, timing_of


def letters(*timings: Timing) -> list[Step]:
    sequence = Sequence()
    steps = [Step(pk=number, key=f"letter-{number}", sequence=sequence) for number in range(len(timings))]
    for step, timing in zip(steps, timings, strict=True):
        put_timing(step, timing)
    return steps


@given(
    st.lists(st.integers(0, 3660), min_size=1, max_size=12).map(sorted),
    st.data(),
    st.integers(-15, 15),
)
def test_days_stay_and_letters_change_places_on_them(days: list[int], data: st.DataObject, places: int) -> None:
    hours = [dt.time(number) for number in range(len(days))]
    steps = letters(*(AfterDays(day, hour) for day, hour in zip(days, hours, strict=True)))
    here = data.draw(st.integers(0, len(steps) - 1))
    order = moved(steps, steps[here], places)
    timings = [timing for _, timing in order]
    assert [timing.days for timing in timings if isinstance(timing, AfterDays)] == days
    # Its hour goes with a letter, and those it does not pass are as they were.
    assert [timing.at for timing in timings if isinstance(timing, AfterDays)] == [hours[step.pk] for step, _ in order]
    there = max(0, min(here + places, len(steps) - 1))
    assert order[there][0] is steps[here]
    others = [step.pk for step, _ in order if step.pk != here]
    assert others == sorted(others)


def test_dates_change_places_too_and_mixed_timings_stay_with_their_letters() -> None:
    first, second = OnDate(dt.date(2026, 12, 1)), OnDate(dt.date(2026, 12, 8), dt.time(9))
    issues = letters(first, second)
    assert [timing for _, timing in moved(issues, issues[1], -1)] == [
        OnDate(first.date, dt.time(9)),
        OnDate(second.date),
    ]
    mixed = letters(AfterMinutes(10), AfterDays(2), AfterDays(5))
    assert [(step.pk, timing) for step, timing in moved(mixed, mixed[2], -2)] == [
        (2, AfterDays(5)),
        (0, AfterMinutes(10)),
        (1, AfterDays(2)),
    ]
    assert [timing_of(step) for step in mixed] == [AfterMinutes(10), AfterDays(2), AfterDays(5)]
