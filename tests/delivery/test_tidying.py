"""What is kept for a while only."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence import advancing
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.deciding import decide
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.delivery.tidying import forget_old
from tests.delivery.conftest import StoppedClock, claim
from tests.factories import DispatchFactory, InvitationFactory

pytestmark = pytest.mark.django_db


def test_a_sign_up_nobody_confirmed_is_forgotten_after_a_week(now: dt.datetime) -> None:
    InvitationFactory.create()
    forget_old(now + dt.timedelta(days=6))
    assert Subscriber.objects.exists()
    forget_old(now + dt.timedelta(days=8))
    assert not Subscriber.objects.exists()


def test_the_delivery_log_is_forgotten_after_90_days_and_the_letter_never_comes_again(
    clock: StoppedClock, enrolment: Enrolment
) -> None:
    DispatchFactory.create(enrolment=enrolment, state="accepted")
    advancing.advance(enrolment.pk, after_key="first", handed_at=clock.now(), now=clock.now())
    clock.go_on(dt.timedelta(days=91))
    forget_old(clock.now())
    assert not Dispatch.objects.exists()
    (offer,) = claim(clock).letters
    assert Dispatch.objects.get(pk=offer[0]).step_key == "second"


def test_a_letter_in_doubt_is_kept_until_somebody_settles_it(clock: StoppedClock, enrolment: Enrolment) -> None:
    DispatchFactory.create(enrolment=enrolment, state="unknown")
    forget_old(clock.now() + dt.timedelta(days=200))
    assert Dispatch.objects.exists()


def test_a_letter_in_doubt_that_was_let_be_is_forgotten_with_the_others(
    clock: StoppedClock, enrolment: Enrolment
) -> None:
    letter = DispatchFactory.create(enrolment=enrolment, state="unknown")
    decide(letter.pk, Decision.What.LET_BE, "ruth@harbour.example", clock)
    forget_old(clock.now() + dt.timedelta(days=89))
    assert Dispatch.objects.exists()
    forget_old(clock.now() + dt.timedelta(days=91))
    assert not Dispatch.objects.exists()
