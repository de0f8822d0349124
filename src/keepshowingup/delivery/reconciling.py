"""Settling letters in doubt from what a mail server's log says, or our own record of what was handed over.

A letter of which nothing is said stays in doubt: logs are cut and rotated. Done again, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet

from keepshowingup.core.failures import FailureKind, classify
from keepshowingup.core.redaction import redact
from keepshowingup.core.states import DispatchState, may_move
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.maillog import Fate, Sighting
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.naming import opaque_of
from keepshowingup.delivery.own_record import Line
from keepshowingup.delivery.settling import Settlement, settle

OUR_RECORD = "our own record of what was handed over"

Seen = Mapping[str, Sighting]
"""The last word about each letter, by its name. Moments are the calendar's."""

STATES = {
    Fate.PERHAPS: DispatchState.UNKNOWN,
    Fate.TAKEN: DispatchState.ACCEPTED,
    Fate.PASSED_ON: DispatchState.ACCEPTED,
    Fate.REFUSED: DispatchState.REFUSED,
}


@dataclass(frozen=True)
class Settled:
    """A letter and what it is by the evidence. ``at`` (calendar, UTC) is when it left, if that is said."""

    message_id: str
    state: DispatchState
    reason: str
    at: datetime | None = None
    suppress: bool = False
    dispatch: int | None = None


def last_words(sightings: Iterable[Sighting], to_calendar: Callable[[datetime], datetime]) -> dict[str, Sighting]:
    """The last thing that is said of each letter; that it is only named counts while nothing else is said."""
    words: dict[str, Sighting] = {}
    for one in sightings:
        if one.fate is not Fate.NAMED or one.name not in words:
            words[one.name] = replace(one, at=to_calendar(one.at)) if one.at else one
    return words


def from_own_record(lines: Iterable[Line]) -> dict[str, Sighting]:
    """The same from our own record, whose moments are the calendar's already."""
    words: dict[str, Sighting] = {}
    for line in lines:
        name = opaque_of(line.message_id)
        if line.sure or name not in words:
            fate = Fate.TAKEN if line.sure else Fate.PERHAPS
            words[name] = Sighting(name, fate, line.at, source=OUR_RECORD)
    return words


def verdict(sighting: Sighting) -> tuple[DispatchState, str, bool] | None:
    """The state a letter is in by the evidence, why, and whether its address is gone. None: nothing follows."""
    state = STATES.get(sighting.fate)
    if state is None:
        return None
    if state is not DispatchState.REFUSED:
        return state, f"by {sighting.source}", False
    words = redact(" ".join(sighting.words.split()))
    failure = classify(sighting.code, sighting.status, words)
    return state, f"by {sighting.source}: {words[:150]}", failure.kind is FailureKind.ADDRESS_HARD


def believe(seen: Seen, now: datetime, *, restored: bool = False) -> list[Settled]:
    """Settle letters in doubt, and copies of such that have not left yet, by what was seen; returns which.

    In a ``restored`` database also those it believes to be under way: while it was away they may have left.
    """
    found = []
    settlements = []
    states = dict(_open_letters(restored).values_list("pk", "state"))
    for held in read_held(states):
        sighting = seen.get(opaque_of(held.message_id))
        said = verdict(sighting) if sighting else None
        if sighting is None or said is None or not may_move(DispatchState(states[held.pk]), said[0]):
            continue
        state, reason, suppress = said
        # When it came into doubt is known already, and counts for spacing.
        at = held.handed_over_at or sighting.at or now
        found.append(Settled(held.message_id, state, reason, at, suppress, held.pk))
        settlements.append(Settlement(held, state, reason, handed_at=at, suppress=suppress, evidence=True))
    settle(settlements, now)
    return found


def _open_letters(restored: bool) -> QuerySet[Dispatch]:
    unknown = Q(state=DispatchState.UNKNOWN)
    copies = Q(resent_at__isnull=False, state__in=[DispatchState.CLAIMED, DispatchState.RETRY_AT])
    under_way = Q(state__in=[DispatchState.CLAIMED, DispatchState.RETRY_AT, DispatchState.HANDING_OVER])
    return Dispatch.objects.filter(unknown | copies | (under_way if restored else Q()))
