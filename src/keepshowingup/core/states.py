"""The states of a dispatch and of an enrolment, and the moves between them.

A move that is not in the table is refused, so a duplicate, a late or an out-of-order report changes nothing.
"""

from __future__ import annotations

from enum import StrEnum


class DispatchState(StrEnum):
    """Where one letter to one reader stands."""

    CLAIMED = "claimed"  # ours for the length of a lease; nothing has left the house
    HANDING_OVER = "handing_over"  # a worker is talking to the server about it
    RETRY_AT = "retry_at"  # the server asked us to come back later
    ACCEPTED = "accepted"  # the server said 250
    REFUSED = "refused"  # the server said no, for good, or we gave up
    SKIPPED = "skipped"  # we decided not to; the reason says why
    UNKNOWN = "unknown"  # the server may have it; we cannot tell


SETTLED = frozenset({DispatchState.ACCEPTED, DispatchState.REFUSED, DispatchState.SKIPPED, DispatchState.UNKNOWN})

DISPATCH_MOVES: dict[DispatchState, frozenset[DispatchState]] = {
    DispatchState.CLAIMED: frozenset(
        {
            DispatchState.HANDING_OVER,
            DispatchState.SKIPPED,
            # evidence: about the copy before of a letter in doubt, or from the time a restored database has forgotten
            DispatchState.ACCEPTED,
            DispatchState.REFUSED,
            DispatchState.UNKNOWN,
        }
    ),
    DispatchState.HANDING_OVER: frozenset(
        {
            DispatchState.ACCEPTED,
            DispatchState.REFUSED,
            DispatchState.RETRY_AT,
            DispatchState.UNKNOWN,
            DispatchState.SKIPPED,
            DispatchState.CLAIMED,  # the journal proves its DATA never began
        }
    ),
    DispatchState.RETRY_AT: frozenset(
        {
            DispatchState.CLAIMED,
            DispatchState.HANDING_OVER,
            DispatchState.SKIPPED,
            DispatchState.REFUSED,
            DispatchState.ACCEPTED,  # evidence, as above
            DispatchState.UNKNOWN,
        }
    ),
    DispatchState.UNKNOWN: frozenset(
        {
            DispatchState.ACCEPTED,
            DispatchState.REFUSED,
            DispatchState.CLAIMED,
            DispatchState.HANDING_OVER,  # its machine had fallen silent, and is back
        }
    ),
    DispatchState.ACCEPTED: frozenset({DispatchState.REFUSED}),  # a bounce that came back afterwards
    DispatchState.REFUSED: frozenset(),
    DispatchState.SKIPPED: frozenset(),
}


class EnrolmentState(StrEnum):
    """Where one reader stands in one sequence."""

    ACTIVE = "active"
    FINISHED = "finished"  # the last letter was handed over; nothing more will come
    LEFT = "left"  # the reader stopped this sequence
    ENDED = "ended"  # a rule of the sequence ended it before its last letter; the reason says which
    HELD = "held"  # staff must look: the next letter cannot be made


STAYING = frozenset({EnrolmentState.ACTIVE, EnrolmentState.HELD})
"""The reader is in the sequence and wants its letters."""


OVER = frozenset({EnrolmentState.FINISHED, EnrolmentState.ENDED})
"""This time in the sequence is over. Whether there may be another one, the sequence says."""


class WhyMoved(StrEnum):
    """Why a reader's plan has moved by some days."""

    BREAK = "break"  # the reader took one
    REST = "rest"  # the sequence did
    OUTAGE = "outage"  # nothing could be sent when it was due
    PLANNED = "planned"  # the letter's day was over when it could be planned: approved late, or joined late


class SkipReason(StrEnum):
    """Why a claimed letter was not handed over. The words are shown to staff by ``delivery explain``."""

    LEFT = "left"  # the reader left, or left this sequence, or the date its mark was counted from is another
    SUPPRESSED = "suppressed"  # the address bounced or complained
    TOO_LATE = "too_late"  # older than the sequence allows
    STEP_DELETED = "step_deleted"
    NOT_FOR_READER = "not_for_reader"  # the letter's conditions do not hold for this reader
    ENDED = "ended"  # a rule of the sequence has ended it for this reader
    NOT_NEEDED = "not_needed"  # a request to confirm, to somebody who has confirmed meanwhile
    NOT_RENDERED = "not_rendered"  # the template failed for this reader
    RESTORED = "restored"  # it fell due in the time a restored database has missed, and may have left then


def may_move(old: DispatchState, new: DispatchState) -> bool:
    """Whether a dispatch may go from ``old`` to ``new``."""
    return new in DISPATCH_MOVES[old]


def sources_of(new: DispatchState) -> frozenset[DispatchState]:
    """The states a dispatch may be in just before ``new``: the predicate of a conditional UPDATE."""
    return frozenset(old for old, targets in DISPATCH_MOVES.items() if new in targets)
