from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.warmup import DAYS, Ramp, day_of, next_day

MONDAY = dt.date(2026, 11, 23)


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def test_the_default_begins_small_and_ends_after_six_weeks() -> None:
    ramp = Ramp(MONDAY)
    assert [ramp.allowance(day(n)) for n in (-1, 0, 1, 2, 7, 14)] == [0, 50, 70, 98, 527, 5556]
    assert ramp.allowance(day(DAYS - 1)) is not None
    assert ramp.allowance(day(DAYS)) is None


def test_a_table_is_kept_to_the_letter() -> None:
    ramp = Ramp(MONDAY, table=(10, 20, 500))
    assert [ramp.allowance(day(n)) for n in range(-1, 4)] == [0, 10, 20, 500, None]


def test_a_ceiling_stays_for_good() -> None:
    ramp = Ramp(MONDAY, first_day=100, growth=2, ceiling=300)
    assert [ramp.allowance(day(n)) for n in (0, 1, 2, 3, 1000, 200_000)] == [100, 200, 300, 300, 300, 300]


@given(st.integers(1, 5000), st.floats(1, 3), st.none() | st.integers(1, 10_000))
def test_an_allowance_never_falls_before_the_ramp_ends(first: int, growth: float, ceiling: int | None) -> None:
    ramp = Ramp(MONDAY, first, growth, ceiling=ceiling)
    allowances = [ramp.allowance(day(n)) for n in range(DAYS)]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(allowances))


@pytest.mark.parametrize("wrong", [{"first_day": 0}, {"growth": 0.9}, {"table": (5, 0)}, {"ceiling": 0}])
def test_a_ramp_that_lets_nobody_leave_is_none(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ramp(MONDAY, **wrong)  # type: ignore[arg-type]


def test_days_are_days_in_utc() -> None:
    late = dt.datetime(2026, 11, 23, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    assert day_of(late) == dt.date(2026, 11, 24)
    assert next_day(late) == dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
