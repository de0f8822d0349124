"""``/api/sequences``: which there are, and their letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import Count
from django.http import HttpRequest
from ninja import Path, Router, Schema

from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import NotFound
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import AtMark
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.timings import say_timing, timing_of
from keepshowingup.web.api.answers import NO

router = Router(tags=["sequences"])

Slug = Annotated[str, Path(max_length=60, pattern=r"^[-a-zA-Z0-9_]+$")]


class SequenceRow(Schema):
    """A sequence; ``readers`` are those it still writes to."""

    slug: str
    title: str
    state: str
    language: str
    audience: str
    readers: int
    activated_at: datetime | None


class StepRow(Schema):
    """A letter's place: one of ``after_days``, ``after_minutes``, ``on_date`` and ``mark`` is given; ``at`` is local.

    ``mark`` is in words: ``30 days from their date``.
    """

    key: str
    position: int
    subject: str
    after_days: int | None
    after_minutes: int | None
    on_date: str | None
    mark: str | None
    at: str | None
    approved: bool


class SequenceDetail(SequenceRow):
    """A sequence with its letters in order."""

    description: str
    steps: list[StepRow]


@router.get("", response={200: list[SequenceRow], **NO}, summary="All sequences")
def list_sequences(request: HttpRequest) -> list[SequenceRow]:
    """Every sequence, by title."""
    active = Enrolment.objects.filter(state=EnrolmentState.ACTIVE)
    readers = dict(active.order_by().values_list("sequence").annotate(Count("pk")))
    found = Sequence.objects.order_by("title", "pk")
    return [SequenceRow.model_validate(_row(sequence, readers.get(sequence.pk, 0))) for sequence in found]


@router.get("/{slug}", response={200: SequenceDetail, **NO}, summary="One sequence and its letters")
def show_sequence(request: HttpRequest, slug: Slug) -> SequenceDetail:
    """One sequence. ``approved`` says whether a letter would go out as it is."""
    sequence = Sequence.objects.filter(slug=slug).first()
    if sequence is None:
        raise NotFound(f"There is no sequence '{slug}'.")
    readers = sequence.enrolments.filter(state=EnrolmentState.ACTIVE).count()
    steps = sequence.steps.filter(deleted_at__isnull=True).select_related("current")
    letters = [_step(step) for step in steps]
    return SequenceDetail.model_validate(
        _row(sequence, readers) | {"description": sequence.description, "steps": letters}
    )


def _row(sequence: Sequence, readers: int) -> dict[str, object]:
    return {
        "slug": sequence.slug,
        "title": sequence.title,
        "state": sequence.state,
        "language": sequence.language,
        "audience": sequence.audience,
        "readers": readers,
        "activated_at": sequence.activated_at,
    }


def _step(step: Step) -> StepRow:
    return StepRow(
        key=step.key,
        position=step.position,
        subject=step.subject,
        after_days=step.after_days,
        after_minutes=step.after_minutes,
        on_date=step.on_date.isoformat() if step.on_date else None,
        mark=say_timing(timing) if isinstance(timing := timing_of(step), AtMark) else None,
        at=f"{step.at_time:%H:%M}" if step.at_time else None,
        approved=step.current is not None,
    )
