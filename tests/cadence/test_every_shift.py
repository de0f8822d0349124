"""Every zone there is and every change of its clocks, this year and next, whenever this is run.

A daily letter at a time that does not exist, or that happens twice, is planned by the sender's planner. No database.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.cadence.forecast import ForecastLetter, letters_to_come
from keepshowingup.cadence.planning import arrange
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.pace import Pace
from keepshowingup.core.shifts import Shift, shifts
from keepshowingup.core.timing import AfterDays, Rules, is_allowed, load_zone, to_local, zone_names

DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
FIRST = dt.datetime(dt.datetime.now(dt.UTC).year, 1, 1, tzinfo=dt.UTC)
END = FIRST.replace(year=FIRST.year + 2)
AROUND_THE_CLOCK = Rules(window=(dt.time(), dt.time()), quiet=(dt.time(), dt.time()))
DAILY = Pace(1, 7)
BEFORE, LETTERS = 2, 5
LONG_AGO = FIRST - 365 * DAY


def daily(zone: ZoneInfo, shift: Shift, hour: dt.time, rules: Rules = AROUND_THE_CLOCK) -> list[ForecastLetter]:
    """Letters on five days in a row, the third of which is the day of the shift."""
    steps = tuple(CourseStep(day, f"{day}", "", AfterDays(day), LONG_AGO) for day in range(LETTERS))
    course = Course(1, "", open_ended=False, steps=steps, rules=rules)
    first = dt.datetime.combine(shift.first.date() - BEFORE * DAY, dt.time(), zone).astimezone(dt.UTC)
    reader = Reader(1, zone, hour)
    reader.places.append(Place(1, course, to_local(first, zone).date(), first))
    arrange(reader, {1: first}, pace=DAILY, now=first)
    return list(letters_to_come(reader, first, first + 30 * DAY, DAILY))


@pytest.mark.parametrize("name", zone_names())
def test_a_daily_letter_comes_once_on_each_day_in_order_after_a_gap_and_first_in_a_fold(name: str) -> None:
    zone = load_zone(name)
    for shift in shifts(zone, FIRST, END):
        for at in (shift.first, shift.first + abs(shift.by) / 2, shift.last - MINUTE, shift.first - MINUTE, shift.last):
            letters = daily(zone, shift, at.time())
            assert [each.step_key for each in letters] == [f"{day}" for day in range(LETTERS)]
            dates = [each.local.date() for each in letters]
            assert all(earlier < later for earlier, later in pairwise(dates))
            on_the_day = letters[(at.date() - dates[0]).days]
            exists_not = shift.forward and shift.first <= at < shift.last
            assert on_the_day.local == (at + shift.by if exists_not else at)
            # The offset before the change is the one for gaps, and for the first of two.
            expected = at - (shift.before if at < shift.last else shift.after)
            assert on_the_day.utc == expected.replace(tzinfo=dt.UTC)
            if on_the_day.local.date() == at.date():
                assert dates == [dates[0] + day * DAY for day in range(LETTERS)]
                assert {each.local.time() for each in letters if each != on_the_day} == {at.time()}


@pytest.mark.parametrize("name", zone_names())
def test_a_window_that_opens_while_the_clocks_change_lets_one_letter_a_day_through(name: str) -> None:
    zone = load_zone(name)
    for shift in shifts(zone, FIRST, END):
        opens = shift.first + abs(shift.by) / 2
        window = (opens.time(), (opens + dt.timedelta(hours=4)).time())
        rules = Rules(window=window, quiet=(dt.time(), dt.time()))
        letters = daily(zone, shift, (opens - dt.timedelta(hours=5)).time(), rules)
        dates = [each.local.date() for each in letters]
        assert len(letters) == LETTERS
        assert all(earlier < later for earlier, later in pairwise(dates))
        assert all(is_allowed(each.utc, zone, rules) for each in letters)


def test_there_are_shifts_to_try() -> None:
    """Half an hour, an hour and two; clocks that change at midnight; a midnight and an evening that do not exist."""
    by_zone = {name: shifts(load_zone(name), FIRST, END) for name in zone_names()}
    jumps = {abs(each.by) for some in by_zone.values() for each in some}
    assert {30 * MINUTE, 60 * MINUTE, 120 * MINUTE} <= jumps
    assert {abs(each.by) for each in by_zone["Australia/Lord_Howe"]} == {30 * MINUTE}
    assert {abs(each.by) for each in by_zone["Antarctica/Troll"]} == {120 * MINUTE}
    for name in ("America/Santiago", "Africa/Cairo", "Asia/Beirut"):
        assert any(each.forward and each.first.time() == dt.time() for each in by_zone[name])
    assert sum(map(len, by_zone.values())) > 500


def test_a_gap_that_takes_the_end_of_a_day_with_it_moves_the_letter_to_the_next_and_the_next_one_on() -> None:
    zone = load_zone("America/Nuuk")
    shift = next(each for each in shifts(zone, FIRST, END) if each.forward)
    assert shift.first.time() == dt.time(23)
    letters = daily(zone, shift, dt.time(23, 30))
    on_the_day, the_next = letters[BEFORE], letters[BEFORE + 1]
    assert on_the_day.local == dt.datetime.combine(shift.first.date() + DAY, dt.time(0, 30))
    assert the_next.local == dt.datetime.combine(shift.first.date() + 2 * DAY, dt.time(23, 30))
    assert "at most 1 a day" in the_next.reason
