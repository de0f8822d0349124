"""Going back to a letter that was thought to be settled, and is under way again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from keepshowingup.cadence.marks import step_of_key
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import read_courses
from keepshowingup.cadence.rounds import last_round
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Step


def go_back(enrolment_id: int, step_key: str) -> bool:
    """The plan waits for this step's letter again, so that the next one keeps its distance from it.

    False, and nothing changes, when the reader has stopped, when the next letter is itself under way or settled, and
    when they have begun the sequence anew.
    """
    with transaction.atomic():
        # As everywhere: the reader's plan is locked before it is read.
        enrolment = Enrolment.objects.select_for_update().filter(pk=enrolment_id).first()
        behind = PastStep.objects.filter(enrolment_id=enrolment_id)
        past = behind.filter(step_key=step_key).first()
        if enrolment is None or past is None or behind.filter(settled_at__gt=past.settled_at).exists():
            return False
        step = _step_of(enrolment, step_key)
        is_last = last_round(enrolment.subscriber_id, enrolment.sequence_id) == enrolment
        is_waiting = enrolment.state == EnrolmentState.ACTIVE and (enrolment.due_at or not enrolment.next_step_id)
        if step is None or not is_last or not (is_waiting or enrolment.state == EnrolmentState.FINISHED):
            return False
        past.delete()
        Enrolment.objects.filter(pk=enrolment_id).update(
            state=EnrolmentState.ACTIVE,
            ended_at=None,
            next_step=step,
            next_key="" if step.key == step_key else step_key,
            due_at=None,
            # Up to here its lateness has moved the plan already.
            promised_at=past.handed_at,
            due_local=past.due_local,
            due_reason=past.due_reason,
            last_handed_at=behind.aggregate(last=Max("handed_at"))["last"],
        )
    return True


def _step_of(enrolment: Enrolment, step_key: str) -> Step | None:
    steps = Step.objects.filter(sequence_id=enrolment.sequence_id)
    if not enrolment.sequence.milestones:
        return steps.filter(key=step_key).first()
    course = read_courses([enrolment.sequence_id])[enrolment.sequence_id]
    found = step_of_key(step_key, course.of_reader(enrolment.enrolled_at).steps, enrolment.enrolled_at)
    return steps.filter(pk=found[0].pk).first() if found else None
