"""A letter in a worker's hand: everything about one dispatch that composing and the last look need, as plain values.

Read for a whole chunk in one query. Model instances would cost more than composing the letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.keeping import versions_for


class Held(NamedTuple):
    """One dispatch with its reader. ``enrolment_id`` and what comes of it are None for a notice.

    Moments are aware, UTC. ``step_deleted_at``, ``revision_id`` and ``only_if`` are those of the letter claimed.
    ``resent_at`` is set for one that the server may have already; the copy before has ``handed_over_at`` as its Date.
    ``due_local`` is the wall time the moment came from; for a letter of milestones it is the mark's own.
    """

    pk: int
    fence: int
    attempts: int
    crashes: int
    message_id: str
    step_key: str
    due_at: datetime
    reader_id: int
    opaque: str
    email: str
    email_key: str
    first_name: str
    zone: str
    language: str
    theme: str
    country: str
    reader_state: str
    paused_at: datetime | None
    enrolment_id: int | None = None
    enrolment_state: str | None = None
    enrolled_at: datetime | None = None
    sequence_id: int | None = None
    revision_id: int | None = None
    step_deleted_at: datetime | None = None
    notice_kind: str | None = None
    invitation: str | None = None
    handed_over_at: datetime | None = None
    promised: bool = False
    resent_at: datetime | None = None
    only_if: str | None = None
    due_local: str = ""

    def moment(self, now: datetime) -> datetime:
        """When this letter is written, for its Date and its greeting: a copy has the moment of the one before it."""
        return self.handed_over_at if self.resent_at and self.handed_over_at else now


COLUMNS = (
    "pk",
    "fence",
    "attempts",
    "crashes",
    "message_id",
    "step_key",
    "due_at",
    "subscriber_id",
    "subscriber__opaque",
    "subscriber__email",
    "subscriber__email_key",
    "subscriber__first_name",
    "subscriber__zone",
    "subscriber__language",
    "subscriber__theme",
    "subscriber__country",
    "subscriber__state",
    "subscriber__paused_at",
    "enrolment_id",
    "enrolment__state",
    "enrolment__enrolled_at",
    "enrolment__sequence_id",
    "revision_id",
    "revision__step__deleted_at",
    "notice__kind",
    "notice__invitation__opaque",
    "handed_over_at",
    "promised",
    "resent_at",
    "revision__step__only_if",
    "due_local",
)


def read_held(dispatch_ids: Iterable[int]) -> list[Held]:
    """The dispatches as they stand now, in the order they were due; those that are gone (erased) are left out."""
    rows = Dispatch.objects.filter(pk__among=list(dispatch_ids)).order_by("due_at", "pk").values_list(*COLUMNS)
    letters = [Held._make(row) for row in rows]
    return _as_they_keep_it(letters) if any(letter.step_deleted_at for letter in letters) else letters


def _as_they_keep_it(letters: list[Held]) -> list[Held]:
    """A letter that was taken out is still on its way to readers who keep what they began with."""
    gone = [letter.pk for letter in letters if letter.step_deleted_at]
    steps = {
        pk: (step_id, enrolled_at)
        for pk, step_id, enrolled_at in Dispatch.objects.filter(pk__among=gone).values_list(
            "pk", "revision__step_id", "enrolment__enrolled_at"
        )
    }
    versions = versions_for(steps.values())
    return [
        letter._replace(step_deleted_at=None)
        if letter.pk in steps and not versions[steps[letter.pk]].deleted
        else letter
        for letter in letters
    ]
