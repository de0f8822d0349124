from __future__ import annotations

import struct
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.milestones import Mark
from keepshowingup.core.shifts import Shift, shifts
from keepshowingup.core.timing import (
    DAY,
    EVERY_DAY,
    AfterDays,
    AfterMinutes,
    AtMark,
    Moment,
    OnDate,
    Rules,
    Timing,
    is_allowed,
    is_too_late,
    load_zone,
    moment_of,
    to_local,
    to_utc,
    weekdays_of,
    zone_names,
)

AROUND_THE_CLOCK = Rules(window=(time(), time()), quiet=(time(), time()))
NIGHTS = Rules(window=(time(20), time(2)), quiet=(time(3), time(3)))
JOINED = datetime(2026, 3, 23, 9, 0, tzinfo=UTC)  # a Monday
# This year and next, whenever this is run.
YEARS = (datetime.now(UTC).year, datetime.now(UTC).year + 1)
FIRST, END = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[1] + 1, 1, 1, tzinfo=UTC)

zones = st.sampled_from(zone_names()).map(load_zone)
minutes_of_day = st.integers(0, 24 * 60 - 1).map(lambda minute: time(*divmod(minute, 60)))
moments = st.datetimes(FIRST.replace(tzinfo=None), datetime(YEARS[1], 6, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
timings = st.one_of(
    st.builds(AfterDays, st.integers(0, 200), st.none() | minutes_of_day),
    st.builds(AfterMinutes, st.integers(0, 60 * 24 * 30)),
    st.builds(OnDate, st.dates(date(YEARS[0], 1, 1), date(YEARS[1], 12, 31)), st.none() | minutes_of_day),
    st.builds(AtMark, st.builds(Mark, st.integers(1, 183)), st.none() | minutes_of_day),
)


@st.composite
def some_rules(draw: st.DrawFn) -> Rules:
    spans = st.tuples(minutes_of_day, minutes_of_day)
    weekdays = draw(st.frozensets(st.integers(1, 7), min_size=1))
    try:
        return Rules(weekdays, draw(spans), draw(spans))
    except WrongUsage:
        assume(False)
        raise


def when(
    timing: Timing,
    *,
    zone: str = "Europe/London",
    hour: time = time(10),
    joined: datetime = JOINED,
    rules: Rules = Rules(),  # noqa: B008 - a value
    moved_days: int = 0,
    not_before: datetime | None = None,
) -> Moment:
    there = load_zone(zone)
    return moment_of(
        timing,
        started_on=joined.astimezone(there).date(),
        enrolled_at=joined,
        zone=there,
        hour=hour,
        rules=rules,
        moved_days=moved_days,
        not_before=not_before,
    )


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestDaysAndHours:
    def test_days_are_local_calendar_days_at_the_readers_hour(self) -> None:
        # Clocks go forward on 29 March in London: the same hour is another moment.
        before, after = when(AfterDays(5)), when(AfterDays(7))
        assert (before.local, after.local) == (local("2026-03-28 10:00"), local("2026-03-30 10:00"))
        assert after.utc - before.utc == timedelta(hours=47)

    def test_a_stated_time_wins_over_the_readers_hour(self) -> None:
        assert when(AfterDays(2, time(18, 30))).local == local("2026-03-25 18:30")

    def test_the_day_is_the_readers_not_ours(self) -> None:
        joined = datetime(2026, 3, 23, 23, 30, tzinfo=UTC)  # already the 24th in Auckland
        assert when(AfterDays(1), zone="Pacific/Auckland", joined=joined).local == local("2026-03-25 10:00")

    def test_breaks_move_days_and_minutes_but_not_dates(self) -> None:
        assert when(AfterDays(2), moved_days=3).local == local("2026-03-28 10:00")
        assert when(AfterMinutes(60), moved_days=3).local == local("2026-03-26 10:00")
        assert when(OnDate(date(2026, 4, 1)), moved_days=3).local == local("2026-04-01 10:00")

    def test_minutes_are_real_minutes_across_a_clock_change(self) -> None:
        joined = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
        moment = when(AfterMinutes(60), joined=joined, rules=AROUND_THE_CLOCK)
        assert moment.utc == joined + timedelta(hours=1)
        assert moment.local == local("2026-03-29 02:30")


class TestWindowsAndQuietHours:
    @pytest.mark.parametrize(
        ("hour", "expected"),
        [
            (time(6), "2026-03-24 08:00"),
            (time(8), "2026-03-24 08:00"),
            (time(20, 59), "2026-03-24 20:59"),
            (time(21), "2026-03-25 08:00"),
            (time(23), "2026-03-25 08:00"),
        ],
    )
    def test_a_time_that_is_not_allowed_waits_for_the_next_that_is(self, hour: time, expected: str) -> None:
        moment = when(AfterDays(1), hour=hour)
        assert moment.local == local(expected)
        assert ("is in the quiet hours" in moment.reason) == (moment.local.time() != hour)

    @pytest.mark.parametrize(
        ("hour", "expected"),
        [
            (time(1), "2026-03-24 01:00"),
            (time(2), "2026-03-24 20:00"),
            (time(12), "2026-03-24 20:00"),
            (time(23), "2026-03-24 23:00"),
        ],
    )
    def test_a_window_may_cross_midnight(self, hour: time, expected: str) -> None:
        moment = when(AfterDays(1), hour=hour, rules=NIGHTS)
        assert moment.local == local(expected)
        assert ("is outside the hours for letters" in moment.reason) == (moment.local.time() != hour)

    def test_quiet_hours_cut_a_window_in_two(self) -> None:
        rules = Rules(window=(time(8), time(20)), quiet=(time(12), time(14)))
        assert when(AfterDays(1), hour=time(13), rules=rules).local == local("2026-03-24 14:00")
        assert when(AfterDays(1), hour=time(20), rules=rules).local == local("2026-03-25 08:00")

    def test_minutes_that_end_in_the_night_wait_for_the_morning(self) -> None:
        joined = datetime(2026, 3, 23, 20, 50, tzinfo=UTC)
        assert when(AfterMinutes(30), joined=joined).local == local("2026-03-24 08:00")

    def test_a_day_without_letters_moves_to_the_next_one_at_the_same_hour(self) -> None:
        workdays = Rules(weekdays=weekdays_of("12345"))
        moment = when(AfterDays(5), rules=workdays)  # Saturday
        assert moment.local == local("2026-03-30 10:00")
        assert "Monday" in moment.reason

    def test_a_late_hour_on_friday_comes_on_monday_morning(self) -> None:
        workdays = Rules(weekdays=weekdays_of("12345"))
        assert when(AfterDays(4), hour=time(22), rules=workdays).local == local("2026-03-30 08:00")

    def test_minutes_that_end_on_a_day_without_letters_come_at_the_readers_hour(self) -> None:
        workdays = Rules(weekdays=weekdays_of("12345"))
        friday = datetime(2026, 3, 27, 20, 50, tzinfo=UTC)
        assert when(AfterMinutes(30), joined=friday, rules=workdays).local == local("2026-03-30 10:00")

    @pytest.mark.parametrize("weekdays", ["", "8", "12x"])
    def test_a_week_without_days_is_refused(self, weekdays: str) -> None:
        with pytest.raises(WrongUsage):
            Rules(weekdays=weekdays_of(weekdays))

    def test_quiet_hours_over_the_whole_window_are_refused(self) -> None:
        with pytest.raises(WrongUsage, match="Quiet hours cover"):
            Rules(window=(time(9), time(10)), quiet=(time(8), time(11)))


class TestNotBefore:
    def test_an_hour_that_has_passed_today_means_now(self) -> None:
        joined = datetime(2026, 3, 23, 15, 7, tzinfo=UTC)
        moment = when(AfterDays(0), joined=joined, not_before=joined)
        assert moment.utc == joined
        assert "10:00 had passed" in moment.reason

    def test_joining_at_night_means_the_next_morning(self) -> None:
        joined = datetime(2026, 3, 23, 22, 7, tzinfo=UTC)
        assert when(AfterDays(0), joined=joined, not_before=joined).local == local("2026-03-24 08:00")

    def test_a_day_that_has_passed_means_the_next_of_the_readers_hours(self) -> None:
        early, late = datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 3, 28, 11, tzinfo=UTC)
        assert when(AfterDays(2), not_before=early).local == local("2026-03-28 10:00")
        assert when(AfterDays(2), not_before=late).local == local("2026-03-29 10:00")

    def test_a_later_day_is_not_touched(self) -> None:
        assert when(AfterDays(2), not_before=JOINED) == when(AfterDays(2))


class TestClockChanges:
    @pytest.mark.parametrize(
        ("zone", "day", "hour", "expected"),
        [
            ("Europe/London", "2026-03-29", time(1, 30), "2026-03-29 02:30"),
            ("Australia/Lord_Howe", "2026-10-04", time(2, 15), "2026-10-04 02:45"),  # half an hour
            ("Antarctica/Troll", "2026-03-29", time(1, 30), "2026-03-29 03:30"),  # two hours
            ("Africa/Cairo", "2026-04-24", time(0, 0), "2026-04-24 01:00"),  # a midnight that does not exist
            ("Asia/Beirut", "2026-03-29", time(0, 0), "2026-03-29 01:00"),
            ("America/Nuuk", "2026-03-28", time(23, 30), "2026-03-29 00:30"),  # and one that takes the day with it
        ],
    )
    def test_a_time_that_does_not_exist_moves_forward(self, zone: str, day: str, hour: time, expected: str) -> None:
        moment = when(OnDate(date.fromisoformat(day), hour), zone=zone, rules=AROUND_THE_CLOCK)
        assert moment.local == local(expected)
        assert "does not exist" in moment.reason

    @pytest.mark.parametrize(
        ("zone", "day", "hour", "apart"),
        [
            ("Europe/London", "2026-10-25", time(1, 30), timedelta(hours=1)),
            ("Australia/Lord_Howe", "2026-04-05", time(1, 45), timedelta(minutes=30)),
            ("Antarctica/Troll", "2026-10-25", time(1, 30), timedelta(hours=2)),
            ("Africa/Cairo", "2026-10-29", time(23, 30), timedelta(hours=1)),
        ],
    )
    def test_of_a_time_that_happens_twice_the_first_is_taken(
        self, zone: str, day: str, hour: time, apart: timedelta
    ) -> None:
        moment = when(OnDate(date.fromisoformat(day), hour), zone=zone, rules=AROUND_THE_CLOCK)
        assert to_local(moment.utc, load_zone(zone)) == to_local(moment.utc + apart, load_zone(zone))

    def test_a_gap_that_pushes_a_letter_out_of_its_window_waits_for_the_next(self) -> None:
        rules = Rules(window=(time(1), time(2)), quiet=(time(), time()))
        moment = when(OnDate(date(2026, 3, 29), time(1, 30)), rules=rules)
        assert moment.local == local("2026-03-30 01:00")

    def test_a_window_that_opens_in_the_hour_that_comes_again_opens_no_earlier_than_it_may(self) -> None:
        rules = Rules(window=(time(1, 30), time(12)), quiet=(time(), time()))
        second_ten_past_one = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
        moment = when(AfterMinutes(0), joined=second_ten_past_one, rules=rules)
        assert moment.utc == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


class TestEveryZone:
    """Every zone there is, this year and next."""

    @given(zone=zones, timing=timings, hour=minutes_of_day, joined=moments, rules=some_rules())
    @settings(max_examples=1500, deadline=None)
    def test_letters_leave_on_allowed_days_in_the_window_outside_quiet_hours_and_never_early(
        self, zone: ZoneInfo, timing: Timing, hour: time, joined: datetime, rules: Rules
    ) -> None:
        started_on = joined.astimezone(zone).date()
        moment = moment_of(
            timing, started_on=started_on, enrolled_at=joined, zone=zone, hour=hour, rules=rules, not_before=joined
        )
        other = dateutil_zone(zone.key)
        assert moment.utc.astimezone(other).replace(tzinfo=None, fold=0) == moment.local
        assert moment.local.isoweekday() in rules.weekdays
        minute = moment.local.hour * 60 + moment.local.minute
        assert rules.window[0] == rules.window[1] or minute in minutes_of(rules.window)
        assert rules.quiet[0] == rules.quiet[1] or minute not in minutes_of(rules.quiet)
        assert is_allowed(moment.utc, zone, rules)
        assert moment.utc >= joined
        if isinstance(timing, AfterMinutes):
            assert moment.utc >= joined + timedelta(minutes=timing.minutes)
        else:
            days = timing.mark.days if isinstance(timing, AtMark) else 0 if isinstance(timing, OnDate) else timing.days
            day = timing.date if isinstance(timing, OnDate) else started_on + timedelta(days=days)
            wish = datetime.combine(day, timing.at or hour, tzinfo=other)
            assert moment.utc >= tz.resolve_imaginary(wish).astimezone(UTC)
        assert len(moment.reason) <= 200

    @given(zone=zones, timing=timings, hour=minutes_of_day, joined=moments, floor=moments, rules=some_rules())
    @settings(max_examples=500, deadline=None)
    def test_nothing_is_planned_before_it_may_be(
        self, zone: ZoneInfo, timing: Timing, hour: time, joined: datetime, floor: datetime, rules: Rules
    ) -> None:
        moment = moment_of(
            timing,
            started_on=joined.astimezone(zone).date(),
            enrolled_at=joined,
            zone=zone,
            hour=hour,
            rules=rules,
            not_before=floor,
        )
        assert moment.utc >= floor
        assert is_allowed(moment.utc, zone, rules)

    @given(zone=zones, hour=minutes_of_day, joined=moments)
    @settings(max_examples=500, deadline=None)
    @example(zone=load_zone("Antarctica/Troll"), hour=time(2, 30), joined=datetime(2026, 3, 20, tzinfo=UTC))
    def test_consecutive_days_are_consecutive_local_days_in_order(
        self, zone: ZoneInfo, hour: time, joined: datetime
    ) -> None:
        started_on = joined.astimezone(zone).date()
        letters = [
            moment_of(AfterDays(day), started_on=started_on, enrolled_at=joined, zone=zone, hour=hour, rules=Rules())
            for day in range(60)
        ]
        assert len({letter.local.date() for letter in letters}) == 60
        assert letters == sorted(letters, key=lambda letter: letter.utc)

    @given(zone=zones, wall=st.datetimes(datetime(YEARS[0], 1, 1), datetime(YEARS[1], 12, 31)))
    @settings(max_examples=1000, deadline=None)
    def test_wall_times_agree_with_an_independent_library(self, zone: ZoneInfo, wall: datetime) -> None:
        other = dateutil_zone(zone.key)
        assert to_utc(wall, zone) == tz.resolve_imaginary(wall.replace(tzinfo=other, fold=0)).astimezone(UTC)

    @pytest.mark.parametrize("name", zone_names())
    def test_every_gap_moves_forward_and_every_fold_is_the_first(self, name: str) -> None:
        zone = load_zone(name)
        for each in shifts_of(name):
            middle = each.first + abs(each.by) / 2
            if each.forward:
                assert to_local(to_utc(middle, zone), zone) == middle + each.by
                assert to_utc(middle, zone) > each.at
            else:
                assert to_utc(middle, zone) == each.at - abs(each.by) / 2


@cache
def shifts_of(name: str) -> list[Shift]:
    """The clock changes of a zone this year and next, and of the months around."""
    return shifts(load_zone(name), FIRST - 31 * DAY, END + 31 * DAY)


@cache
def dateutil_zone(name: str) -> tz.tzfile:
    """The same zone for dateutil, which resolves wall times in its own way. It reads only version 1 of TZif
    (RFC 9636), which the package's files leave empty, so one is written with the changes of these two years."""
    changes = shifts_of(name)
    always = FIRST.astimezone(load_zone(name)).utcoffset()
    assert always is not None
    offsets = [changes[0].before if changes else always, *(each.after for each in changes)]
    header = struct.pack(">4s16x6l", b"TZif", 0, 0, 0, len(changes), len(offsets), 4)
    times = struct.pack(f">{len(changes)}l", *(int(each.at.timestamp()) for each in changes))
    kinds = bytes(range(1, len(offsets)))
    types = b"".join(struct.pack(">lbb", int(each.total_seconds()), 0, 0) for each in offsets)
    return tz.tzfile(BytesIO(header + times + kinds + types + b"LMT\0"), filename=name)


def minutes_of(span: tuple[time, time]) -> set[int]:
    first, last = (edge.hour * 60 + edge.minute for edge in span)
    return {minute % (24 * 60) for minute in range(first, last if first < last else last + 24 * 60)}


class TestZones:
    def test_a_zone_that_is_none_is_refused(self) -> None:
        for name in ("Mars/Olympus", "../../etc/passwd", "", "europe/london"):
            with pytest.raises(WrongUsage, match="no time zone"):
                load_zone(name)

    def test_zones_come_from_the_package_and_know_their_names(self) -> None:
        assert len(zone_names()) > 500
        for name in zone_names():
            assert load_zone(name).key == name


@pytest.mark.parametrize(("hours", "too_late"), [(None, False), (24, True), (25, False), (100, False)])
def test_a_letter_is_too_late_when_it_is_older_than_its_sequence_allows(hours: int | None, too_late: bool) -> None:
    assert is_too_late(JOINED, JOINED + timedelta(hours=25), hours) is too_late


def test_the_default_rules_are_every_day_from_eight_to_nine() -> None:
    assert Rules() == Rules(EVERY_DAY, (time(8), time(21)), (time(21), time(8)), None)
