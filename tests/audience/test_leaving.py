from __future__ import annotations

import datetime as dt

import pytest
from pytest_django.fixtures import Settings

from keepshowingup.audience import leaving
from keepshowingup.audience.models import Consent, Invitation, Notice, StopRequest, Subscriber, Suppression
from keepshowingup.audience.preferences import pause
from keepshowingup.core.errors import NotFound, Refused
from tests.factories import ConsentFactory, NoticeFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


def test_a_reader_who_leaves_is_gone_at_once_and_saying_it_again_changes_nothing(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    pause(reader.pk, now, 7)
    leaving.leave(reader.pk, now)
    leaving.leave(reader.pk, now + HOUR)
    reader.refresh_from_db()
    assert (reader.state, reader.left_at, reader.paused_at) == (Subscriber.State.LEFT, now, None)


def test_leaving_takes_back_notes_that_are_owed(now: dt.datetime) -> None:
    notice = NoticeFactory.create()
    leaving.leave(notice.subscriber_id, now)
    notice.refresh_from_db()
    assert notice.due_at is None
    assert Invitation.objects.get().expires_at == now


def test_leaving_somebody_who_is_gone_is_no_error(now: dt.datetime) -> None:
    leaving.leave(987654, now)


def test_a_leave_by_mistake_can_be_taken_back_for_a_day(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    leaving.leave(reader.pk, now)
    with pytest.raises(Refused):
        leaving.take_back(reader.pk, now + leaving.MISTAKE)
    leaving.take_back(reader.pk, now + HOUR)
    reader.refresh_from_db()
    assert (reader.state, reader.left_at) == (Subscriber.State.ACTIVE, None)
    assert Consent.objects.filter(subscriber=reader, given_at=now + HOUR).exists()


def test_who_never_confirmed_cannot_come_in_by_taking_back(now: dt.datetime) -> None:
    reader = NoticeFactory.create().subscriber
    leaving.leave(reader.pk, now)
    with pytest.raises(Refused):
        leaving.take_back(reader.pk, now)


def test_who_bounced_cannot_come_in_by_taking_back(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    leaving.leave(reader.pk, now)
    leaving.suppress(reader.email_key, Suppression.Reason.COMPLAINT, now)
    with pytest.raises(Refused):
        leaving.take_back(reader.pk, now)


def test_the_first_reason_for_suppression_stays(now: dt.datetime) -> None:
    leaving.suppress("a@example.org", Suppression.Reason.HARD_BOUNCE, now)
    leaving.suppress("a@example.org", Suppression.Reason.COMPLAINT, now)
    assert Suppression.objects.get().reason == Suppression.Reason.HARD_BOUNCE
    assert leaving.is_suppressed("a@example.org")
    assert not leaving.is_suppressed("b@example.org")


def test_a_suppression_keeps_no_address(now: dt.datetime) -> None:
    leaving.suppress("a@example.org", Suppression.Reason.HARD_BOUNCE, now)
    assert "example" not in str(Suppression.objects.values().get())


def test_suppressions_are_remembered_under_a_new_key(now: dt.datetime, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the old key " * 4, []
    leaving.suppress("a@example.org", Suppression.Reason.ERASED, now)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key " * 4, ["the old key " * 4]
    assert leaving.is_suppressed("a@example.org")
    leaving.suppress("a@example.org", Suppression.Reason.ERASED, now)
    assert Suppression.objects.count() == 1


def test_one_question_finds_all_who_must_not_be_written_to(now: dt.datetime) -> None:
    gone = {f"gone{n}@example.org" for n in range(20)}
    for key in gone:
        leaving.suppress(key, Suppression.Reason.HARD_BOUNCE, now)
    everybody = gone | {f"here{n}@example.org" for n in range(1200)}
    assert leaving.suppressed_among(everybody) == gone
    assert leaving.suppressed_among([]) == set()


def test_erasing_leaves_only_a_keyed_hash(now: dt.datetime) -> None:
    consent = ConsentFactory.create()
    reader = consent.subscriber
    NoticeFactory.create(invitation__subscriber=reader)
    leaving.ask_to_stop(reader.email_key, now)
    leaving.erase(reader.pk, now)
    for model in (Subscriber, Consent, Invitation, Notice, StopRequest):
        assert not model.objects.exists()
    assert Suppression.objects.get().reason == Suppression.Reason.ERASED
    with pytest.raises(NotFound):
        leaving.erase(reader.pk, now)


def test_a_request_to_stop_rests_letters_until_somebody_looks(now: dt.datetime) -> None:
    reader = SubscriberFactory.create()
    pause(reader.pk, now, 7)
    leaving.ask_to_stop(reader.email_key, now + HOUR)
    leaving.ask_to_stop(reader.email_key, now + 2 * HOUR)
    reader.refresh_from_db()
    assert (reader.state, reader.paused_at, reader.paused_until) == (Subscriber.State.ACTIVE, now, None)
    request = StopRequest.objects.get()
    assert request.settled_at is None
    leaving.settle_stop_request(reader.pk, "ruth@harbour.example", now + 3 * HOUR)
    request.refresh_from_db()
    assert request.settled_by == "ruth@harbour.example"


def test_a_request_to_stop_an_unknown_address_keeps_nothing(now: dt.datetime) -> None:
    leaving.ask_to_stop("nobody@example.org", now)
    assert not StopRequest.objects.exists()
    assert not Subscriber.objects.exists()
