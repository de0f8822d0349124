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
from keepshowingup.core.milestones import is_dropped
from keepshowingup.core.states import EnrolmentState, SkipReason
from keepshowingup.core.timing import Rules, is_allowed, is_too_late, load_zone, to_utc
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.editorial.models import Sequence

# Promised: no DATA starts more than one second after a leave was committed.
FRESH_SECONDS = 0.5


class Rest(Enum):
    """Why a claimed letter goes back to wait: it is still owed, only not now."""

    READER_PAUSED = "the reader is taking a break"
    SEQUENCE_PAUSED = "the sequence is paused"
    NOT_NOW = "it is not an hour for letters where the reader lives"
    NOT_OURS = "it was offered again, and is in somebody else's hand"


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
    return judge(read_held(dispatch_ids), now)


def judge(letters: Iterable[Held], now: datetime) -> Look:
    """The same for letters that were read a moment ago, as by the claim that made them ours."""
    held = {row.pk: row for row in letters}
    ids = {row.sequence_id for row in held.values() if row.sequence_id is not None}
    sequences = {each.pk: each for each in Sequence.objects.filter(pk__in=ids).select_related("article")}
    hours = _Hours(now, {pk: _rules(each) for pk, each in sequences.items()})
    # Whoever suppresses an address stops its reader too; but a request to confirm may be to somebody new to us.
    suppressed = suppressed_among(row.email_key for row in held.values() if row.sequence_id is None)
    verdicts = {
        pk: SkipReason.SUPPRESSED if row.email_key in suppressed else _verdict(row, sequences, hours, now)
        for pk, row in held.items()
    }
    return Look(held, verdicts, sequences)


class _Hours(dict[tuple[int, str], bool]):
    """Whether a sequence's letters may leave at this moment, by sequence and zone; each is worked out once."""

    def __init__(self, now: datetime, rules: Mapping[int, Rules | None]) -> None:
        super().__init__()
        self.now, self.rules = now, rules

    def __missing__(self, key: tuple[int, str]) -> bool:
        sequence_id, zone = key
        rules = self.rules[sequence_id]
        self[key] = rules is not None and is_allowed(self.now, load_zone(zone), rules)
        return self[key]


def _rules(sequence: Sequence) -> Rules | None:
    """None where the sequence leaves no hour of the week: its letters rest until somebody mends it."""
    try:
        return rules_of(sequence)
    except WrongUsage:
        return None


def _verdict(held: Held, sequences: Mapping[int, Sequence], hours: _Hours, now: datetime) -> Verdict:
    if held.sequence_id is None:
        return _of_notice(held)
    if held.reader_state != Subscriber.State.ACTIVE or held.enrolment_state == EnrolmentState.LEFT:
        return SkipReason.SUPPRESSED if held.reader_state == Subscriber.State.SUPPRESSED else SkipReason.LEFT
    sequence = sequences[held.sequence_id]
    if sequence.milestones and (passed := _of_mark(held, now)) is not None:
        return passed
    if held.revision_id is None or held.step_deleted_at is not None:
        return SkipReason.STEP_DELETED
    if held.paused_at is not None:
        return Rest.READER_PAUSED
    if sequence.state != Sequence.State.LIVE:
        return Rest.SEQUENCE_PAUSED
    if is_too_late(held.due_at, now, sequence.too_late_hours):
        return SkipReason.TOO_LATE
    # It was the right hour when it fell due. After an outage or behind a long queue it may be three in the morning.
    return None if hours[held.sequence_id, held.zone] else Rest.NOT_NOW


def _of_mark(held: Held, now: datetime) -> SkipReason | None:
    """A letter about a mark: never for a date that is another by now, and never long after its day.

    The first is said as if they had left: nobody is told that a date was changed.
    """
    # Whoever gives a date comes in with it; all its marks are later than that.
    if held.enrolled_at is not None and held.due_at <= held.enrolled_at:
        return SkipReason.LEFT
    own = to_utc(datetime.fromisoformat(held.due_local), load_zone(held.zone)) if held.due_local else held.due_at
    return SkipReason.TOO_LATE if is_dropped(own, now) else None


def _of_notice(held: Held) -> Verdict:
    if held.reader_state == Subscriber.State.LEFT:
        return SkipReason.LEFT
    if held.reader_state == Subscriber.State.SUPPRESSED:
        return SkipReason.SUPPRESSED
    # A notice was asked for a moment ago; a pause of letters does not hold it back.
    confirmed = held.notice_kind == Notice.Kind.CONFIRM and held.reader_state == Subscriber.State.ACTIVE
    return SkipReason.NOT_NEEDED if confirmed else None
