"""The last look: what has changed about a reader since their letter was claimed.

Leaving is pulled, not pushed: nobody tells delivery that a reader left, so delivery asks, right before each
hand-over. One question answers for a whole chunk; an answer older than :data:`FRESH_SECONDS` is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from keepshowingup.audience.about import about_readers
from keepshowingup.audience.leaving import suppressed_among
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.cadence.marks import has_passed
from keepshowingup.cadence.places import rules_of
from keepshowingup.core.care import exit_reached, read_exits
from keepshowingup.core.conditions import About, read_conditions, unmet
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.states import EnrolmentState, SkipReason
from keepshowingup.core.timing import Rules, is_allowed, is_too_late, load_zone, local_date
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
    asking = {row.reader_id for row in held.values() if row.only_if}
    about = about_readers(asking) if asking else {}
    verdicts = {
        pk: SkipReason.SUPPRESSED if row.email_key in suppressed else _verdict(row, sequences, hours, about, now)
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


def _verdict(
    held: Held, sequences: Mapping[int, Sequence], hours: _Hours, about: Mapping[int, About], now: datetime
) -> Verdict:
    if held.sequence_id is None:
        return _of_notice(held)
    if held.reader_state != Subscriber.State.ACTIVE or held.enrolment_state == EnrolmentState.LEFT:
        return SkipReason.SUPPRESSED if held.reader_state == Subscriber.State.SUPPRESSED else SkipReason.LEFT
    if held.enrolment_state == EnrolmentState.ENDED:
        return SkipReason.ENDED
    sequence = sequences[held.sequence_id]
    if sequence.milestones and (passed := _of_mark(held, now)) is not None:
        return passed
    if held.revision_id is None or held.step_deleted_at is not None:
        return SkipReason.STEP_DELETED
    if held.only_if and unmet(read_conditions(held.only_if), about.get(held.reader_id, About())):
        return SkipReason.NOT_FOR_READER
    if held.paused_at is not None:
        return Rest.READER_PAUSED
    if sequence.state != Sequence.State.LIVE:
        return Rest.SEQUENCE_PAUSED
    if sequence.ends_when and _is_over(sequence, held.zone, now):
        return SkipReason.ENDED
    if is_too_late(held.due_at, now, sequence.too_late_hours):
        return SkipReason.TOO_LATE
    # It was the right hour when it fell due. After an outage or behind a long queue it may be three in the morning.
    return None if hours[held.sequence_id, held.zone] else Rest.NOT_NOW


def _is_over(sequence: Sequence, zone: str, now: datetime) -> bool:
    """Whether the date that ends it has come where the reader lives. Other rules end the place when they are met."""
    return exit_reached(read_exits(sequence.ends_when), frozenset(), local_date(now, load_zone(zone))) is not None


def _of_mark(held: Held, now: datetime) -> SkipReason | None:
    """A letter about a mark: never for a date that is another by now, and never long after its day.

    The first is said as if they had left: nobody is told that a date was changed.
    """
    # Whoever gives a date comes in with it; all its marks are later than that.
    if held.enrolled_at is not None and held.due_at <= held.enrolled_at:
        return SkipReason.LEFT
    return SkipReason.TOO_LATE if has_passed(held.due_local, held.due_at, load_zone(held.zone), now) else None


def _of_notice(held: Held) -> Verdict:
    has_left = held.reader_state == Subscriber.State.LEFT
    if held.reader_state == Subscriber.State.SUPPRESSED:
        return SkipReason.SUPPRESSED
    if held.notice_kind == Notice.Kind.GOODBYE:
        # The one letter that may come after leaving: its reader pressed for it when they had left.
        return None if has_left else SkipReason.NOT_NEEDED
    if has_left:
        return SkipReason.LEFT
    # A notice was asked for a moment ago; a pause of letters does not hold it back, unless it speaks of its end.
    confirmed = held.notice_kind == Notice.Kind.CONFIRM and held.reader_state == Subscriber.State.ACTIVE
    paused_again = held.notice_kind == Notice.Kind.RESUME and held.paused_at is not None
    return SkipReason.NOT_NEEDED if confirmed or paused_again else None
