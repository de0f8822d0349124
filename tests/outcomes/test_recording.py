from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.models import Subscriber, Suppression
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Breaker, Dispatch
from keepshowingup.editorial.models import Sequence
from keepshowingup.outcomes.evidence import Evidence, Kind
from keepshowingup.outcomes.models import Event
from keepshowingup.outcomes.recording import KEPT, forget_old, record, record_returned
from tests.factories import MONDAY, DispatchFactory, EnrolmentFactory, StepFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

SAMPLES = Path(__file__).parent / "samples"
LATER = MONDAY + dt.timedelta(hours=1)


def accepted_letter(**more: Any) -> Dispatch:
    if "enrolment" not in more:
        more["enrolment"] = EnrolmentFactory.create(sequence=StepFactory.create().sequence)
    return DispatchFactory.create(**{"state": DispatchState.ACCEPTED, "handed_over_at": MONDAY, "attempts": 1} | more)


def said(letter: Dispatch, kind: Kind, name: str = "1", **more: Any) -> Evidence:
    return Evidence(
        **{"provider": "plain", "provider_id": name, "kind": kind, "message_ids": (letter.message_id,)} | more
    )


def test_a_hard_bounce_stops_the_reader_once() -> None:
    letter = accepted_letter()
    assert record(said(letter, Kind.HARD, status="5.1.1", detail="the mailbox does not exist"), LATER).changed
    letter.refresh_from_db()
    assert letter.state == DispatchState.REFUSED
    assert letter.reason == "hard 5.1.1 the mailbox does not exist"
    assert letter.handed_over_at == MONDAY
    assert is_suppressed(letter.subscriber.email_key)
    assert Suppression.objects.get().reason == Suppression.Reason.HARD_BOUNCE
    assert Subscriber.objects.get().state == Subscriber.State.SUPPRESSED


def test_the_same_word_again_changes_nothing() -> None:
    letter = accepted_letter()
    record(said(letter, Kind.HARD), LATER)
    before = list(Dispatch.objects.values()), list(Subscriber.objects.values()), list(Suppression.objects.values())
    again = record(said(letter, Kind.HARD), LATER + dt.timedelta(days=1))
    assert not again.changed
    assert before == (
        list(Dispatch.objects.values()),
        list(Subscriber.objects.values()),
        list(Suppression.objects.values()),
    )
    assert Event.objects.count() == 1


def test_a_late_delivery_report_does_not_revive_a_refused_letter() -> None:
    letter = accepted_letter()
    record(said(letter, Kind.HARD, "1"), LATER)
    record(said(letter, Kind.DELIVERED, "2"), LATER)
    letter.refresh_from_db()
    assert letter.state == DispatchState.REFUSED


@pytest.mark.parametrize("status", ["5.7.1", "5.7.26", "5.1.8"])
def test_a_refusal_about_us_never_stops_the_reader_and_rests_the_domain(status: str) -> None:
    letter = accepted_letter()
    record(said(letter, Kind.POLICY, status=status), LATER)
    letter.refresh_from_db()
    assert letter.state == DispatchState.REFUSED
    assert not Suppression.objects.exists()
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
    assert Breaker.objects.get().transport == "domain:example.org"


def test_a_complaint_stops_the_reader_and_is_a_leaving() -> None:
    letter = accepted_letter()
    record(said(letter, Kind.COMPLAINT), LATER)
    reader = Subscriber.objects.get()
    assert reader.state == Subscriber.State.SUPPRESSED
    assert reader.left_at == LATER
    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINT
    letter.refresh_from_db()
    assert letter.state == DispatchState.ACCEPTED


def test_the_providers_button_is_a_leaving() -> None:
    letter = accepted_letter()
    record(said(letter, Kind.LEFT), LATER)
    assert Subscriber.objects.get().state == Subscriber.State.LEFT
    assert not Suppression.objects.exists()


def test_a_delay_is_written_down_and_moves_nothing() -> None:
    letter = accepted_letter()
    record(said(letter, Kind.DELAYED), LATER)
    letter.refresh_from_db()
    assert letter.state == DispatchState.ACCEPTED
    assert Event.objects.get().kind == "delayed"


def test_a_delivery_report_settles_a_letter_in_doubt() -> None:
    letter = accepted_letter(state=DispatchState.UNKNOWN)
    record(said(letter, Kind.DELIVERED), LATER)
    letter.refresh_from_db()
    assert letter.state == DispatchState.ACCEPTED
    assert letter.handed_over_at == MONDAY


def test_a_report_that_is_faster_than_the_worker_settles_the_letter() -> None:
    letter = accepted_letter(state=DispatchState.HANDING_OVER, handed_over_at=None)
    record(said(letter, Kind.DELIVERED, happened_at=MONDAY), LATER)
    letter.refresh_from_db()
    assert letter.state == DispatchState.ACCEPTED
    assert letter.handed_over_at == MONDAY


