"""Words somebody has typed and not saved: kept in their session, so that nothing typed is ever lost.

The live preview shows them, a page that could not save shows them again, and whoever comes back finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, cast

from django.contrib.sessions.backends.base import SessionBase

FIELDS = (
    *("subject", "preheader", "when", "days", "minutes", "date", "mark", "yearly", "at"),
    *("only_if", "body", "based_on"),
)
# A session is one row that is written whole: the few letters somebody has open, not an archive.
MOST_KEPT = 5
LONGEST_KEPT = 120_000


class Draft(TypedDict):
    """What stands in the fields, as typed, and when it was kept (ISO 8601, UTC)."""

    fields: dict[str, str]
    kept_at: str


def keep(session: SessionBase, step_id: int, typed: Mapping[str, Any], now: datetime) -> Draft:
    """Keep what stands in a letter's fields; the oldest of more than five letters is let go."""
    fields = {name: str(typed.get(name, ""))[:LONGEST_KEPT] for name in FIELDS}
    draft = Draft(fields=fields, kept_at=now.isoformat())
    kept = _kept(session)
    kept.pop(str(step_id), None)
    kept[str(step_id)] = draft
    session["drafts"] = dict(list(kept.items())[-MOST_KEPT:])
    return draft


def find(session: SessionBase, step_id: int) -> Draft | None:
    """What was typed into this letter and not saved."""
    return _kept(session).get(str(step_id))


def drop(session: SessionBase, step_id: int) -> None:
    """Let go of what was typed: it is saved now, or not wanted."""
    kept = _kept(session)
    if kept.pop(str(step_id), None) is not None:
        session["drafts"] = kept


def _kept(session: SessionBase) -> dict[str, Draft]:
    return cast("dict[str, Draft]", session.get("drafts", {}))
