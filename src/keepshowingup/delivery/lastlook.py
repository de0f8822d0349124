"""The last look: what has changed about a reader since their letter was claimed.

Leaving is pulled, not pushed: nobody tells delivery that a reader left, so delivery asks, right before each
hand-over. One question answers for a whole chunk; an answer older than :data:`FRESH_SECONDS` is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from keepshowingup.audience.leaving import suppressed_among
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.cadence.places import rules_of
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.states import EnrolmentState, SkipReason
from keepshowingup.core.timing import Rules, is_allowed, is_too_late, load_zone
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.editorial.models import Sequence

# Promised: no DATA starts more than one second after a leave was committed.
FRESH_SECONDS = 0.5


class Rest(Enum):
    """Why a claimed letter goes back to wait: it is still owed, only not now."""

    READER_PAUSED = "the reader is taking a break"
    SEQUENCE_PAUSED = "the sequence is paused"
    NOT_NOW = "it is not an hour for letters where the reader lives"


Verdict = SkipReason | Rest | None
"""None: go on. A :class:`SkipReason`: never. A :class:`Rest`: not now."""


@dataclass(frozen=True)
class Look:
    """What the database said at one moment: the letters in hand, and what to do with each."""

    held: Mapping[int, Held]
    verdicts: Mapping[int, Verdict]
    sequences: Mapping[int, Sequence]

    @property
    def revisions(self) -> set[int]:
        """The revisions of letters that may go on."""
        return {
            row.revision_id
            for pk, row in self.held.items()
            if self.verdicts[pk] is None and row.revision_id is not None
        }


NOTHING = Look({}, {}, {})


def look(dispatch_ids: Iterable[int], now: datetime) -> Look:
    """Ask about each dispatch; ids that are gone (erased) are left out."""
    held = {row.pk: row for row in read_held(dispatch_ids)}
    ids = {row.sequence_id for row in held.values() if row.sequence_id is not None}
    sequences = {each.pk: each for each in Sequence.objects.filter(pk__in=ids).select_related("article")}
    rules = {pk: _rules(each) for pk, each in sequences.items()}
    suppressed = suppressed_among(row.email_key for row in held.values())
    verdicts = {
        pk: SkipReason.SUPPRESSED if row.email_key in suppressed else _verdict(row, sequences, rules, now)
        for pk, row in held.items()
    }
    return Look(held, verdicts, sequences)


def _rules(sequence: Sequence) -> Rules | None:
    """None where the sequence leaves no hour of the week: its letters rest until somebody mends it."""
    try:
        return rules_of(sequence)
    except WrongUsage:
        return None


def _verdict(
    held: Held, sequences: Mapping[int, Sequence], rules: Mapping[int, Rules | None], now: datetime
) -> Verdict:
    if held.reader_state == Subscriber.State.LEFT:
        return SkipReason.LEFT
    if held.sequence_id is None:
        confirmed = held.notice_kind == Notice.Kind.CONFIRM and held.reader_state == Subscriber.State.ACTIVE
        # A notice was asked for a moment ago; a pause of letters does not hold it back.
        return SkipReason.NOT_NEEDED if confirmed else None
    if held.reader_state != Subscriber.State.ACTIVE or held.enrolment_state == EnrolmentState.LEFT:
        return SkipReason.LEFT
    if held.revision_id is None or held.step_deleted_at is not None:
        return SkipReason.STEP_DELETED
    if held.paused_at is not None:
        return Rest.READER_PAUSED
    sequence, allowed = sequences[held.sequence_id], rules[held.sequence_id]
    if sequence.state != Sequence.State.LIVE:
        return Rest.SEQUENCE_PAUSED
    if is_too_late(held.due_at, now, sequence.too_late_hours):
        return SkipReason.TOO_LATE
    # It was the right hour when it fell due. After an outage or behind a long queue it may be three in the morning.
    if allowed is None or not is_allowed(now, load_zone(held.zone), allowed):
        return Rest.NOT_NOW
    return None
