"""A letter that can't be made is taken back, and its reader waits for it."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.cadence.enrolling import leave_sequence
from keepshowingup.cadence.holding import release
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import begin, hand_over
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.withholding import withhold
from tests.delivery.conftest import StoppedClock, claim
from tests.factories import NoticeFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db

WHY = "It can't be rendered."


@pytest.fixture
def begun(courier: Courier, clock: StoppedClock, enrolment: Enrolment) -> Dispatch:
    """A letter a worker has taken in hand."""
    (pk,) = begin(claim(clock).letters, courier)
    return Dispatch.objects.get(pk=pk)


def test_the_claim_is_undone_and_the_reader_held(clock: StoppedClock, begun: Dispatch, enrolment: Enrolment) -> None:
    assert withhold(begun.pk, begun.fence, WHY, clock.now())
    assert not Dispatch.objects.exists()
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.due_reason) == ("held", WHY)
    assert not claim(clock)


def test_once_it_is_mended_the_reader_gets_it(
    clock: StoppedClock, courier: Courier, begun: Dispatch, enrolment: Enrolment, server: SmtpServer
) -> None:
    withhold(begun.pk, begun.fence, WHY, clock.now())
    clock.go_on(dt.timedelta(days=1))
    release(enrolment.sequence_id, clock.now())
    assert hand_over(claim(clock).letters, courier) == {"accepted": 1}
    assert [each.message["Subject"] for each in server.received] == ["A first note"]


def test_an_old_offer_holds_nobody(clock: StoppedClock, begun: Dispatch, enrolment: Enrolment) -> None:
    assert not withhold(begun.pk, begun.fence - 1, WHY, clock.now())
    enrolment.refresh_from_db()
    assert enrolment.state == "active"


def test_a_reader_who_has_stopped_the_sequence_is_not_held(
    clock: StoppedClock, begun: Dispatch, enrolment: Enrolment
) -> None:
    leave_sequence(enrolment.subscriber_id, enrolment.sequence_id, clock.now())
    assert withhold(begun.pk, begun.fence, WHY, clock.now())
    enrolment.refresh_from_db()
    assert enrolment.state == "left"


def test_a_copy_of_a_letter_in_doubt_is_in_doubt_again_and_holds_nobody(
    clock: StoppedClock, begun: Dispatch, enrolment: Enrolment
) -> None:
    Dispatch.objects.update(resent_at=clock.now())
    assert withhold(begun.pk, begun.fence, WHY, clock.now())
    enrolment.refresh_from_db()
    assert (Dispatch.objects.get().state, enrolment.state) == ("unknown", "active")


def test_a_notice_has_nobody_to_hold(clock: StoppedClock, courier: Courier, masthead: object) -> None:
    NoticeFactory.create()
    (pk,) = begin(claim(clock).notices, courier)
    assert not withhold(pk, 1, WHY, clock.now())
    assert Dispatch.objects.get().state == "handing_over"