def test_a_full_mailbox_stops_nobody_but_five_in_a_week_do() -> None:
    reader = SubscriberFactory.create()
    for day in range(5):
        step = StepFactory.create()
        enrolment = EnrolmentFactory.create(subscriber=reader, sequence=step.sequence)
        letter = accepted_letter(enrolment=enrolment)
        assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
        record(said(letter, Kind.SOFT, str(day), status="5.2.2"), MONDAY + dt.timedelta(days=day))
    assert Subscriber.objects.get().state == Subscriber.State.LEFT
    assert not Suppression.objects.exists()


def test_soft_failures_fade() -> None:
    reader = SubscriberFactory.create()
    for month in range(6):
        step = StepFactory.create()
        letter = accepted_letter(enrolment=EnrolmentFactory.create(subscriber=reader, sequence=step.sequence))
        record(said(letter, Kind.SOFT, str(month)), MONDAY + dt.timedelta(days=30 * month))
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE


def test_a_letter_that_arrives_in_between_wipes_the_slate() -> None:
    reader = SubscriberFactory.create()
    for day in range(8):
        step = StepFactory.create()
        letter = accepted_letter(enrolment=EnrolmentFactory.create(subscriber=reader, sequence=step.sequence))
        kind = Kind.DELIVERED if day == 4 else Kind.SOFT
        record(said(letter, kind, str(day)), MONDAY + dt.timedelta(days=day))
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE


def test_a_letter_is_found_by_the_token_of_its_return_path() -> None:
    letter = accepted_letter()
    token = make(Purpose.RETURN_PATH, letter.message_id.strip("<>").partition("@")[0])
    done = record(Evidence("plain", "1", Kind.HARD, token=token), LATER)
    assert done.dispatch_id == letter.pk


@pytest.mark.parametrize("forge", [lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"), lambda t: t[:-3], lambda t: ""])
def test_a_forged_token_is_ignored(forge: Any) -> None:
    letter = accepted_letter()
    token = make(Purpose.RETURN_PATH, letter.message_id.strip("<>").partition("@")[0])
    done = record(Evidence("returned mail", "1", Kind.HARD, token=forge(token)), LATER)
    assert (done.dispatch_id, done.changed) == (None, False)
    assert not Event.objects.exists()
    assert not Suppression.objects.exists()


def test_a_token_for_leaving_is_no_return_path() -> None:
    letter = accepted_letter()
    token = make(Purpose.LEAVE, letter.subscriber.opaque)
    assert record(Evidence("returned mail", "1", Kind.HARD, token=token), LATER).dispatch_id is None


def test_a_provider_may_speak_of_a_reader_whose_letter_it_does_not_name() -> None:
    reader = SubscriberFactory.create()
    record(Evidence("postmark", "1", Kind.COMPLAINT, recipient=reader.email.upper()), LATER)
    assert is_suppressed(reader.email_key)


def test_a_returned_mail_is_believed_by_its_message_id() -> None:
    letter = accepted_letter(message_id="<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>")
    raw = (SAMPLES / "postfix-user-unknown.eml").read_bytes()
    assert [one.dispatch_id for one in record_returned(raw, LATER)] == [letter.pk]
    assert [one.changed for one in record_returned(raw, LATER)] == [False]
    assert is_suppressed(letter.subscriber.email_key)


@pytest.mark.parametrize("name", ["vacation.eml", "person-replies.eml", "delivered.eml", "delayed.eml"])
def test_answers_and_receipts_stop_nobody(name: str) -> None:
    accepted_letter(message_id="<5f2d3a1c9b7e4d60a1b2c3d4e5f60718@harbour.example>")
    record_returned((SAMPLES / name).read_bytes(), LATER)
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE


def test_a_returned_mail_about_nobody_we_know_leaves_no_trace() -> None:
    done = record_returned((SAMPLES / "postfix-user-unknown.eml").read_bytes(), LATER)
    assert [one.changed for one in done] == [False]
    assert not Event.objects.exists()


def test_complaints_at_three_in_a_thousand_pause_the_sequence() -> None:
    step = StepFactory.create()
    letters = [accepted_letter(enrolment=EnrolmentFactory.create(sequence=step.sequence)) for _ in range(4)]
    for number, letter in enumerate(letters[:2]):
        record(said(letter, Kind.COMPLAINT, str(number)), LATER)
    assert Sequence.objects.get().state == Sequence.State.LIVE
    record(said(letters[2], Kind.COMPLAINT, "2"), LATER)
    assert Sequence.objects.get().state == Sequence.State.PAUSED
    record(said(letters[3], Kind.COMPLAINT, "3"), LATER)  # a paused sequence is no obstacle


def test_events_are_forgotten_after_ninety_days() -> None:
    record(said(accepted_letter(), Kind.DELIVERED), LATER)
    assert forget_old(LATER + KEPT) == 0
    assert forget_old(LATER + KEPT + dt.timedelta(seconds=1)) == 1


def test_erasing_a_reader_erases_what_came_back_about_them() -> None:
    from keepshowingup.audience.leaving import erase

    letter = accepted_letter()
    record(said(letter, Kind.DELIVERED), LATER)
    erase(letter.subscriber_id, LATER)
    assert not Event.objects.exists()
