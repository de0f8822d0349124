"""A date of the reader's own: giving one, changing it by three equal ways, and never seeing it again."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.audience.tokens import Purpose
from keepshowingup.cadence.models import Enrolment
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import milestones
from tests.factories import SubscriberFactory
from tests.web.public_site import harbour_sequence, page_of, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_morning")]
TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def notes(masthead: object) -> Sequence:
    harbour_sequence()
    return milestones()


@pytest.fixture
def reader(notes: Sequence) -> Subscriber:
    return SubscriberFactory.create(email="maya@example.org", zone="Europe/London")


def page(reader: Subscriber) -> str:
    return page_of(Purpose.PREFERENCES, reader) + "/date"


def press(client: Client, reader: Subscriber, do: str, date: str = "", status: int = 200) -> str:
    answer = client.post(page(reader), {"do": do, "date": date})
    assert answer.status_code == status
    reader.refresh_from_db()
    return answer.content.decode()


def test_a_date_is_asked_for_on_the_readers_own_page_in_plain_words(client: Client, reader: Subscriber) -> None:
    said = words(client, page_of(Purpose.PREFERENCES, reader))
    assert "A date of your own" in said
    assert "You need not say what it means." in said
    assert "Notes" not in said  # milestones are not among the letters to tick
    assert "From tomorrow on" in press(client, reader, "date", "2026-11-20")
    assert reader.counted_from == dt.date(2026, 11, 20)
    assert Enrolment.objects.get().due_at == dt.datetime(2026, 11, 27, 10, tzinfo=dt.UTC)


def test_no_page_ever_shows_the_date_or_how_far_it_is_from_there(client: Client, reader: Subscriber) -> None:
    done = press(client, reader, "date", "2025-09-18")
    pages = [
        done,
        *(client.get(path).content.decode() for path in (page(reader), page_of(Purpose.PREFERENCES, reader))),
    ]
    for shown in pages:
        assert not any(word in shown for word in ("2025", "18 Sep", "431", "14 months", "1 year"))
    assert "Change my date" in pages[2]


def test_another_date_overwrites_the_old_one(client: Client, reader: Subscriber) -> None:
    press(client, reader, "date", "2026-11-20")
    press(client, reader, "date", "2026-11-22")
    assert reader.counted_from == dt.date(2026, 11, 22)
    assert Enrolment.objects.get().due_at == dt.datetime(2026, 11, 29, 10, tzinfo=dt.UTC)


def test_counting_stops_and_the_date_is_erased(client: Client, reader: Subscriber) -> None:
    press(client, reader, "date", "2026-11-20")
    assert "the date is erased" in press(client, reader, "stop")
    assert reader.counted_from is None
    assert Enrolment.objects.get().due_at is None
    assert "Give us a date" in client.get(page(reader)).content.decode()


def test_everything_can_rest_from_the_same_page(client: Client, reader: Subscriber) -> None:
    press(client, reader, "date", "2026-11-20")
    assert "All letters rest until you say." in press(client, reader, "pause")
    assert reader.paused_at is not None
    assert reader.paused_until is None


@pytest.mark.parametrize("date", ["", "soon", "2026-11-24", "1850-01-01", "31.10.2026"])
def test_a_date_that_makes_no_sense_gets_a_kind_sentence_and_nothing_is_kept(
    client: Client, reader: Subscriber, date: str
) -> None:
    answer = press(client, reader, "date", date, status=422)
    assert 'role="alert"' in answer
    assert reader.counted_from is None


def test_nobody_is_told_and_no_log_names_the_date(
    client: Client, reader: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="keepshowingup"):
        press(client, reader, "date", "2026-10-01")
        press(client, reader, "date", "2026-11-22")
        press(client, reader, "stop")
    assert caplog.records == []
    assert not Notice.objects.exists()


def test_looking_at_the_page_changes_nothing(client: Client, reader: Subscriber) -> None:
    press(client, reader, "date", "2026-11-20")
    due = Enrolment.objects.get().due_at
    client.get(page(reader) + "?do=stop&date=2026-11-01")
    client.head(page(reader))
    reader.refresh_from_db()
    assert reader.counted_from == dt.date(2026, 11, 20)
    assert Enrolment.objects.get().due_at == due


def test_a_foreign_token_and_no_token_are_one_404(client: Client, reader: Subscriber) -> None:
    wrong = client.get(page(reader).replace("/date", "x/date"))
    assert wrong.status_code == 404
    assert client.post("/preferences/none/date", {"do": "stop"}).status_code == 404


def test_family_readers_and_those_who_left_are_asked_for_no_date(client: Client, notes: Sequence) -> None:
    for who in (SubscriberFactory.create(audience="family"), SubscriberFactory.create(state=Subscriber.State.LEFT)):
        assert "A date of your own" not in words(client, page_of(Purpose.PREFERENCES, who))
        assert "Nothing is counted here" in words(client, page(who))
        assert client.post(page(who), {"do": "date", "date": "2026-11-01"}).status_code == 422
        who.refresh_from_db()
        assert who.counted_from is None


def test_milestones_cannot_be_joined_without_a_date(client: Client, notes: Sequence) -> None:
    assert client.get(f"/s/{notes.slug}").status_code == 404
    assert "Notes" not in words(client, "/")


def test_a_readers_own_copy_has_the_date_and_erasing_takes_it(client: Client, reader: Subscriber) -> None:
    press(client, reader, "date", "2026-11-20")
    copy = client.post(page_of(Purpose.PREFERENCES, reader), {"do": "download"}).json()
    assert copy["you"]["counted_from"] == "2026-11-20"
    client.post(page_of(Purpose.PREFERENCES, reader), {"do": "erase-now"})
    assert not Subscriber.objects.exists()
    assert settings.CLOCK.now().date() == TODAY
