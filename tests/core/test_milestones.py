from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.milestones import Mark, add_months, fault_in_mark, is_dropped, mark_key, read_mark

LEAP_DAY = date(2024, 2, 29)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
dates = st.dates(date(1900, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (LEAP_DAY, 12, date(2025, 2, 28)),
        (LEAP_DAY, 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 8, 15), 6, date(2027, 2, 15)),
    ],
)
def test_months_are_clipped_to_the_end_of_the_month(start: date, months: int, expected: date) -> None:
    assert add_months(start, months) == expected


@given(dates, st.integers(0, 1440))
def test_months_agree_with_an_independent_library(start: date, months: int) -> None:
    assert Mark(months=months).falls_on(start) == start + relativedelta(months=months)


@given(dates, st.integers(1, 183))
def test_days_agree_with_an_independent_library(start: date, days: int) -> None:
    assert Mark(days=days).falls_on(start) == start + relativedelta(days=days)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Mark(days=1), "1 day"),
        (Mark(days=30), "30 days"),
        (Mark(months=6), "6 months"),
        (Mark(months=12), "1 year"),
        (Mark(months=18), "18 months"),
        (Mark(months=24), "2 years"),
    ],
)
def test_a_mark_reads_as_people_say_it_and_back(mark: Mark, words: str) -> None:
    assert str(mark) == words
    assert read_mark(words) == mark


@pytest.mark.parametrize("words", ["", "a while", "30", "days 30", "30 weeks", "-3 days", "30  days", "12345 days"])
def test_other_words_are_no_mark(words: str) -> None:
    assert read_mark(words) is None


@pytest.mark.parametrize(
    ("mark", "yearly", "word"),
    [
        (Mark(), False, "from 1 to"),
        (Mark(days=200), False, "six months"),
        (Mark(months=3), False, "write days"),
        (Mark(days=1, months=6), False, "not both"),
        (Mark(months=18), True, "whole years"),
        (Mark(days=30), True, "whole years"),
        (Mark(months=12 * 121), False, "120 years"),
    ],
)
def test_a_mark_that_makes_no_sense_says_why(mark: Mark, yearly: bool, word: str) -> None:
    assert word in (fault_in_mark(mark, yearly=yearly) or "")


def test_the_marks_we_ship_make_sense() -> None:
    for mark in (Mark(days=1), Mark(days=90), Mark(months=6), Mark(months=18)):
        assert fault_in_mark(mark, yearly=False) is None
    assert fault_in_mark(Mark(months=24), yearly=True) is None


def test_each_date_that_is_given_and_each_year_has_a_key_of_its_own_that_says_nothing() -> None:
    keys = {mark_key(step, since, year) for step in ("a", "b") for since in (NOON, NOON + timedelta(0, 0, 1))
            for year in (0, 2, 3)}  # fmt: skip
    assert len(keys) == 12
    assert all(len(key) <= 60 and "2026" not in key for key in keys)
    assert mark_key("a", NOON, 2) == mark_key("a", NOON, 2)


@pytest.mark.parametrize(("hours", "dropped"), [(0, False), (36, False), (37, True)])
def test_a_letter_more_than_36_hours_late_is_dropped(hours: int, dropped: bool) -> None:
    assert is_dropped(NOON, NOON + timedelta(hours=hours)) is dropped
