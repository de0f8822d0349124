"""Changing a sequence that readers are on: what changed, for whom, and taking it back.

Whatever is done inside :func:`changing` is compared with what was before. Readers who keep what they began with get it
written down (:class:`Kept`); a change for everyone reaches those who keep something too, in what it changes and
nothing else. Hours and days of the week hold for everybody at once, whatever the way.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from keepshowingup.core.editions import Change, Letter, Way, changes_between
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.editorial.models import Approval, Edit, Kept, Sequence, Step
from keepshowingup.editorial.revising import locked_sequence
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note

log = logging.getLogger(__name__)

TIMING = ("after_days", "after_minutes", "on_date", "mark_days", "mark_months", "every_year", "at_time")
STEP = ("position", *TIMING, "deleted_at", "there_since", "backfilled", "kept_until", "current_id")
RULES = ("weekdays", "window_start", "window_end", "quiet_start", "quiet_end", "too_late_hours")
KEPT = ("is_there", "position", "timing", "revision_id")

Ways = Way | Mapping[str, Way]
"""For whom: one answer for all letters of a change, or one by key."""


@dataclass
class Made:
    """What became of a change; ``edit`` is empty when readers will notice nothing."""

    edit: Edit | None = None


@contextmanager
def changing(
    sequence_id: int, *, by: str, now: datetime, way: Ways = Way.NOW_ON, heads: Mapping[str, object] | None = None
) -> Iterator[Made]:
    """What is done inside is one change: all of it or nothing, written down as an :class:`Edit` that can be undone.

    ``heads`` are the head-counts that were shown. In a sequence that was never started there is nobody to notice, and
    nothing is written down. The caller replans the readers afterwards.
    """
    with transaction.atomic():
        sequence = locked_sequence(sequence_id)
        before = _read(sequence_id)
        made = Made()
        yield made
        after = _read(sequence_id)
        changes = changes_between(before.letters, after.letters)
        if sequence.activated_at is not None and (changes or before.rules != after.rules):
            made.edit = _write_down(before, after, changes, Edit(
                sequence=sequence, way=_one(way), made_by=by.strip(), made_at=now, heads=dict(heads or {})
            ), way)  # fmt: skip
            log.info("edit %s of sequence %s: %s changes", made.edit.pk, sequence_id, len(changes))
        _note_deleted(sequence, before, after, by, now)


def take_back(edit_id: int, *, by: str, now: datetime) -> Edit:
    """Put letters, days and order back as they were before the newest change; new words wait for approval again.

    Inside a transaction of a caller who knows that no letter of the change has gone, and who replans the readers.
    Raises :class:`Refused` for a change that was undone, or that has another one on top of it.
    """
    edit = find_edit(edit_id)
    locked_sequence(edit.sequence_id)
    edit.refresh_from_db()
    if edit.undone_at is not None:
        raise Refused("This change is undone already.")
    if Edit.objects.filter(sequence=edit.sequence_id, pk__gt=edit.pk, undone_at=None).exists():
        raise Refused("Another change was made after this one. Undo that one first.")
    before = edit.before
    Approval.objects.filter(revision__in=before["approved"]).delete()
    for pk, columns in before["steps"].items():
        Step.objects.filter(pk=pk).update(**columns)
    Step.objects.filter(pk__in=before["created"]).update(deleted_at=now)
    for pk, columns in before["kept"].items():
        Kept.objects.filter(pk=pk).update(**columns)
    edit.kept.all().delete()
    Sequence.objects.filter(pk=edit.sequence_id).update(**before["rules"])
    edit.undone_at, edit.undone_by = now, by.strip()
    edit.save(update_fields=["undone_at", "undone_by"])
    note(Entry.What.UNDONE, who=by, about=edit.sequence.slug, now=now, details={"edit": edit.pk})
    log.info("edit %s of sequence %s is undone", edit.pk, edit.sequence_id)
    return edit


def find_edit(edit_id: int) -> Edit:
    """Raises :class:`NotFound`."""
    edit = Edit.objects.filter(pk=edit_id).select_related("sequence").first()
    if edit is None:
        raise NotFound("There is no such change.")
    return edit


def newest_edit(sequence_id: int) -> Edit | None:
    """The one change that could be undone, if its letters allow it."""
    return Edit.objects.filter(sequence=sequence_id, undone_at=None).first()


@dataclass(frozen=True)
class _Standing:
    """Everything of a sequence that a change may touch."""

    letters: tuple[Letter, ...]
    steps: Mapping[int, Mapping[str, Any]]
    rules: Mapping[str, Any]
    approved: frozenset[int]
    keys: Mapping[str, int] = field(default_factory=dict)


def _read(sequence_id: int) -> _Standing:
    rows = list(Step.objects.filter(sequence=sequence_id).order_by("position", "pk"))
    rules = Sequence.objects.filter(pk=sequence_id).values(*RULES).get()
    approved = Approval.objects.filter(revision__step__sequence=sequence_id).values_list("revision", flat=True)
    return _Standing(
        letters=tuple(_letter(step) for step in rows),
        steps={step.pk: {name: getattr(step, name) for name in STEP} for step in rows},
        rules=rules,
        approved=frozenset(approved),
        keys={step.key: step.pk for step in rows},
    )


def _letter(step: Step) -> Letter:
    return Letter(
        key=step.key,
        subject=step.subject,
        is_there=step.deleted_at is None and step.current_id is not None,
        timing={name: getattr(step, name) for name in TIMING},
        revision=step.current_id,
    )


def _note_deleted(sequence: Sequence, before: _Standing, after: _Standing, by: str, now: datetime) -> None:
    for letter in after.letters:
        pk = after.keys[letter.key]
        was_there = pk in before.steps and before.steps[pk]["deleted_at"] is None
        if was_there and after.steps[pk]["deleted_at"] is not None:
            about = f"letter “{letter.subject}” of {sequence.slug}"
            note(Entry.What.DELETED, who=by, about=about, now=now, details={"step": pk, "key": letter.key})


def _one(way: Ways) -> Way:
    """One word for the list of changes, also where letters differ."""
    ways = {way} if isinstance(way, Way) else set(way.values())
    return ways.pop() if len(ways) == 1 else Way.NOW_ON


def _write_down(before: _Standing, after: _Standing, changes: list[Change], edit: Edit, way: Ways) -> Edit:
    def way_of(key: str) -> Way:
        return way if isinstance(way, Way) else way.get(key, Way.NOW_ON)

    kept = list(Kept.objects.filter(step__in=after.steps))
    edit.changes = [vars(change) | {"way": way_of(change.key)} for change in changes]
    edit.letters = _letters_of(changes, before, after)
    edit.before = _plain(
        {
            "steps": {pk: columns for pk, columns in before.steps.items() if pk in after.steps},
            "created": sorted(after.steps.keys() - before.steps.keys()),
            "rules": before.rules,
            "approved": sorted(after.approved - before.approved),
            "kept": {row.pk: {name: getattr(row, name) for name in KEPT} for row in kept},
        }
    )
    edit.save()
    for change in changes:
        step = Step.objects.get(pk=after.keys[change.key])
        if change.kind == "added":
            was_deleted = step.pk in before.steps and before.steps[step.pk]["deleted_at"] is not None
            step.there_since = edit.made_at if was_deleted else step.there_since
            step.backfilled = way_of(change.key) is Way.BACKFILL
            step.save(update_fields=["there_since", "backfilled"])
        if way_of(change.key) is Way.NEW_READERS:
            _keep(edit, step, **_as_it_was(change, before.steps.get(step.pk)))
        else:
            _let_go([row for row in kept if row.step_id == step.pk], change)
    _keep_the_order(edit, before, after, [change for change in changes if change.kind != "changed"], way_of)
    return edit


def _as_it_was(change: Change, columns: Mapping[str, Any] | None) -> dict[str, Any]:
    """The aspect of a letter that a change gives readers who keep it, as they have it now."""
    if change.kind == "added" or columns is None:
        return {"is_there": False}
    if change.kind == "changed":
        return {"revision_id": columns["current_id"]}
    if change.kind == "moved":
        return {"timing": _plain({name: columns[name] for name in TIMING})}
    return {"is_there": True}


def _keep(edit: Edit, step: Step, **aspects: Any) -> None:
    Kept.objects.update_or_create(step=step, edit=edit, defaults={"until": edit.made_at, **aspects})
    Step.objects.filter(pk=step.pk).update(kept_until=edit.made_at)


def _let_go(rows: list[Kept], change: Change) -> None:
    """A change for everyone reaches those who keep this letter another way."""
    for row in rows:
        if change.kind == "changed":
            row.revision = None
        elif change.kind == "moved":
            row.timing = None
        else:
            row.is_there = False if change.kind == "deleted" else None
        row.save(update_fields=["revision", "timing", "is_there"])


def _keep_the_order(
    edit: Edit, before: _Standing, after: _Standing, changes: list[Change], way_of: Callable[[str], Way]
) -> None:
    """The order is one thing for all letters: kept as a whole, or another for everybody."""
    others = {
        pk: columns["position"]
        for pk, columns in before.steps.items()
        if pk in after.steps and after.steps[pk]["position"] != columns["position"]
    }
    if not changes or not others:
        return
    if all(way_of(change.key) is Way.NEW_READERS for change in changes):
        for step in Step.objects.filter(pk__in=others):
            _keep(edit, step, position=others[step.pk])
    else:
        Kept.objects.filter(step__in=after.steps).update(position=None)


def _letters_of(changes: list[Change], before: _Standing, after: _Standing) -> dict[str, Any]:
    """Which letters are the change's own: once the first of them is claimed it can't be taken back.

    In place of a deleted letter comes one of those after it; other hours are every letter's.
    """
    keys = {change.key for change in changes if change.kind in {"added", "moved"}}
    gone = {change.key for change in changes if change.kind == "deleted"}
    order = [letter.key for letter in before.letters]
    first = min((order.index(key) for key in gone), default=len(order))
    keys |= set(order[first:]) - gone
    if before.rules != after.rules:
        keys |= {letter.key for letter in after.letters}
    changed = {change.key for change in changes if change.kind == "changed"}
    revisions = sorted(after.steps[after.keys[key]]["current_id"] for key in changed)
    return {"keys": sorted(keys), "revisions": revisions}


def _plain(values: Any) -> Any:
    """As JSON keeps it: moments and dates as text, which the columns read back."""
    return json.loads(json.dumps(values, cls=DjangoJSONEncoder))
