"""A year of forecasts against a calculation of its own: python-dateutil's recurrences, its own resolving of wall times,
and its own copy of the zone data, none of which the product uses.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from dateutil import rrule, tz
from dateutil.zoneinfo import get_zonefile_instance

from keepshowingup.cadence.forecast import forecast
from keepshowingup.core.timing import load_zone, to_utc
from keepshowingup.editorial.models import Sequence, Step
from tests.factories import SequenceFactory

pytestmark = pytest.mark.django_db

YEAR = dt.datetime.now(dt.UTC).year
NEW_YEAR = dt.datetime(YEAR, 1, 1)
AROUND_THE_CLOCK = dict.fromkeys(("window_start", "window_end", "quiet_start", "quiet_end"), dt.time())
WEEKDAYS = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR)


def letters_after(days: range, **rules: Any) -> Sequence:
    sequence = SequenceFactory.create(**rules)
    Step.objects.bulk_create(
        Step(sequence=sequence, key=f"day-{day}", position=number, after_days=day, subject=f"Day {day}")
        for number, day in enumerate(days)
    )
    return sequence


def moment(wall: dt.datetime, zone: tz.tzfile | None) -> dt.datetime:
    assert zone is not None
    return tz.resolve_imaginary(wall.replace(tzinfo=zone)).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("America/Santiago", ("00:00", "00:30", "23:30", "10:00")),  # clocks change at midnight
        ("Africa/Cairo", ("00:00", "00:30", "23:30", "10:00")),  # and here, on a Thursday and a Friday
        ("Australia/Lord_Howe", ("02:00", "02:15", "01:45", "10:00")),  # by half an hour
        ("America/New_York", ("02:00", "02:30", "01:30", "10:00")),
    ],
)
def test_a_letter_a_day_for_a_year(name: str, hours: tuple[str, ...], settings: Any) -> None:
    settings.MAX_PER_DAY, settings.MAX_PER_WEEK = 1, 7
    sequence = letters_after(range(366), **AROUND_THE_CLOCK)
    theirs = get_zonefile_instance().get(name)
    changes = 0
    for hour in map(dt.time.fromisoformat, hours):
        start = to_utc(NEW_YEAR, load_zone(name))
        foreseen = forecast(sequence.pk, zone=name, hour=hour, start=start, days=365)
        days = rrule.rrule(rrule.DAILY, dtstart=dt.datetime.combine(NEW_YEAR, hour), count=366)
        assert [each.utc for each in foreseen] == [moment(wall, theirs) for wall in days]
        assert len({each.local.date() for each in foreseen}) == 366
        gaps = [later.utc - earlier.utc for earlier, later in pairwise(foreseen)]
        changes += sum(gap != dt.timedelta(days=1) for gap in gaps)
    assert changes >= 2 * len(hours)


@pytest.mark.parametrize("name", ["America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "America/New_York"])
def test_a_letter_a_week_on_workdays_for_a_year(name: str) -> None:
    sequence = letters_after(range(0, 365, 5), weekdays="12345")
    theirs = get_zonefile_instance().get(name)
    start = to_utc(NEW_YEAR, load_zone(name))
    foreseen = forecast(sequence.pk, zone=name, hour=dt.time(10), start=start, days=370)
    wishes = rrule.rrule(rrule.DAILY, interval=5, dtstart=NEW_YEAR + dt.timedelta(hours=10), count=73)
    workdays = [rrule.rrule(rrule.DAILY, byweekday=WEEKDAYS, dtstart=wish, count=1)[0] for wish in wishes]
    assert [each.utc for each in foreseen] == [moment(wall, theirs) for wall in workdays]
