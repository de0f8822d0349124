from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.softness import is_worn_out, weight
from tests.factories import MONDAY


def in_a_row(count: int, days: int) -> bool:
    return is_worn_out([MONDAY - timedelta(days=days * n) for n in range(count)], MONDAY)


def test_five_in_a_week_or_seven_weekly_ones_are_enough() -> None:
    assert not in_a_row(4, 1)
    assert in_a_row(5, 1)
    assert not in_a_row(6, 7)
    assert in_a_row(7, 7)


def test_monthly_letters_never_add_up() -> None:
    assert not in_a_row(100, 30)


def test_a_failure_counts_half_after_a_month() -> None:
    assert weight([MONDAY], MONDAY) == 1
    assert weight([MONDAY - timedelta(days=30)], MONDAY) == 0.5
    assert weight([MONDAY + timedelta(days=1)], MONDAY) == 1  # another machine's clock is ahead


@given(st.lists(st.datetimes().map(lambda moment: moment.replace(tzinfo=MONDAY.tzinfo))))
def test_weight_is_between_nothing_and_the_count(moments: list[object]) -> None:
    assert 0 <= weight(moments, MONDAY) <= len(moments)  # type: ignore[arg-type]
