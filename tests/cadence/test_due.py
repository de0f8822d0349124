from __future__ import annotations

import pytest

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import HOUR, drip, join, reader
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


def test_a_letter_is_due_from_its_moment_on_and_not_earlier() -> None:
    enrolment = join(drip(0))
    assert list(due_enrolments(TEN - HOUR / 3600)) == []
    assert list(due_enrolments(TEN)) == [enrolment]


@pytest.mark.parametrize("state", [EnrolmentState.LEFT, EnrolmentState.FINISHED, EnrolmentState.HELD])
def test_only_active_enrolments_are_due(state: str) -> None:
    join(drip(0))
    Enrolment.objects.update(state=state)
    assert not due_enrolments(TEN)


@pytest.mark.parametrize("state", [Sequence.State.DRAFT, Sequence.State.PAUSED])
def test_only_live_sequences_are_due(state: str) -> None:
    join(drip(0))
    Sequence.objects.update(state=state)
    assert not due_enrolments(TEN)


@pytest.mark.parametrize(
    "change", [{"state": Subscriber.State.LEFT}, {"state": Subscriber.State.SUPPRESSED}, {"paused_at": MONDAY}]
)
def test_nothing_is_due_to_readers_who_left_or_rest(change: dict[str, object]) -> None:
    join(drip(0))
    Subscriber.objects.update(**change)
    assert not due_enrolments(TEN)


def test_of_two_letters_for_one_reader_only_the_first_may_be_claimed() -> None:
    maya = reader()
    first, second = join(drip(0), who=maya), join(drip(0), who=maya)
    Enrolment.objects.update(due_at=TEN)
    assert list(due_enrolments(TEN)) == [first]
    Enrolment.objects.filter(pk=first.pk).update(due_at=None)
    assert list(due_enrolments(TEN)) == []
    Enrolment.objects.filter(pk=first.pk).update(next_step=None, state=EnrolmentState.FINISHED)
    assert list(due_enrolments(TEN)) == [second]


def test_a_letter_of_a_paused_sequence_stands_in_nobodys_way() -> None:
    maya = reader()
    rests, comes = join(drip(0), who=maya), join(drip(0), who=maya)
    Enrolment.objects.update(due_at=TEN)
    Sequence.objects.filter(pk=rests.sequence_id).update(state=Sequence.State.PAUSED)
    assert list(due_enrolments(TEN)) == [comes]
