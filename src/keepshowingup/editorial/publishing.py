"""Folders into the database and out of it: plan, apply, export."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.db import transaction

from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.editions import Way
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.pictures import names_in
from keepshowingup.editorial.caring import care_of, put_care, written_conditions
from keepshowingup.editorial.composing import create_sequence, edit_sequence
from keepshowingup.editorial.editing import changing
from keepshowingup.editorial.folder_writing import Written, write_folder
from keepshowingup.editorial.folders import FolderFaulty, FolderSequence, FolderStep, letter_fault
from keepshowingup.editorial.models import Revision, Sequence, Step
from keepshowingup.editorial.pictures import keep_pictures, read_pictures
from keepshowingup.editorial.planning import Plan, make_plan
from keepshowingup.editorial.revising import locked_sequence, revise
from keepshowingup.editorial.timings import put_timing, timing_of
from keepshowingup.letters.compile import LetterError

log = logging.getLogger(__name__)


def plan(folder: FolderSequence, now: datetime) -> Plan:
    """What :func:`apply` would change at ``now``. Nothing is changed."""
    sequence = Sequence.objects.filter(slug=folder.slug).first()
    if sequence is None:
        return make_plan(None, folder, now=now)
    if folder.milestones != sequence.milestones:
        raise Refused("Whether letters are milestones can't be changed later: give the folder another slug.")
    return make_plan(folder_of(sequence), folder, now=now, deleted=_deleted(sequence))


def apply(
    folder: FolderSequence,
    *,
    author: str,
    now: datetime,
    way: Way = Way.NOW_ON,
    heads: Mapping[str, object] | None = None,
) -> Plan:
    """Make the sequence what the folder says, all of it or nothing; answers with what changed.

    Letters with other words get a new revision, by ``author``, which nobody has approved; unchanged ones keep theirs.
    ``way`` says for whom it is: days, order and deletions at once, words and new letters when they are approved.
    Letters that are gone from the folder are deleted, and come back when it has them again. The caller replans the
    readers of a live sequence. Raises :class:`FolderFaulty` for a letter that can't be made.
    """
    with transaction.atomic():
        sequence = Sequence.objects.filter(slug=folder.slug).first()
        if sequence is not None:
            locked_sequence(sequence.pk)
        changes = plan(folder, now)
        if changes.is_empty:
            return changes
        if sequence is None:
            sequence = create_sequence(slug=folder.slug, title=folder.title, milestones=folder.milestones, now=now)
        with changing(sequence.pk, by=author, now=now, way=way, heads=heads):
            _carry_out(sequence, folder, changes, author, now, way)
    log.info("sequence %s applied from a folder: %s changes", sequence.pk, len(changes.steps) + len(changes.fields))
    return changes


def export(slug: str, path: Path) -> Written:
    """Write a sequence as a folder; applying it again changes nothing. Files that say the same stay as they are.

    Raises :class:`NotFound` without the sequence; see :func:`write_folder` for folders that are refused.
    """
    sequence = Sequence.objects.filter(slug=slug).first()
    if sequence is None:
        raise NotFound(f"There is no sequence '{slug}'. `keepshowingup sequence list` shows them.")
    return write_folder(folder_of(sequence), path, deleted_keys=_deleted(sequence).keys())


def folder_of(sequence: Sequence) -> FolderSequence:
    """The sequence with its newest words, as a folder would say it."""
    steps = list(sequence.steps.filter(deleted_at=None).order_by("position", "pk"))
    return FolderSequence(
        slug=sequence.slug,
        title=sequence.title,
        description=sequence.description,
        signature=sequence.signature,
        language=sequence.language,
        theme=sequence.theme,
        audience=sequence.audience,
        open_ended=sequence.open_ended,
        milestones=sequence.milestones,
        weekdays=sequence.weekdays,
        window=(sequence.window_start, sequence.window_end),
        quiet=(sequence.quiet_start, sequence.quiet_end),
        too_late_hours=sequence.too_late_hours,
        care=care_of(sequence),
        steps=_numbered([_folder_step(step) for step in steps]),
    )


def _carry_out(sequence: Sequence, folder: FolderSequence, changes: Plan, author: str, now: datetime, way: Way) -> None:
    kept = {step.key: step for step in sequence.steps.all()}
    # The language comes first: letters are compiled in it.
    sequence = _edit(sequence, folder, now)
    for wanted in folder.steps:
        step = kept.get(wanted.key) or Step(sequence=sequence, key=wanted.key)
        revision = _put(step, sequence, wanted, author, now)
        if not revision.is_approved and revision.created_at == now:
            revision.way = way
            revision.save(update_fields=["way"])
    put_care(sequence.pk, folder.care)
    gone = [change.key for change in changes.steps if change.kind == "deleted"]
    sequence.steps.filter(key__in=gone).update(deleted_at=now)


def _edit(sequence: Sequence, folder: FolderSequence, now: datetime) -> Sequence:
    return edit_sequence(
        sequence.pk,
        title=folder.title,
        description=folder.description,
        signature=folder.signature,
        language=folder.language,
        theme=folder.theme,
        audience=folder.audience,
        open_ended=folder.open_ended,
        weekdays=folder.weekdays,
        window_start=folder.window[0],
        window_end=folder.window[1],
        quiet_start=folder.quiet[0],
        quiet_end=folder.quiet[1],
        too_late_hours=folder.too_late_hours,
        now=now,
    )


def _put(step: Step, sequence: Sequence, wanted: FolderStep, author: str, now: datetime) -> Revision:
    step.position, step.deleted_at = wanted.number, None
    put_timing(step, wanted.timing)
    step.only_if = written_conditions(wanted.only_if)
    step.save()
    keep_pictures(wanted.pictures.values(), now=now)
    try:
        return revise(
            step,
            sequence,
            subject=wanted.subject,
            preheader=wanted.preheader,
            body=wanted.body,
            author=author,
            now=now,
        )
    except LetterError as error:
        raise FolderFaulty([letter_fault(wanted, error)]) from error


def _deleted(sequence: Sequence) -> dict[str, FolderStep]:
    return {step.key: _folder_step(step) for step in sequence.steps.exclude(deleted_at=None)}


def _folder_step(step: Step) -> FolderStep:
    return FolderStep(
        key=step.key,
        number=step.position,
        timing=timing_of(step),
        subject=step.subject,
        preheader=step.preheader,
        body=step.body,
        only_if=read_conditions(step.only_if),
        pictures=read_pictures(names_in(step.body)),
    )


def _numbered(steps: list[FolderStep]) -> tuple[FolderStep, ...]:
    """The letters under their own numbers, or counted anew where two have the same."""
    if len({step.number for step in steps}) == len(steps):
        return tuple(steps)
    return tuple(replace(step, number=number) for number, step in enumerate(steps, 1))
