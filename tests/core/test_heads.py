"""Head-counts before a change, as values."""

from __future__ import annotations

from datetime import date

import pytest

from keepshowingup.core.editions import Change, Letter, Way, changes_between, read_way
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.heads import Heads, Reach, Standing, count_heads
from keepshowingup.core.pace import Pace
from keepshowingup.core.timing import AfterDays, OnDate, Timing

TODAY = date(2026, 11, 23)
AFTER: list[tuple[str, Timing]] = [("a", AfterDays(0)), ("new", AfterDays(3)), ("b", AfterDays(6)), ("c", AfterDays(9))]
NEW = (Change("added", "new", "New"),)


def standing(number: int, day: int, *behind: str, finished: bool = False) -> Standing:
    return Standing(number, frozenset(behind), day, finished)


def count(way: Way, *standings: Standing, after: list[tuple[str, Timing]] = AFTER) -> Heads:
    return count_heads(standings, after, NEW, way, pace=Pace(), today=TODAY)


def test_who_is_before_its_place_gets_a_new_letter_and_who_is_past_it_does_not() -> None:
    heads = count(Way.NOW_ON, standing(41, 1, "a"), standing(7, 7, "a", "b"), standing(5, 30, "a", "c", finished=True))
    assert (heads.readers, heads.letters) == (48, {"new": Reach(ahead=41, past=12)})
    assert heads.crowded == 0


def test_sent_afterwards_it_meets_no_other_letter_of_the_day() -> None:
    assert count(Way.BACKFILL, standing(7, 7, "a", "b")).crowded == 0


def test_two_letters_of_one_day_are_counted_with_the_day_the_last_of_them_comes() -> None:
    after = [*AFTER[:2], ("b", AfterDays(3)), AFTER[3]]
    heads = count(Way.NOW_ON, standing(3, 1, "a"), standing(2, 5, "a", "b"), after=after)
    assert (heads.crowded, heads.last_on) == (3, date(2026, 11, 26))


def test_several_overdue_letters_come_on_top_of_each_other() -> None:
    heads = count(Way.BACKFILL, standing(4, 6, "a"))
    assert (heads.crowded, heads.last_on) == (4, date(2026, 11, 24))


def test_only_for_new_readers_nobody_gets_anything() -> None:
    after = [*AFTER[:2], ("b", AfterDays(3)), AFTER[3]]
    assert count(Way.NEW_READERS, standing(3, 1, "a"), after=after).crowded == 0


def test_an_issue_whose_date_is_past_comes_to_nobody() -> None:
    after: list[tuple[str, Timing]] = [("old", OnDate(date(2026, 11, 20))), ("new", OnDate(date(2026, 11, 23)))]
    assert count(Way.NOW_ON, standing(3, 9), after=after).crowded == 0


def test_what_it_says_can_be_kept_as_json() -> None:
    assert count(Way.NOW_ON, standing(1, 1, "a")).row() == {
        "readers": 1,
        "letters": {"new": {"ahead": 1, "past": 0}},
        "crowded": 0,
        "last_on": None,
    }


def letter(key: str, *, there: bool = True, day: int = 0, revision: int | None = 1) -> Letter:
    return Letter(key, key.upper(), there, {"after_days": day}, revision)


def test_what_readers_notice_of_a_change() -> None:
    before = [letter("a"), letter("b"), letter("c", day=2), letter("d", there=False), letter("e")]
    after = [letter("c", day=3), letter("a"), letter("b", revision=2), letter("d"), letter("e", there=False)]
    assert {(change.kind, change.key) for change in changes_between(before, after)} == {
        ("moved", "c"),
        ("changed", "b"),
        ("added", "d"),
        ("deleted", "e"),
    }
    assert changes_between(before, before) == []


def test_a_way_that_is_none_is_said() -> None:
    with pytest.raises(WrongUsage, match="now-on, new-readers, backfill"):
        read_way("sometimes")
