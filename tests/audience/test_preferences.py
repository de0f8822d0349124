from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from keepshowingup.audience.exporting import about_reader
from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.preferences import change, clear_pause, pause
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from tests.factories import ConsentFactory, NoticeFactory, SubscriberFactory

pytestmark = pytest.mark.django_db


def test_only_a_moved_zone_or_hour_needs_a_new_plan() -> None:
    reader = SubscriberFactory.create(zone="Europe/London")
    assert not change(reader.pk, first_name="Ana")
    assert not change(reader.pk, zone="Europe/London", hour=reader.hour)
    assert change(reader.pk, zone="America/Santiago")
    assert change(reader.pk, hour=dt.time(19, 0))
    reader.refresh_from_db()
    assert (reader.first_name, reader.zone, reader.hour) == ("Ana", "America/Santiago", dt.time(19, 0))


def test_what_is_malformed_changes_nothing() -> None:
    reader = SubscriberFactory.create(first_name="Maya")
    with pytest.raises(WrongUsage):
        change(reader.pk, first_name="Ana", zone="Mars/Olympus")
    with pytest.raises(WrongUsage):
        change(reader.pk, first_name="Ana\r\nBcc: x@example.org")
    with pytest.raises(NotFound):
        change(987654, first_name="Ana")
    reader.refresh_from_db()
    assert reader.first_name == "Maya"


def test_a_break_lasts_local_days_also_when_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    reader = SubscriberFactory.create(zone="Europe/Berlin")
    before_spring = dt.datetime(2027, 3, 25, 9, 0, tzinfo=zone).astimezone(dt.UTC)
    until = pause(reader.pk, before_spring, 7)
    assert until is not None
    assert until.astimezone(zone) == dt.datetime(2027, 4, 1, 9, 0, tzinfo=zone)


def test_a_longer_break_keeps_its_beginning(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    pause(reader.pk, now, 7)
    assert pause(reader.pk, now + dt.timedelta(days=3), None) is None
    reader.refresh_from_db()
    assert (reader.paused_at, reader.paused_until) == (now, None)
    assert reader.is_paused(now + dt.timedelta(days=900))
    clear_pause(reader.pk)
    reader.refresh_from_db()
    assert not reader.is_paused(now)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_break_has_a_sensible_length(now: dt.datetime, days: int) -> None:
    with pytest.raises(WrongUsage):
        pause(SubscriberFactory.create().pk, now, days)


def test_who_gets_no_letters_has_nothing_to_pause(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    leave(reader.pk, now)
    with pytest.raises(Refused):
        pause(reader.pk, now, 7)


def test_readers_get_all_that_is_kept_about_them(now: dt.datetime) -> None:
    reader = ConsentFactory.create(source="/s/people").subscriber
    NoticeFactory.create(invitation__subscriber=reader)
    copy = json.loads(json.dumps(about_reader(reader), cls=DjangoJSONEncoder))
    assert copy["you"]["address"] == reader.email
    assert copy["what_you_agreed_to"][0]["where"] == "/s/people"
    assert copy["when_you_asked"][0]["asked_at"] == "2026-11-23T09:00:00Z"
    assert copy["notes_we_sent"][0]["kind"] == "confirm"
    kept = {f.name for f in Subscriber._meta.concrete_fields} - {"id", "opaque", "email", "email_key", "created_at"}
    assert kept <= set(copy["you"])
