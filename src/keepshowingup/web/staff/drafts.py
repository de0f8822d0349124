"""Words somebody has typed and not saved: kept for them, so that nothing typed is ever lost.

The live preview shows them, a page that could not save shows them again, and whoever comes back finds them, on any
machine they sign in from. What has not reached the desk yet is kept in the browser: see static/staff/keeping.js.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from keepshowingup.editorial.models import Draft
from keepshowingup.editorial.people import name_of

PLAN = ("when", "days", "minutes", "date", "mark", "yearly", "at", "only_if")
FIELDS = ("subject", "preheader", *PLAN, "body", "based_on", "based_when")
LONGEST_KEPT = 120_000
# Who last typed longer ago is not writing any more.
WRITING = timedelta(minutes=15)


@dataclass(frozen=True)
class Typed:
    """What stands in the fields, as typed, and when it was kept (UTC)."""

    fields: dict[str, str]
    kept_at: datetime


def keep(person: User, step_id: int, typed: Mapping[str, Any], now: datetime) -> Typed:
    """Keep what stands in a letter's fields, in place of what was kept before."""
    fields = {name: str(typed.get(name, ""))[:LONGEST_KEPT] for name in FIELDS}
    Draft.objects.update_or_create(person=person, step_id=step_id, defaults={"fields": fields, "kept_at": now})
    return Typed(fields, now)


def find(person: User, step_id: int) -> Typed | None:
    """What they typed into this letter and have not saved."""
    found = Draft.objects.filter(person=person, step=step_id).first()
    return Typed(found.fields, found.kept_at) if found else None


def drop(person: User, step_id: int) -> None:
    """Let go of what was typed: it is saved now, or not wanted."""
    Draft.objects.filter(person=person, step=step_id).delete()


def others_writing(person: User, step_id: int, now: datetime) -> list[str]:
    """The names of others who typed something into this letter a short while ago and have not saved it."""
    found = Draft.objects.filter(step=step_id, kept_at__gte=now - WRITING).exclude(person=person)
    return [name_of(draft.person) for draft in found.select_related("person").order_by("kept_at")]
