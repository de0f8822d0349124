"""A letter that is due becomes ours once, whoever asks and however many ask at once."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from keepshowingup.audience.leaving import leave, suppress
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.claiming import claim_retries, offer_again
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Masthead, Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import DispatchFactory, MastheadFactory, NoticeFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db


def test_a_due_letter_is_claimed_once(clock: StoppedClock, enrolment: Enrolment) -> None:
    ((pk, fence),) = claim(clock).letters
    dispatch = Dispatch.objects.get(pk=pk)
    assert (dispatch.step_key, dispatch.state, dispatch.fence, fence) == ("first", "claimed", 1, 1)
    assert not claim(clock)


def test_the_dispatch_keeps_when_and_why_it_was_due(clock: StoppedClock, enrolment: Enrolment) -> None:
    claim(clock)
    dispatch = Dispatch.objects.get()
    assert (dispatch.due_at, dispatch.due_reason) == (enrolment.due_at, enrolment.due_reason)
    assert dispatch.message_id.endswith("@harbour.example>")


def test_a_letter_is_not_claimed_before_its_moment(clock: StoppedClock, enrolment: Enrolment) -> None:
    clock.go_on(-dt.timedelta(hours=1, microseconds=1))
    assert not claim(clock)
    clock.go_on(dt.timedelta(microseconds=1))
    assert claim(clock)


def test_nothing_is_claimed_for_a_reader_who_left(clock: StoppedClock, enrolment: Enrolment) -> None:
    leave(enrolment.subscriber_id, clock.now())
    assert not claim(clock)


def test_nothing_is_claimed_for_a_suppressed_address(clock: StoppedClock, reader: Subscriber) -> None:
    suppress(reader.email_key, "complaint", clock.now())
    assert not claim(clock)


def test_nothing_is_claimed_while_the_sequence_is_paused(clock: StoppedClock, enrolment: Enrolment) -> None:
    Sequence.objects.update(state=Sequence.State.PAUSED)
    assert not claim(clock)


def test_a_step_the_reader_has_had_is_passed_over(clock: StoppedClock, enrolment: Enrolment) -> None:
    DispatchFactory.create(enrolment=enrolment, step_key="first", state="accepted")
    assert not claim(clock)
    enrolment.refresh_from_db()
    assert enrolment.next_step is not None
    assert enrolment.next_step.key == "second"
    assert enrolment.due_at is not None
    assert enrolment.due_at > clock.now()


def test_a_step_deleted_after_planning_is_passed_over(clock: StoppedClock, enrolment: Enrolment) -> None:
    assert enrolment.next_step is not None
    enrolment.next_step.deleted_at = clock.now()
    enrolment.next_step.save()
    assert not claim(clock)
    enrolment.refresh_from_db()
    assert enrolment.next_step is not None
    assert enrolment.next_step.key == "second"


def test_a_claim_takes_no_more_than_its_limit(clock: StoppedClock, sequence: Sequence) -> None:
    enrol_many(sequence, 5)
    assert [len(claim(clock, limit=2).letters) for _ in range(4)] == [2, 2, 1, 0]


def test_notices_are_claimed_beside_letters(clock: StoppedClock, enrolment: Enrolment) -> None:
    NoticeFactory.create()
    claimed = claim(clock)
    assert len(claimed.letters) == len(claimed.notices) == 1
    assert not claim(clock)


def test_an_offer_made_again_has_a_new_fence_and_the_old_one_is_void(clock: StoppedClock, enrolment: Enrolment) -> None:
    (offer,) = claim(clock).letters
    lease = clock.real() + dt.timedelta(minutes=1)
    assert offer_again([offer], lease).letters == ((offer[0], 2),)
    assert not offer_again([offer], lease)


def test_a_retry_is_claimed_when_its_time_has_come(clock: StoppedClock, enrolment: Enrolment) -> None:
    dispatch = DispatchFactory.create(enrolment=enrolment, state="retry_at", retry_at=clock.real())
    later = clock.real() + dt.timedelta(minutes=1)
    assert not claim_retries(clock.real() - dt.timedelta(seconds=1), later, limit=10)
    assert claim_retries(clock.real(), later, limit=10).letters == ((dispatch.pk, 2),)
    assert not claim_retries(clock.real(), later, limit=10)


@pytest.mark.django_db(transaction=True)
def test_many_claimers_at_once_share_the_letters_and_none_gets_one_twice(clock: StoppedClock) -> None:
    MastheadFactory.create()
    sequence = SequenceFactory.create()
    StepFactory.create(sequence=sequence, after_days=0)
    enrol_many(sequence, 60)
    start = Barrier(6)

    def claimer(_: int) -> list[int]:
        start.wait()
        mine: list[int] = []
        try:
            while claimed := claim(clock, limit=7):
                mine += [pk for pk, _ in claimed.letters]
        finally:
            connection.close()
        return mine

    with ThreadPoolExecutor(6) as pool:
        claimed = [pk for mine in pool.map(claimer, range(6)) for pk in mine]
    assert len(claimed) == len(set(claimed)) == 60
    assert Dispatch.objects.count() == 60
    assert Masthead.objects.count() == 1
