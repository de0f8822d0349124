"""``/api/subscribers``: add, look up, pause, resume, leave. An address is always in the body, never in a URL."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from keepshowingup.audience import preferences
from keepshowingup.audience.details import read_country, read_hour, read_language, read_moment
from keepshowingup.audience.joining import JoinRequest, add_confirmed, ask_to_join
from keepshowingup.audience.leaving import leave
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.replanning import choose_pace, resume_reader
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Sequence
from keepshowingup.outcomes.readers import describe, find
from keepshowingup.web.api.answers import NO

router = Router(tags=["subscribers"])

Email = Annotated[str, Field(max_length=320, examples=["maya@example.org"])]


class Given(Schema):
    """A body; what it may not have is refused, so that a misspelt field is noticed."""

    model_config = ConfigDict(extra="forbid")


class NewReader(Given):
    """A reader to be. Without ``consent_note`` they get a letter that asks for their yes, and nothing else."""

    email: Email
    first_name: str = Field("", max_length=200)
    zone: str = Field("UTC", max_length=64, examples=["Europe/London"])
    hour: str = Field("10:00", max_length=8, description="Local time of day")
    language: str = Field("en", max_length=20)
    country: str = Field("", max_length=2)
    audience: Literal["self", "family"] = "self"
    sequence: str | None = Field(None, max_length=60, description="A sequence's slug")
    consent_note: str = Field("", max_length=200, description="How you know that they agreed. Kept as the proof.")
    consented_at: str = Field("", max_length=40, description="When they agreed, ISO 8601")


class Address(Given):
    """Whom it is about."""

    email: Email


class Break(Given):
    """Whom it is about and how long they rest, in their own days; empty: until they say."""

    email: Email
    days: int | None = Field(None, ge=1, le=preferences.LONGEST_PAUSE)


class Tags(Given):
    """Whom it is about, the neutral labels they get, and those that are taken away."""

    email: Email
    give: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=50, examples=[["spring-group"]])
    take: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=50)


class Often(Given):
    """Whom it is about and how many letters in 7 days they want at most; empty: as they come."""

    email: Email
    a_week: Literal[1, 2] | None = None


class Added(Schema):
    """``active``: letters come. ``asked``: a letter asks for their yes, or nothing was to be asked; alike for all."""

    state: Literal["active", "asked"]


class Place(Schema):
    """A place in a sequence. ``due_at`` is UTC, ``due_local`` the reader's wall time."""

    sequence: str
    state: str
    next_step: str | None
    due_at: datetime | None
    due_local: str | None
    due_reason: str


class Proof(Schema):
    """What they agreed to and how that is known. UTC."""

    given_at: datetime
    confirmed_at: datetime | None
    source: str
    text_version: str


class Reader(Schema):
    """A reader. Moments are UTC, ``hour`` is local."""

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
    paused: bool
    paused_until: datetime | None
    created_at: datetime
    confirmed_at: datetime | None
    left_at: datetime | None
    consents: list[Proof]
    sequences: list[Place]


@router.post("", response={201: Added, 202: Added, **NO}, summary="Add a reader")
def add(request: HttpRequest, given: NewReader) -> Status[Added]:
    """With a consent note the reader is added and letters begin; without, a letter asks for their yes."""
    now = settings.CLOCK.now()
    sequence_id = _sequence_id(given.sequence)
    hour, language, country = read_hour(given.hour), read_language(given.language), read_country(given.country)
    if not given.consent_note.strip():
        ask_to_join(
            JoinRequest(
                given.email,
                first_name=given.first_name,
                zone=given.zone,
                hour=hour,
                sequence_id=sequence_id,
                audience=given.audience,
                language=language,
                country=country,
                form="/api/subscribers",
            ),
            now,
        )
        return Status(202, Added(state="asked"))
    with transaction.atomic():
        reader = add_confirmed(
            given.email,
            first_name=given.first_name,
            zone=given.zone,
            hour=hour,
            language=language,
            country=country,
            audience=given.audience,
            consent_note=given.consent_note,
            consented_at=read_moment(given.consented_at, now) if given.consented_at else None,
            now=now,
        )
        if sequence_id is not None:
            enrol(reader.pk, sequence_id, now)
    return Status(201, Added(state="active"))


@router.post("/lookup", response={200: Reader, **NO}, summary="Look a reader up")
def look_up(request: HttpRequest, given: Address) -> Reader:
    """Everything that is kept about one reader."""
    return _answer(given.email)


@router.post("/pause", response={200: Reader, **NO}, summary="Rest a reader's letters")
def pause(request: HttpRequest, given: Break) -> Reader:
    """Nothing comes for so many days, or until they say. Afterwards their plan goes on where it was."""
    preferences.pause(find(given.email).pk, settings.CLOCK.now(), given.days)
    return _answer(given.email)


@router.post("/resume", response={200: Reader, **NO}, summary="End a reader's break")
def resume(request: HttpRequest, given: Address) -> Reader:
    """Letters go on, moved by the days the break lasted. Without a break nothing changes."""
    resume_reader(find(given.email).pk, settings.CLOCK.now())
    return _answer(given.email)


@router.post("/tags", response={200: Reader, **NO}, summary="Give a reader tags and take tags away")
def tags(request: HttpRequest, given: Tags) -> Reader:
    """What is planned follows at once. A tag is a neutral label: one that names the topic is refused."""
    retag(find(given.email).pk, settings.CLOCK.now(), give=given.give, take=given.take)
    return _answer(given.email)


@router.post("/often", response={200: Reader, **NO}, summary="Choose how often letters come")
def often(request: HttpRequest, given: Often) -> Reader:
    """At most so many in 7 days. What is planned moves at once."""
    choose_pace(find(given.email).pk, given.a_week, settings.CLOCK.now())
    return _answer(given.email)


@router.post("/leave", response={200: Reader, **NO}, summary="Stop all letters to a reader")
def stop(request: HttpRequest, given: Address) -> Reader:
    """Nothing more is sent, beginning now. Saying it again changes nothing."""
    leave(find(given.email).pk, settings.CLOCK.now())
    return _answer(given.email)


def _answer(email: str) -> Reader:
    return Reader.model_validate(describe(find(email)))


def _sequence_id(slug: str | None) -> int | None:
    if not slug:
        return None
    found = Sequence.objects.filter(slug=slug.replace("\0", "")).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("There is no sequence by that slug. GET /api/sequences lists them.")
    return found
