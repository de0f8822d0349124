"""How a sequence treats its readers beside its days and hours: kept, checked against the other sequences, read."""

from __future__ import annotations

from django.db import transaction

from keepshowingup.core.care import Care, loop_from, read_exits, write_exits
from keepshowingup.core.conditions import Condition, write_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.revising import locked_sequence, locked_step
from keepshowingup.editorial.wording import fault_in_conditions, fault_in_exits


def care_of(sequence: Sequence) -> Care:
    """What the columns say."""
    return Care(
        urgent=sequence.urgent,
        again_after_days=sequence.again_after_days,
        ends_when=read_exits(sequence.ends_when),
        then=sequence.then.slug if sequence.then else "",
    )


def put_care(sequence_id: int, care: Care) -> bool:
    """Keep it; false when nothing changes. The caller replans the readers of a live sequence.

    Raises :class:`WrongUsage` for a sequence that follows and is not there, for readers who would go round and round
    without end, and for a tag that names the topic.
    """
    with transaction.atomic():
        sequence = locked_sequence(sequence_id)
        if care == care_of(sequence):
            return False
        then = Sequence.objects.filter(slug=care.then).first() if care.then else None
        fault = care.fault(sequence.slug, milestones=sequence.milestones)
        if fault := fault or _fault_in_following(sequence.slug, care.then, then):
            raise WrongUsage(fault)
        if fault := fault_in_exits(care.ends_when):
            raise WrongUsage(fault)
        rules = write_exits(care.ends_when)
        sequence.urgent, sequence.again_after_days = care.urgent, care.again_after_days
        sequence.ends_when, sequence.then = rules, then
        sequence.save(update_fields=["urgent", "again_after_days", "ends_when", "then"])
    return True


def fault_in_round(sequence: Sequence) -> str | None:
    """Why readers would never come to an end behind this sequence; None when they do."""
    return _fault_in_following(sequence.slug, sequence.then.slug if sequence.then else "", sequence.then)


def _fault_in_following(slug: str, then: str, found: Sequence | None) -> str | None:
    if not then:
        return None
    if found is None:
        return f"There is no sequence {then} to follow at the end. Make that one first."
    if found.milestones:
        return f"{then} can't follow: milestones begin with a date that a reader gives."
    rows = Sequence.objects.filter(then__isnull=False).values_list("slug", "then__slug")
    if way := loop_from(slug, dict(rows) | {slug: then}):
        return f"Readers would go round without end: {', then '.join(way)}. Leave one of them without a next sequence."
    return None


def put_conditions(step_id: int, conditions: tuple[Condition, ...]) -> bool:
    """Say for whom a letter is; false when nothing changes. Its words and their approval stay."""
    written = written_conditions(conditions)
    with transaction.atomic():
        step = locked_step(step_id)
        return bool(Step.objects.filter(pk=step.pk).exclude(only_if=written).update(only_if=written))


def written_conditions(conditions: tuple[Condition, ...]) -> str:
    """Conditions as they are kept. Raises :class:`WrongUsage` for too many, and for a tag that names the topic."""
    if fault := fault_in_conditions(conditions):
        raise WrongUsage(fault)
    return write_conditions(conditions)
