"""Saying what happened to letters: rows for lists, sentences for people who ask why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from django.db.models import QuerySet

from keepshowingup.cadence import explaining
from keepshowingup.cadence.explaining import Told
from keepshowingup.core.address import check_address
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery.models import Dispatch


class Row(TypedDict):
    """One dispatch as lists and the API show it. Moments are ISO 8601 in UTC."""

    id: int
    sequence: str
    step: str
    subscriber: str
    state: str
    reason: str
    due_at: str
    handed_over_at: str | None
    attempts: int
    message_id: str


def dispatches(*, sequence: str | None = None, subscriber: str | None = None) -> QuerySet[Dispatch]:
    """Letters by sequence slug and by reader's address, in the order they were due."""
    found = Dispatch.objects.select_related("subscriber", "enrolment__sequence", "notice").order_by("due_at", "pk")
    if sequence:
        found = found.filter(enrolment__sequence__slug=sequence)
    if subscriber:
        found = found.filter(subscriber__email_key=check_address(subscriber).key)
    return found


def row(dispatch: Dispatch) -> Row:
    """A dispatch as plain values; a notice's sequence is empty and its step is its kind."""
    enrolment, notice = dispatch.enrolment, dispatch.notice
    return Row(
        id=dispatch.pk,
        sequence=enrolment.sequence.slug if enrolment else "",
        step=dispatch.step_key or (notice.kind if notice else ""),
        subscriber=dispatch.subscriber.email,
        state=dispatch.state,
        reason=dispatch.reason,
        due_at=dispatch.due_at.isoformat(),
        handed_over_at=dispatch.handed_over_at.isoformat() if dispatch.handed_over_at else None,
        attempts=dispatch.attempts,
        message_id=dispatch.message_id,
    )


OUTCOMES = {
    DispatchState.CLAIMED: "is claimed and leaves in a moment",
    DispatchState.HANDING_OVER: "is being handed over now",
    DispatchState.RETRY_AT: "waits for another try: {reason}",
    DispatchState.ACCEPTED: "was accepted by the mail server",
    DispatchState.REFUSED: "was refused: {reason}",
    DispatchState.SKIPPED: "was not sent: {reason}",
    DispatchState.UNKNOWN: "may or may not have arrived: {reason}",
}
CAME_BACK = "came back: {reason}"
SKIPPED = {
    SkipReason.LEFT: "the reader had left, or had stopped these letters",
    SkipReason.SUPPRESSED: "the address must not be written to, because it bounced or its owner complained",
    SkipReason.TOO_LATE: "it was later than the sequence allows",
    SkipReason.STEP_DELETED: "it was taken out of the sequence",
    SkipReason.NOT_NEEDED: "the reader had confirmed meanwhile",
    SkipReason.NOT_RENDERED: "it could not be made",
    SkipReason.NOT_FOR_READER: "it is not for this reader",
    SkipReason.ENDED: "the sequence had ended for the reader",
    SkipReason.RESTORED: "it was due in a time that a restored database has missed, and may have left then",
}


def outcome_sentence(dispatch: Dispatch) -> str:
    """What became of a letter, as the end of a sentence that begins with its name."""
    state, words = DispatchState(dispatch.state), OUTCOMES[DispatchState(dispatch.state)]
    if state is DispatchState.REFUSED and dispatch.handed_over_at is not None:
        words = CAME_BACK
    return words.format(reason=_why_skipped(dispatch.reason) if state is DispatchState.SKIPPED else dispatch.reason)


def _why_skipped(reason: str) -> str:
    kind, _, detail = reason.partition(": ")
    if kind not in set(SkipReason):
        return reason
    return ": ".join(filter(None, (SKIPPED[SkipReason(kind)], detail)))


def explain(subscriber_id: int, now: datetime, sequence_id: int | None = None) -> list[Told]:
    """Why a reader did or did not get each letter: the calendar's sentences with what became of each dispatch."""
    rows: Iterable[Dispatch] = Dispatch.objects.filter(subscriber_id=subscriber_id, enrolment__isnull=False)
    outcomes: dict[tuple[int, str], str] = {}
    for dispatch in rows:
        assert dispatch.enrolment_id is not None
        tries = f", at try {dispatch.attempts}" if dispatch.attempts > 1 else ""
        outcomes[dispatch.enrolment_id, dispatch.step_key] = outcome_sentence(dispatch) + tries
    return explaining.explain(subscriber_id, now, sequence_id=sequence_id, outcomes=outcomes)
