from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.pace import Pace, Priority, first_free_day

MONDAY = date(2026, 11, 23)
HOUSE = Pace(per_day=1, per_week=3)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def test_a_free_day_stays_as_it_is() -> None:
    assert first_free_day(day(2), [day(0), day(1)], HOUSE) == day(2)


def test_one_letter_a_day() -> None:
    assert first_free_day(day(0), [day(0)], HOUSE) == day(1)


def test_three_letters_in_any_seven_days() -> None:
    assert first_free_day(day(3), [day(0), day(1), day(2)], HOUSE) == day(7)
    assert first_free_day(day(3), [day(-4), day(-3), day(0)], HOUSE) == day(3)


def test_letters_that_are_planned_later_count_too() -> None:
    assert first_free_day(day(0), [day(4), day(5), day(6)], HOUSE) == day(11)


@given(
    taken=st.lists(st.integers(-20, 20).map(day), max_size=12),
    wanted=st.integers(-5, 5).map(day),
    pace=st.builds(Pace, st.integers(1, 3), st.integers(1, 5)),
)
def test_the_first_free_day_is_free_and_the_first(taken: list[date], wanted: date, pace: Pace) -> None:
    def fits(candidate: date) -> bool:
        letters = Counter([*taken, candidate])
        weeks = ([candidate + timedelta(days=start + n) for n in range(7)] for start in range(-6, 1))
        return letters[candidate] <= pace.per_day and all(
            sum(letters[each] for each in week) <= pace.per_week for week in weeks
        )

    found = first_free_day(wanted, taken, pace)
    assert fits(found)
    assert not any(fits(wanted + timedelta(days=n)) for n in range((found - wanted).days))


@given(st.lists(st.integers(0, 30).map(day), max_size=20))
def test_letters_placed_in_order_keep_their_order_and_the_pace(wishes: list[date]) -> None:
    placed: list[date] = []
    for wish in sorted(wishes):
        placed.append(first_free_day(max([wish, *placed]), placed, HOUSE))
    assert placed == sorted(set(placed))
    assert all((later - earlier).days >= 7 for earlier, later in zip(placed, placed[3:], strict=False))


def test_a_pace_that_allows_nothing_is_refused() -> None:
    for per_day, per_week in ((0, 3), (1, 0)):
        with pytest.raises(WrongUsage):
            Pace(per_day, per_week)


def test_crisis_information_waits_least_and_newsletters_most() -> None:
    assert sorted(Priority) == [Priority.CRISIS, Priority.MILESTONE, Priority.SEQUENCE, Priority.NEWSLETTER]


def test_a_reader_may_choose_fewer_letters_and_never_more() -> None:
    house = Pace(per_day=2, per_week=3)
    assert house.at_most(None) == house.at_most(3) == house.at_most(7) == house
    assert house.at_most(2) == Pace(per_day=2, per_week=2)
    assert house.at_most(1) == Pace(per_day=1, per_week=1)
