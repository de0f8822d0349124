"""The last look: what has changed about a reader since their letter was claimed.

Leaving is pulled, not pushed: nobody tells delivery that a reader left, so delivery asks, right before each
hand-over. One question answers for a whole chunk; an answer older than :data:`FRESH_SECONDS` is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from keepshowingup.audience.leaving import suppressed_among
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.places import rules_of
from keepshowingup.core.states import EnrolmentState, SkipReason
from keepshowingup.core.timing import is_allowed, is_too_late, load_zone
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Sequence

# Promised: no DATA starts more than one second after a leave was committed.
FRESH_SECONDS = 0.5


class Rest(Enum):
    """Why a claimed letter goes back to wait: it is still owed, only not now."""

    READER_PAUSED = "the reader is taking a break"
    SEQUENCE_PAUSED = "the sequence is paused"
    NOT_NOW = "it is not an hour for letters where the reader lives"
    GONE = "the reader was erased, and the letter with them"


Look = SkipReason | Rest | None
"""None: go on. A :class:`SkipReason`: never. A :class:`Rest`: not now."""


def look(dispatch_ids: Iterable[int], now: datetime) -> dict[int, Look]:
    """What the database says at this moment about each dispatch; ids that are gone (erased) are left out."""
    rows = list(
        Dispatch.objects.filter(pk__in=list(dispatch_ids)).select_related(
            "subscriber", "enrolment__sequence", "revision__step", "notice"
        )
    )
    suppressed = suppressed_among(row.subscriber.email_key for row in rows)
    return {row.pk: _verdict(row, row.subscriber.email_key in suppressed, now) for row in rows}


def _verdict(dispatch: Dispatch, suppressed: bool, now: datetime) -> Look:
    reader = dispatch.subscriber
    if suppressed:
        return SkipReason.SUPPRESSED
    if reader.state == Subscriber.State.LEFT:
        return SkipReason.LEFT
    enrolment = dispatch.enrolment
    if enrolment is None:
        return None  # a notice was asked for a moment ago; a pause of letters does not hold it back
    if reader.state != Subscriber.State.ACTIVE or enrolment.state == EnrolmentState.LEFT:
        return SkipReason.LEFT
    if dispatch.revision is None or dispatch.revision.step.deleted_at is not None:
        return SkipReason.STEP_DELETED
    if reader.paused_at is not None:
        return Rest.READER_PAUSED
    sequence = enrolment.sequence
    if sequence.state != Sequence.State.LIVE:
        return Rest.SEQUENCE_PAUSED
    if is_too_late(dispatch.due_at, now, sequence.too_late_hours):
        return SkipReason.TOO_LATE
    # It was the right hour when it fell due. After an outage or behind a long queue it may be three in the morning.
    if not is_allowed(now, load_zone(reader.zone), rules_of(sequence)):
        return Rest.NOT_NOW
    return None
