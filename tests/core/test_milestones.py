from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.milestones import Mark, add_months, distance, is_dropped, next_mark

LEAP_DAY = date(2024, 2, 29)
dates = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (LEAP_DAY, 12, date(2025, 2, 28)),
        (LEAP_DAY, 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 8, 15), 6, date(2027, 2, 15)),
    ],
)
def test_months_are_clipped_to_the_end_of_the_month(anchor: date, months: int, expected: date) -> None:
    assert add_months(anchor, months) == expected


@given(dates, st.integers(0, 600))
def test_months_agree_with_an_independent_library(anchor: date, months: int) -> None:
    assert add_months(anchor, months) == anchor + relativedelta(months=months)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 5, 1), "0 days"),
        (date(2026, 5, 2), "1 day"),
        (date(2026, 10, 31), "183 days"),
        (date(2026, 11, 1), "6 months"),
        (date(2027, 5, 1), "1 year"),
        (date(2028, 7, 30), "2 years and 2 months"),
    ],
)
def test_under_six_months_it_counts_in_days_then_in_months_and_years(today: date, words: str) -> None:
    assert distance(date(2026, 5, 1), today).words == f"{words} from the date you gave us"


@given(dates, dates)
def test_the_next_mark_is_never_one_that_has_passed(anchor: date, today: date) -> None:
    mark = next_mark(anchor, today)
    assert mark.falls_on(anchor) > today


def test_marks_come_in_order() -> None:
    today = anchor = LEAP_DAY
    passed: list[Mark] = []
    while len(passed) < 16:
        mark = next_mark(anchor, today)
        today = mark.falls_on(anchor)
        passed.append(mark)
    assert [mark.days for mark in passed[:8]] == [1, 7, 14, 30, 60, 90, 120, 150]
    assert [mark.months for mark in passed[8:]] == [6, 9, 12, 18, 24, 36, 48, 60]
    assert Mark(months=12).falls_on(anchor) == date(2025, 2, 28)


@pytest.mark.parametrize(("hours", "dropped"), [(0, False), (36, False), (37, True)])
def test_a_milestone_more_than_36_hours_late_is_dropped(hours: int, dropped: bool) -> None:
    due = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert is_dropped(due, due + timedelta(hours=hours)) is dropped
