"""Undoing a change to a running sequence, for as long as no letter of it has gone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from keepshowingup.cadence import replans
from keepshowingup.core.editions import Way
from keepshowingup.core.errors import Refused
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.editing import find_edit, newest_edit, take_back
from keepshowingup.editorial.models import Edit


def why_not(edit: Edit) -> str:
    """Why the change can't be undone any more, as a sentence; empty while it can. A letter that is claimed is gone."""
    if edit.undone_at is not None:
        return "This change is undone."
    newest = newest_edit(edit.sequence_id)
    if newest is not None and newest.pk != edit.pk:
        return "Another change was made after this one. Undo that one first."
    if (gone := _first_letter(edit)) is not None:
        return _too_late(gone)
    return ""


def undo(edit_id: int, *, by: str, now: datetime) -> Edit:
    """Put the sequence back as it was before its newest change, and plan its readers by that.

    Raises :class:`Refused` when it is too late, with the sentence that says why.
    """
    with transaction.atomic():
        edit = take_back(edit_id, by=by, now=now)
        # Asked last: whoever claims from here on finds the sequence as it was, or this transaction in the way.
        if (gone := _first_letter(edit)) is not None:
            raise Refused(_too_late(gone))
    replans.after_change(edit.sequence_id, now)
    return find_edit(edit_id)


def _too_late(gone: datetime) -> str:
    return f"It can't be undone any more: its first letter was on its way on {gone:%a} {gone.day} {gone:%B %H:%M} UTC."


def _first_letter(edit: Edit) -> datetime | None:
    """When the first letter was claimed that readers would not have got without this change."""
    theirs = Dispatch.objects.filter(enrolment__sequence=edit.sequence_id, claimed_at__gte=edit.made_at)
    if edit.way == Way.NEW_READERS:
        theirs = theirs.filter(enrolment__enrolled_at__gte=edit.made_at)
    letters = edit.letters
    # A letter about a mark has a key of its own for each reader: it is known by its words.
    key = "revision__step__key__in" if edit.sequence.milestones else "step_key__in"
    theirs = theirs.filter(Q(**{key: letters["keys"]}) | Q(revision__in=letters["revisions"]))
    return theirs.order_by("claimed_at").values_list("claimed_at", flat=True).first()
