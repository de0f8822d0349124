"""Starting a sequence, pausing it, and going on."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence import replans
from keepshowingup.cadence.places import rules_of
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.editorial import reviewing
from keepshowingup.editorial.models import Sequence
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import PROGRAM, note

log = logging.getLogger(__name__)


def activate(sequence_id: int, now: datetime, *, by: str = PROGRAM) -> None:
    """Start a sequence with what has been approved. Readers who have been waiting begin today. ``by`` is a staff
    address, for the logbook.

    Raises :class:`Refused` with everything that stands in the way. On a live sequence it takes newly approved words
    into use, on a paused one it resumes as well.
    """
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if obstacles := reviewing.obstacles(sequence_id, now):
            raise Refused("\n".join((f"{sequence.title} can't start yet:", *obstacles)))
        rules_of(sequence)  # raises where no hour of the week is left
        reviewing.make_current(sequence)
        _note(Entry.What.STARTED, sequence, by, now)
    if sequence.state == Sequence.State.LIVE:
        replans.after_change(sequence_id, now)
    else:
        _go_live(sequence, now)


def pause(sequence_id: int, now: datetime, *, by: str = PROGRAM) -> None:
    """Rest a sequence: nothing of it is sent until it is resumed. Raises :class:`Refused` when it is not live."""
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if sequence.state != Sequence.State.LIVE:
            raise Refused(f"{sequence.title} is not live, so there is nothing to pause.")
        Sequence.objects.filter(pk=sequence_id).update(state=Sequence.State.PAUSED, paused_at=now)
        _note(Entry.What.PAUSED, sequence, by, now)
    log.info("sequence %d is paused", sequence_id)


def resume(sequence_id: int, now: datetime, *, by: str = PROGRAM) -> None:
    """Go on after a pause; every plan moves by the days it lasted. Raises :class:`Refused` when it is not paused."""
    with transaction.atomic():
        sequence = _locked(sequence_id)
        if sequence.state != Sequence.State.PAUSED:
            raise Refused(
                f"{sequence.title} is not paused. To start it: keepshowingup sequence activate {sequence.slug}"
            )
        _note(Entry.What.RESUMED, sequence, by, now)
    _go_live(sequence, now)


def _go_live(sequence: Sequence, now: datetime) -> None:
    # Plans first, in chunks, while nothing of it is due; live last. With very many readers that takes longer than
    # anybody waits for a page: the worker does the rest, and lets it go live.
    replans.after_rest(sequence.pk, sequence.paused_at, now)


def _note(what: Entry.What, sequence: Sequence, by: str, now: datetime) -> None:
    note(what, who=by, about=sequence.slug, now=now, details={"sequence": sequence.pk})


def _locked(sequence_id: int) -> Sequence:
    sequence = Sequence.objects.select_for_update().filter(pk=sequence_id).first()
    if sequence is None:
        raise NotFound("There is no such sequence. See: keepshowingup sequence list")
    return sequence
