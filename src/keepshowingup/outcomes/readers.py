"""One reader as staff, the command line and the API show them: who, what they agreed to, and what comes next."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tagging import tags_of
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import NotFound


class Place(TypedDict):
    """A reader's place in a sequence. ``due_at`` is ISO 8601 in UTC, ``due_local`` the reader's own wall time."""

    sequence: str
    state: str
    next_step: str | None
    due_at: str | None
    due_local: str | None
    due_reason: str


class Proof(TypedDict):
    """What a reader agreed to and how that is known. Moments are ISO 8601 in UTC."""

    given_at: str
    confirmed_at: str | None
    source: str
    text_version: str


class ReaderRow(TypedDict):
    """A reader. Moments are ISO 8601 in UTC; ``hour`` is local."""

    email: str
    first_name: str
    zone: str
    hour: str
    language: str
    country: str
    audience: str
    tags: list[str]
    letters_a_week: int | None
    state: str
    paused_until: str | None
    paused: bool
    created_at: str
    confirmed_at: str | None
    left_at: str | None
    consents: list[Proof]
    sequences: list[Place]


def find(address: str) -> Subscriber:
    """The reader at an address. Raises :class:`NotFound`, also for what is no address."""
    checked = check_address(address.strip())
    reader = Subscriber.objects.filter(email_key=checked.key).first() if checked.ok else None
    if reader is None:
        raise NotFound(f"Nobody here has that address. {checked.reason}".strip())
    return reader


def describe(reader: Subscriber) -> ReaderRow:
    """Everything that is kept about a reader, as plain values."""
    return ReaderRow(
        email=reader.email,
        first_name=reader.first_name,
        zone=reader.zone,
        hour=f"{reader.hour:%H:%M}",
        language=reader.language,
        country=reader.country,
        audience=reader.audience,
        tags=tags_of(reader.pk),
        letters_a_week=reader.letters_a_week,
        state=reader.state,
        paused=reader.paused_at is not None,
        paused_until=_iso(reader.paused_until),
        created_at=reader.created_at.isoformat(),
        confirmed_at=_iso(reader.confirmed_at),
        left_at=_iso(reader.left_at),
        consents=[
            Proof(
                given_at=consent.given_at.isoformat(),
                confirmed_at=_iso(consent.confirmed_at),
                source=consent.source,
                text_version=consent.text_version,
            )
            for consent in reader.consents.order_by("given_at", "pk")
        ],
        sequences=[
            Place(
                sequence=enrolment.sequence.slug,
                state=enrolment.state,
                next_step=enrolment.next_key or (enrolment.next_step.key if enrolment.next_step else None),
                due_at=_iso(enrolment.due_at),
                due_local=enrolment.due_local if enrolment.due_at else None,
                due_reason=enrolment.due_reason,
            )
            for enrolment in reader.enrolments.select_related("sequence", "next_step").order_by("pk")
        ],
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
