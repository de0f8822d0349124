"""Readers at the desk: no address in any URL or log, and what can be done on their behalf."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings

from keepshowingup.audience.leaving import ask_to_stop
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tagging import tags_of
from tests.factories import ConsentFactory, DispatchFactory, EnrolmentFactory, StepFactory, SubscriberFactory
from tests.web.staff_desk import desk, person, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya() -> Subscriber:
    step = StepFactory.create(subject="What to expect")
    reader = SubscriberFactory.create(email="maya@example.org", email_key="maya@example.org")
    DispatchFactory.create(
        enrolment=EnrolmentFactory.create(subscriber=reader, sequence=step.sequence), state="refused", reason="no room"
    )
    ConsentFactory.create(subscriber=reader, source="/s/people")
    return reader


def test_a_reader_is_found_by_exact_address_and_it_stays_out_of_urls_and_logs(
    maya: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    sender = desk(person("sender"))
    with caplog.at_level(logging.DEBUG):
        answer = sender.post(url("reader_search"), {"address": " Maya@Example.org "})
    assert answer.headers["Location"] == url("reader", maya.opaque)
    assert "maya" not in answer.headers["Location"]
    assert "maya" not in caplog.text.lower()
    page = sender.get(url("reader", maya.opaque)).content.decode()
    for words in ("maya@example.org", "What to expect", "returned", "no room", "/s/people"):
        assert words in page
    assert "<title>Reader · Letters</title>" in page


@pytest.mark.parametrize(("typed", "status"), [("nobody@example.org", 404), ("not an address", 422), ("", 422)])
def test_what_is_not_found_is_a_sentence_and_keeps_what_was_typed(maya: Subscriber, typed: str, status: int) -> None:
    answer = desk(person("sender")).post(url("reader_search"), {"address": typed})
    assert answer.status_code == status
    assert f'value="{typed}"' in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()


def test_a_viewer_sees_counts_and_no_reader(maya: Subscriber) -> None:
    viewer = desk(person("viewer"))
    page = viewer.get(url("readers")).content.decode()
    assert "<dt>reading</dt><dd>1</dd>" in page
    assert "Find this reader" not in page
    assert "maya" not in page
    assert viewer.get(url("reader", maya.opaque)).status_code == 403


def test_a_break_and_its_end_on_their_behalf(maya: Subscriber) -> None:
    sender = desk(person("sender"))
    sender.post(url("reader_pause", maya.opaque), {"days": "10"})
    maya.refresh_from_db()
    assert maya.is_paused(settings.CLOCK.now())
    assert "Let their letters go on" in sender.get(url("reader", maya.opaque)).content.decode()
    sender.post(url("reader_resume", maya.opaque))
    maya.refresh_from_db()
    assert maya.paused_at is None


@pytest.mark.parametrize("days", ["0", "367", "soon", "-1"])
def test_a_break_that_is_none_is_a_sentence(maya: Subscriber, days: str) -> None:
    answer = desk(person("sender")).post(url("reader_pause", maya.opaque), {"days": days})
    assert 400 <= answer.status_code < 500
    assert "366 days" in answer.content.decode()


def test_stopping_all_letters_asks_first(maya: Subscriber) -> None:
    sender = desk(person("sender"))
    assert "Stop all letters to 1 reader" in sender.get(url("reader_leave", maya.opaque)).content.decode()
    maya.refresh_from_db()
    assert maya.state == Subscriber.State.ACTIVE
    sender.post(url("reader_leave", maya.opaque))
    maya.refresh_from_db()
    assert maya.state == Subscriber.State.LEFT


def test_somebody_elses_wish_to_stop_is_looked_at_by_staff(maya: Subscriber) -> None:
    ask_to_stop("maya@example.org", settings.CLOCK.now())
    sender = desk(person("sender", "Sam"))
    assert "Asked to be left alone" in sender.get(url("readers")).content.decode()
    assert "I have looked" in sender.get(url("reader", maya.opaque)).content.decode()
    sender.post(url("reader_settle", maya.opaque))
    assert maya.stop_requests.get().settled_by == "sam@harbour.example"
    assert "Asked to be left alone" not in sender.get(url("readers")).content.decode()


def test_an_unknown_reader_is_a_sentence() -> None:
    answer = desk(person("sender")).get(url("reader", "0123456789abcdef"))
    assert answer.status_code == 404
    assert "There is no such reader" in answer.content.decode()


def test_deliveries_are_listed_newest_first_without_addresses(maya: Subscriber) -> None:
    later = DispatchFactory.create(
        enrolment=EnrolmentFactory.create(sequence=StepFactory.create(subject="Somebody stayed").sequence),
        state="accepted",
    )
    page = desk(person("sender")).get(url("delivery")).content.decode()
    assert page.index("Somebody stayed") < page.index("What to expect")
    assert "@example.org" not in page
    assert url("reader", later.subscriber.opaque) in page
    only = desk(person("viewer")).get(url("delivery") + "?state=refused").content.decode()
    assert "What to expect" in only
    assert "Somebody stayed" not in only
    assert "/staff/readers/" + maya.opaque not in only
    assert desk(person("viewer")).get(url("delivery") + "?state=nonsense&page=99").status_code == 200


def test_tags_are_given_and_taken_and_a_telling_one_is_refused(maya: Subscriber) -> None:
    sender = desk(person("sender"))
    sender.post(url("reader_tag", maya.opaque), {"give": "Spring group"})
    assert tags_of(maya.pk) == ["spring-group"]
    assert "Take the tag spring-group away" in sender.get(url("reader", maya.opaque)).content.decode()
    refused = sender.post(url("reader_tag", maya.opaque), {"give": "sober"})
    assert "says what the letters are about" in refused.content.decode()
    sender.post(url("reader_tag", maya.opaque), {"take": "spring-group"})
    assert tags_of(maya.pk) == []
