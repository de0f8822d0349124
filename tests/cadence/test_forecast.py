from __future__ import annotations

from datetime import datetime, time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.forecast import forecast, forecast_reader
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import rules_of
from keepshowingup.core.errors import NotFound, WrongUsage
from keepshowingup.core.timing import is_allowed, load_zone, zone_names
from tests.cadence.world import DAY, HOUR, drip, join, newsletter, reader, run
from tests.factories import MONDAY, StepFactory

pytestmark = pytest.mark.django_db


def test_it_says_which_letter_when_by_both_clocks_and_why() -> None:
    sequence = drip(0, 2)
    first, second = forecast(sequence.pk, zone="America/New_York", hour=time(9, 30), start=MONDAY)
    assert (first.step_key, first.subject, first.local) == ("day-0", "Day 0", datetime(2026, 11, 23, 9, 30))
    assert second.utc.isoformat() == "2026-11-25T14:30:00+00:00"
    assert second.reason == "day 2 at the reader's hour 09:30"


def test_it_goes_no_further_than_asked() -> None:
    sequence = drip(0, 10, 100)
    assert [each.step_key for each in forecast(sequence.pk, zone="UTC", hour=time(10), start=MONDAY)] == [
        "day-0",
        "day-10",
    ]
    assert len(forecast(sequence.pk, zone="UTC", hour=time(10), start=MONDAY, days=100)) == 3


def test_a_draft_is_forecast_as_if_it_were_approved() -> None:
    sequence = drip(state="draft")
    StepFactory.create(sequence=sequence, key="written", after_days=3, approved=False)
    assert [each.step_key for each in forecast(sequence.pk, zone="UTC", hour=time(10), start=MONDAY)] == ["written"]


def test_wrong_questions_are_refused() -> None:
    with pytest.raises(NotFound):
        forecast(12345, zone="UTC", hour=time(10), start=MONDAY)
    with pytest.raises(WrongUsage):
        forecast(drip(0).pk, zone="Nowhere", hour=time(10), start=MONDAY)


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Lord_Howe", "Antarctica/Troll", "America/Santiago"])
@pytest.mark.parametrize("start", [MONDAY, datetime.fromisoformat("2027-03-05T21:40+00:00")])
def test_what_it_says_is_what_happens(zone: str, start: datetime) -> None:
    sequence = drip(0, 1, 2, 3, 7, 8, 30, 60, weekdays="123456")
    StepFactory.create(sequence=sequence, key="minutes", position=0, after_days=None, after_minutes=90)
    said = forecast(sequence.pk, zone=zone, hour=time(2, 15), start=start, days=79)
    join(sequence, now=start, who=reader(zone=zone, hour=time(2, 15)))
    sent = run(start, start + 80 * DAY, every=HOUR / 60)
    assert len(said) == 9
    assert [each.step_key for each in said] == [each.key for each in sent]
    assert all(
        HOUR * 0 <= happened.at - foreseen.utc < HOUR / 60 for foreseen, happened in zip(said, sent, strict=True)
    )


def test_a_readers_forecast_is_across_everything_they_receive() -> None:
    maya = reader()
    join(drip(0, 2, 9), who=maya)
    join(newsletter("2026-11-25", "2026-12-02"), who=maya)
    said = forecast_reader(maya.pk, MONDAY)
    sent = run(MONDAY, MONDAY + 40 * DAY)
    assert [(each.step_key, each.utc) for each in said] == [(each.key, each.at) for each in sent]


def test_nothing_is_foreseen_for_a_reader_who_rests_until_they_say() -> None:
    enrolment = join(drip(0, 2))
    enrolment.subscriber.paused_at = MONDAY
    enrolment.subscriber.save()
    assert forecast_reader(enrolment.subscriber_id, MONDAY) == []


def test_a_break_with_an_end_is_foreseen() -> None:
    enrolment = join(drip(0, 2, 9))
    run(MONDAY, MONDAY + DAY)
    pause(enrolment.subscriber_id, MONDAY + DAY, 5)
    said = forecast_reader(enrolment.subscriber_id, MONDAY + DAY)
    sent = run(MONDAY + DAY, MONDAY + 40 * DAY)
    assert [(each.step_key, each.utc) for each in said] == [(each.key, each.at) for each in sent]
    assert [f"{each.local:%m-%d}" for each in said] == ["11-30", "12-07"]


def test_after_an_outage_it_waits_for_the_morning_and_passes_over_what_is_too_late() -> None:
    there = join(drip(0, 2, 9, too_late_hours=24)).subscriber_id
    night = datetime.fromisoformat("2026-11-27T03:00+00:00")
    run(MONDAY, MONDAY + DAY)
    assert [(each.step_key, f"{each.local:%m-%d %H:%M}") for each in forecast_reader(there, night)] == [
        ("day-9", "12-04 10:00")
    ]
    gentle = join(drip(0)).subscriber_id
    Enrolment.objects.filter(subscriber=gentle).update(due_at=night - 9 * HOUR, promised_at=night - 9 * HOUR)
    assert [f"{each.local:%m-%d %H:%M}" for each in forecast_reader(gentle, night)] == ["11-27 10:00"]


@given(
    zone=st.sampled_from(zone_names()),
    hour=st.times().map(lambda hour: hour.replace(second=0, microsecond=0, fold=0)),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda m: m.replace(tzinfo=MONDAY.tzinfo)),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_every_zone_one_letter_a_day_three_in_seven_in_order_and_never_in_quiet_hours(
    default_cadence: object, zone: str, hour: time, start: datetime
) -> None:
    letters = forecast(default_cadence.pk, zone=zone, hour=hour, start=start, days=200)  # type: ignore[attr-defined]
    rules = rules_of(default_cadence)  # type: ignore[arg-type]
    dates = [each.local.date() for each in letters]
    assert [each.step_key for each in letters] == [f"day-{day}" for day in (0, 1, 2, 3, 4, 7, 14, 15, 60, 90)]
    assert all(is_allowed(each.utc, load_zone(zone), rules) for each in letters)
    assert len(set(dates)) == len(dates)
    assert dates == sorted(dates)
    assert all((later - earlier).days >= 7 for earlier, later in zip(dates, dates[3:], strict=False))
    assert letters[0].utc >= start


@pytest.fixture
def default_cadence() -> object:
    return drip(0, 1, 2, 3, 4, 7, 14, 15, 60, 90)
