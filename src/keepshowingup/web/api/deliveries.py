"""``/api/deliveries``: what became of letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.telling import dispatches, row
from keepshowingup.outcomes.readers import find
from keepshowingup.web.api.answers import NO

router = Router(tags=["deliveries"])

MOST = 500
BIGGEST_ID = 2**63 - 1


class Delivery(Schema):
    """One letter to one reader. Moments are UTC."""

    id: int
    sequence: str
    step: str
    subscriber: str
    state: str
    reason: str
    due_at: datetime
    handed_over_at: datetime | None
    attempts: int
    message_id: str


class Page(Schema):
    """Letters by id; ask again with ``after`` set to ``next`` until it is empty."""

    deliveries: list[Delivery]
    next: int | None


class Choice(Schema):
    """Which letters. ``after`` is the last id you have."""

    sequence: str | None = Field(None, max_length=60, pattern=r"^[-a-zA-Z0-9_]*$", description="A sequence's slug")
    state: DispatchState | None = None
    after: int = Field(0, ge=0, le=BIGGEST_ID)
    limit: int = Field(100, ge=1, le=MOST)


class ReadersChoice(Choice):
    """Which letters of one reader."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=320)


@router.get("", response={200: Page, **NO}, summary="Letters and what became of them")
def list_deliveries(request: HttpRequest, choice: Annotated[Choice, Query()]) -> Page:
    """Letters in the order they were made."""
    return _page(choice, None)


@router.post("/lookup", response={200: Page, **NO}, summary="One reader's letters")
def look_up(request: HttpRequest, given: ReadersChoice) -> Page:
    """The letters of one reader."""
    return _page(given, find(given.email).email)


def _page(choice: Choice, subscriber: str | None) -> Page:
    letters = dispatches(sequence=choice.sequence, subscriber=subscriber).filter(pk__gt=choice.after)
    if choice.state:
        letters = letters.filter(state=choice.state)
    found = list(letters.order_by("pk")[: choice.limit + 1])
    rows = found[: choice.limit]
    return Page(
        deliveries=[Delivery.model_validate(row(dispatch)) for dispatch in rows],
        next=rows[-1].pk if len(found) > choice.limit else None,
    )
