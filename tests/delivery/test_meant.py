"""The last look and a sequence's own rules: a letter in hand that is not for its reader any more never leaves."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keepshowingup.audience.models import ReaderTag
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.states import EnrolmentState
from keepshowingup.delivery import telling
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.lastlook import look
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Sequence, Step
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


def only_if(sequence: Sequence, condition: str) -> None:
    Step.objects.filter(sequence=sequence, key="first").update(only_if=condition)


def test_a_tag_taken_away_after_the_claim_stops_the_letter_and_the_next_one_is_planned(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    only_if(enrolment.sequence, "tag:north")
    retag(enrolment.subscriber_id, clock.now(), give=["north"])
    offers = claim(clock).letters
    retag(enrolment.subscriber_id, clock.now(), take=["north"])
    hand_over(offers, courier)
    assert (Dispatch.objects.get().state, Dispatch.objects.get().reason) == ("skipped", "not_for_reader")
    assert not server.received
    enrolment.refresh_from_db()
    assert enrolment.next_step is not None
    assert (enrolment.next_step.key, enrolment.last_handed_at) == ("second", None)
    assert PastStep.objects.get().handed_at is None
    said = " ".join(told.sentence for told in telling.explain(enrolment.subscriber_id, clock.now()))
    assert "“A first note” was not sent: it is not for this reader (readers with the tag “north”)." in said


def test_a_letter_whose_conditions_hold_leaves(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    only_if(enrolment.sequence, "tag:north, language:en, audience:self, not date")
    retag(enrolment.subscriber_id, clock.now(), give=["north"])
    hand_over(claim(clock).letters, courier)
    assert Dispatch.objects.get().state == "accepted"
    assert len(server.to("maya@example.org")) == 1


def test_an_end_after_the_claim_drops_the_letter(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    Sequence.objects.update(ends_when="tag:through")
    offers = claim(clock).letters
    retag(enrolment.subscriber_id, clock.now(), give=["through"])
    hand_over(offers, courier)
    assert (Dispatch.objects.get().state, Dispatch.objects.get().reason) == ("skipped", "ended")
    assert not server.received
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.due_at) == (EnrolmentState.ENDED, None)


def test_a_date_that_has_come_ends_it_at_the_last_look(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    Sequence.objects.update(ends_when=f"date:{clock.now().date()}")
    hand_over(claim(clock).letters, courier)
    assert Dispatch.objects.get().reason == "ended"
    assert not server.received
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.ended_at) == (EnrolmentState.ENDED, clock.now())


def test_a_new_round_has_letters_of_its_own(
    clock: StoppedClock, courier: Courier, sequence: Sequence, enrolment: Enrolment, server: SmtpServer
) -> None:
    Sequence.objects.update(again_after_days=0)
    hand_over(claim(clock).letters, courier)
    Enrolment.objects.update(state=EnrolmentState.FINISHED, due_at=None, next_step=None, ended_at=clock.now())
    again = enrol(enrolment.subscriber_id, sequence.pk, clock.now())
    assert again.round == 2
    clock.go_on(dt.timedelta(days=1))
    hand_over(claim(clock).letters, courier)
    first, second = server.to("maya@example.org")
    assert first.message["Subject"] == second.message["Subject"] == "A first note"
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert list(Dispatch.objects.order_by("pk").values_list("enrolment", "step_key")) == [
        (enrolment.pk, "first"),
        (again.pk, "first"),
    ]


def test_sequences_without_rules_ask_nothing_about_their_readers(
    clock: StoppedClock, courier: Courier, sequence: Sequence
) -> None:
    enrol_many(sequence, 5)
    with CaptureQueriesContext(connection) as asked:
        hand_over(claim(clock).letters, courier)
    assert Dispatch.objects.filter(state="accepted").count() == 5
    assert not [query for query in asked.captured_queries if "readertag" in query["sql"]]


def test_a_last_look_asks_once_for_all_readers_of_letters_with_conditions(
    clock: StoppedClock, sequence: Sequence
) -> None:
    only_if(sequence, "not tag:north")
    north, *others = enrol_many(sequence, 5)
    ids = [pk for pk, _ in claim(clock).letters]
    ReaderTag.objects.create(subscriber=north.subscriber, name="north", given_at=clock.now())
    with CaptureQueriesContext(connection) as asked:
        verdicts = look(ids, clock.now()).verdicts
    assert sorted(map(str, verdicts.values())) == ["None"] * len(others) + ["not_for_reader"]
    assert len([query for query in asked.captured_queries if "readertag" in query["sql"]]) == 1
