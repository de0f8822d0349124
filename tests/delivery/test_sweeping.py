"""What a dead worker had in hand: offered again, settled as answered, or in doubt, as its journal says."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery.claiming import Claimed
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import begin
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.sweeping import sweep
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many

pytestmark = pytest.mark.django_db


def swept(courier: Courier, clock: StoppedClock) -> Claimed:
    return sweep(courier.journal.path.parent, clock, clock.real() + dt.timedelta(minutes=1), limit=100)


@pytest.fixture
def begun(courier: Courier, clock: StoppedClock, enrolment: Enrolment) -> Dispatch:
    """A letter a worker has taken in hand."""
    (pk,) = begin(claim(clock).letters, courier)
    return Dispatch.objects.get(pk=pk)


def test_a_living_workers_letters_are_left_alone_however_long_it_takes(
    courier: Courier, clock: StoppedClock, begun: Dispatch
) -> None:
    clock.go_on(dt.timedelta(hours=1))
    assert not swept(courier, clock)
    begun.refresh_from_db()
    assert begun.state == "handing_over"


def test_a_letter_whose_dot_was_never_sent_is_offered_again_at_once(
    courier: Courier, clock: StoppedClock, begun: Dispatch
) -> None:
    courier.journal.close()
    assert swept(courier, clock).letters == ((begun.pk, 2),)


def test_a_letter_that_only_waited_in_the_batch_is_not_blamed_for_crashes(
    courier: Courier, clock: StoppedClock, begun: Dispatch
) -> None:
    Dispatch.objects.update(crashes=2)
    courier.journal.close()
    assert swept(courier, clock).letters == ((begun.pk, 2),)


def test_a_letter_whose_dot_was_sent_is_in_doubt(courier: Courier, clock: StoppedClock, begun: Dispatch) -> None:
    courier.journal.dot(begun.pk, begun.fence)
    courier.journal.close()
    assert not swept(courier, clock)
    begun.refresh_from_db()
    assert begun.state == "unknown"


def test_a_letter_that_was_answered_and_not_written_down_is_settled_as_answered(
    courier: Courier, clock: StoppedClock, begun: Dispatch, enrolment: Enrolment
) -> None:
    courier.journal.dot(begun.pk, begun.fence)
    courier.journal.answered(begun.pk, begun.fence, 250, "250 2.0.0 kept")
    courier.journal.close()
    assert not swept(courier, clock)
    begun.refresh_from_db()
    assert (begun.state, begun.reason) == ("accepted", "250 2.0.0 kept")
    enrolment.refresh_from_db()
    assert enrolment.next_step is not None
    assert enrolment.next_step.key == "second"


def test_a_letter_whose_turn_ends_in_three_crashes_is_given_up(
    courier: Courier, clock: StoppedClock, begun: Dispatch
) -> None:
    Dispatch.objects.update(crashes=2)
    courier.journal.taken_up(begun.pk, begun.fence)
    courier.journal.close()
    assert not swept(courier, clock)
    begun.refresh_from_db()
    assert begun.state == "refused"


def test_a_claim_nobody_began_is_offered_again_when_its_lease_runs_out(
    courier: Courier, clock: StoppedClock, sequence: Sequence
) -> None:
    enrol_many(sequence, 3)
    offers = claim(clock).letters
    assert not swept(courier, clock)
    clock.go_on(dt.timedelta(minutes=2))
    assert swept(courier, clock).letters == tuple((pk, 2) for pk, _ in offers)
    assert begin(offers, courier) == [], "the old offer is void"


def test_a_worker_of_another_machine_is_given_up_when_its_lease_runs_out(
    courier: Courier, clock: StoppedClock, begun: Dispatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "another machine"
    lease = clock.real() + dt.timedelta(minutes=5)
    assert not sweep(elsewhere, clock, lease, limit=10)
    begun.refresh_from_db()
    assert begun.state == "handing_over"
    clock.go_on(dt.timedelta(minutes=3))
    assert not sweep(elsewhere, clock, lease, limit=10)
    begun.refresh_from_db()
    assert begun.state == "unknown"
