"""A machine that falls silent: what it had in hand is in doubt for the others, and its own again when it is back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings

from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.claiming import Claimed, claim_letters, lease_end
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.doubt import FELL_SILENT
from keepshowingup.delivery.flight import Flight
from keepshowingup.delivery.handover import deliver
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement, withdraw
from keepshowingup.delivery.sweeping import sweep
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, enrol_many
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_hand(courier: Courier, clock: StoppedClock, enrolment: Enrolment) -> Held:
    """Maya's letter, in the hand of a worker of this machine."""
    lease_until = lease_end(clock.real(), settings.LEASE_SECONDS)
    (held,) = claim_letters(clock.now(), lease_until, limit=10, owner=courier.journal.name)
    return held


def sweep_here(courier: Courier, clock: StoppedClock) -> Claimed:
    return sweep(courier.journal.path.parent, clock, clock.real() + dt.timedelta(minutes=1), limit=100)


def sweep_elsewhere(clock: StoppedClock, tmp_path: Path) -> Claimed:
    """On a machine that has heard nothing of this one for longer than a lease."""
    clock.go_on(dt.timedelta(seconds=settings.LEASE_SECONDS + 1))
    return sweep(tmp_path / "elsewhere", clock, clock.real() + dt.timedelta(minutes=1), limit=100)


def standing(held: Held) -> tuple[str, str]:
    dispatch = Dispatch.objects.get(pk=held.pk)
    return dispatch.state, dispatch.reason


def test_others_leave_it_in_doubt_and_never_offer_it_again(clock: StoppedClock, in_hand: Held, tmp_path: Path) -> None:
    assert not sweep_elsewhere(clock, tmp_path)
    assert standing(in_hand) == ("unknown", FELL_SILENT)
    assert not sweep_elsewhere(clock, tmp_path)


def test_a_worker_that_lived_on_hands_it_over_once(
    courier: Courier, server: SmtpServer, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    deliver([in_hand], courier, read_at=float("-inf"))
    assert standing(in_hand)[0] == "accepted"
    assert len(server.received) == 1
    assert PastStep.objects.filter(enrolment=in_hand.enrolment_id).count() == 1


def test_a_dead_workers_journal_is_believed_when_its_machine_is_back(
    courier: Courier, clock: StoppedClock, sequence: Sequence, tmp_path: Path
) -> None:
    enrol_many(sequence, 4)
    lease_until = lease_end(clock.real(), settings.LEASE_SECONDS)
    untouched, dotted, taken, put_off = claim_letters(clock.now(), lease_until, limit=10, owner=courier.journal.name)
    for held in dotted, taken, put_off:
        courier.journal.dot(held.pk, held.fence)
    courier.journal.answered(taken.pk, taken.fence, 250, "250 2.0.0 kept")
    courier.journal.answered(put_off.pk, put_off.fence, 451, "451 4.3.0 not just now")
    courier.journal.close()
    sweep_elsewhere(clock, tmp_path)
    assert {standing(held)[0] for held in (untouched, dotted, taken, put_off)} == {"unknown"}
    assert sweep_here(courier, clock).letters == ((untouched.pk, untouched.fence + 1),)
    assert [standing(held)[0] for held in (dotted, taken, put_off)] == ["unknown", "accepted", "retry_at"]
    assert standing(dotted)[1] != FELL_SILENT
    assert not sweep_here(courier, clock), "the journal has nothing more to say"
    assert not courier.journal.path.exists()


def test_a_disk_that_is_gone_leaves_it_in_doubt(
    courier: Courier, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    courier.journal.close()
    courier.journal.path.unlink()
    sweep_elsewhere(clock, tmp_path)
    assert not sweep_here(courier, clock)
    assert standing(in_hand) == ("unknown", FELL_SILENT)


def test_what_was_offered_again_meanwhile_is_somebody_elses(
    courier: Courier, server: SmtpServer, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    Dispatch.objects.update(state=DispatchState.CLAIMED, fence=in_hand.fence + 1, owner="", reason="")
    deliver([in_hand], courier, read_at=float("-inf"))
    assert not server.received
    assert Dispatch.objects.get(pk=in_hand.pk).state == "claimed"


def test_at_the_dot_what_was_offered_again_is_kept_back(courier: Courier, clock: StoppedClock, in_hand: Held) -> None:
    Dispatch.objects.update(state=DispatchState.CLAIMED, fence=in_hand.fence + 1, owner="")
    flight = Flight(in_hand, courier.journal, clock, float("-inf"), "relay", "example.org", clock.now())
    assert not flight.at_the_dot()


def test_the_next_letter_waits_for_the_one_that_is_in_hand_again(
    courier: Courier, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    assert plan() == ("second", True)
    courier.journal.close()
    clock.go_on(dt.timedelta(days=1))
    sweep_here(courier, clock)
    assert plan() == ("first", False), "its letter is under way"
    assert not PastStep.objects.exists()


def test_a_plan_that_has_gone_further_stays_as_it_is(
    courier: Courier, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    clock.go_on(dt.timedelta(days=3))
    (second,) = claim_letters(clock.now(), lease_end(clock.real(), settings.LEASE_SECONDS), limit=10, owner="elsewhere")
    courier.journal.close()
    assert sweep_here(courier, clock).letters == ((in_hand.pk, in_hand.fence + 1),)
    assert standing(second)[0] == "handing_over"
    assert plan() == ("second", False)


def plan() -> tuple[str, bool]:
    """The step that comes next, and whether it waits for its moment."""
    enrolment = Enrolment.objects.select_related("next_step").get()
    assert enrolment.next_step is not None
    return enrolment.next_step.key, enrolment.due_at is not None


def test_a_letter_that_was_in_doubt_and_is_withdrawn_is_owed_again(
    clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    Dispatch.objects.update(state=DispatchState.HANDING_OVER)
    assert withdraw(in_hand.pk, in_hand.fence, clock.now())
    enrolment = Enrolment.objects.select_related("next_step").get()
    assert enrolment.next_step is not None
    assert enrolment.next_step.key == in_hand.step_key


def test_an_answer_that_is_read_while_in_doubt_counts(
    courier: Courier, clock: StoppedClock, in_hand: Held, tmp_path: Path
) -> None:
    sweep_elsewhere(clock, tmp_path)
    courier._leased_at = float("-inf")
    later = Settlement(in_hand, DispatchState.RETRY_AT, "451 4.3.0 not just now", retry_at=clock.real())
    courier.unwritten.append(later)
    courier.flush()
    assert standing(in_hand) == ("retry_at", "451 4.3.0 not just now")
