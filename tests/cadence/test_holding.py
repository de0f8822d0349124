"""A reader whose letter can't be made waits where they are, keeps their spacing, and may leave."""

from __future__ import annotations

import pytest

from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.enrolling import leave_sequence
from keepshowingup.cadence.holding import hold, release
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.replanning import replan_sequence
from keepshowingup.core.states import EnrolmentState
from tests.cadence.world import DAY, drip, join, run
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

LATER = MONDAY + 5 * DAY


@pytest.fixture
def held() -> Enrolment:
    """Maya had the letter of Monday; the one of Wednesday can't be made."""
    enrolment = join(drip(0, 2, 7))
    run(MONDAY, MONDAY + DAY)
    assert hold(enrolment.pk, "It can't be rendered.")
    enrolment.refresh_from_db()
    return enrolment


def test_nothing_is_due_and_it_says_why(held: Enrolment) -> None:
    assert (held.state, held.due_at, held.due_reason) == (EnrolmentState.HELD, None, "It can't be rendered.")
    assert not due_enrolments(MONDAY + 365 * DAY).exists()


def test_other_sequences_of_the_reader_go_on(held: Enrolment) -> None:
    other = join(drip(0), LATER, held.subscriber)
    assert [sent.sequence for sent in run(LATER, LATER + 2 * DAY)] == [other.sequence_id]


def test_once_it_is_mended_the_same_letter_comes_and_the_others_keep_their_spacing(held: Enrolment) -> None:
    assert release(held.sequence_id, LATER) == 1
    sent = run(LATER, MONDAY + 30 * DAY)
    assert [(each.key, (each.at.date() - MONDAY.date()).days) for each in sent] == [("day-2", 5), ("day-7", 10)]


def test_any_edit_of_the_sequence_may_have_mended_it(held: Enrolment) -> None:
    replan_sequence(held.sequence_id, LATER)
    held.refresh_from_db()
    assert held.state == EnrolmentState.ACTIVE
    assert held.next_step is not None
    assert held.next_step.key == "day-2"


def test_releasing_where_nobody_is_held_does_nothing(held: Enrolment) -> None:
    assert release(held.sequence_id, LATER) == 1
    assert release(held.sequence_id, LATER) == 0
    assert release(join(drip(0)).sequence_id, LATER) == 0


def test_a_held_reader_who_stops_the_sequence_is_not_let_go_on(held: Enrolment) -> None:
    leave_sequence(held.subscriber_id, held.sequence_id, LATER)
    assert release(held.sequence_id, LATER) == 0
    held.refresh_from_db()
    assert held.state == EnrolmentState.LEFT


def test_who_does_not_wait_is_not_held() -> None:
    enrolment = join(drip(0))
    leave_sequence(enrolment.subscriber_id, enrolment.sequence_id, MONDAY)
    assert not hold(enrolment.pk, "It can't be rendered.")


def test_a_reader_who_takes_a_break_meanwhile_is_not_written_to_when_it_is_mended(held: Enrolment) -> None:
    pause(held.subscriber_id, MONDAY + 3 * DAY, None)
    release(held.sequence_id, LATER)
    assert run(LATER, LATER + 10 * DAY) == []
