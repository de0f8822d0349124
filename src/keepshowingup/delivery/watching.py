"""How it stands: what is due, under way and done, who is alive, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count

from keepshowingup.cadence.due import due_enrolments
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.breaker import EVERYTHING
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.models import Breaker, Dispatch, Heartbeat
from keepshowingup.delivery.routing import is_full

# A part that has not been heard of for this long is taken to be gone.
SILENT_AFTER = timedelta(seconds=60)
# A letter this long after its moment should have left: two ticks and a lease are well within it.
OVERDUE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Status:
    """Counts at one moment. ``heartbeats`` are seconds since each part was last heard of.

    ``held_back``: every transport carries as much as it may just now, so letters are late because they have to be.
    """

    database_ok: bool = True
    due: int = 0
    overdue: int = 0
    claimed: int = 0
    handing_over: int = 0
    retry: int = 0
    unknown: int = 0
    accepted_today: int = 0
    heartbeats: dict[str, float] = field(default_factory=dict)
    breakers: dict[str, str] = field(default_factory=dict)
    held_back: bool = False

    @property
    def sentences(self) -> list[str]:
        """What a person should look at; empty when all is well."""
        if not self.database_ok:
            return ["The database does not answer. Start it, or look at DATABASE_URL."]
        alarms = []
        if not self.heartbeats:
            alarms.append("No tick has run yet. Start `keepshowingup up`, or beat and worker.")
        for part, age in self.heartbeats.items():
            if age > SILENT_AFTER.total_seconds():
                alarms.append(f"{part} was last heard of {age:.0f} seconds ago. Look whether beat and workers run.")
        if self.overdue and self.held_back:
            alarms.append(f"{self.overdue} letters wait for their turn: the transports may carry only so many.")
        elif self.overdue:
            alarms.append(f"{self.overdue} letters are more than 5 minutes late.")
        if self.unknown:
            alarms.append(
                f"{self.unknown} letters may or may not have arrived. `keepshowingup reconcile` settles them."
            )
        for name, reason in self.breakers.items():
            if name == EVERYTHING:
                alarms.append(f"Nothing is sent: {reason}. `keepshowingup resume-sending` says what to do.")
            else:
                alarms.append(f"{name.removeprefix('domain:')} is resting: {reason}")
        return alarms

    @property
    def ok(self) -> bool:
        """Well enough that nobody has to be woken: letters in doubt wait for the morning."""
        return (
            self.database_ok and (not self.overdue or self.held_back) and bool(self.heartbeats) and not self._silent()
        )

    def _silent(self) -> bool:
        return any(age > SILENT_AFTER.total_seconds() for age in self.heartbeats.values())


def status(now: datetime, real_now: datetime) -> Status:
    """Ask the database how it stands at ``now`` (calendar) and ``real_now`` (real time), both UTC."""
    try:
        by_state = dict(Dispatch.objects.order_by().values_list("state").annotate(Count("pk")))
        return Status(
            due=due_enrolments(now).count(),
            overdue=due_enrolments(now - OVERDUE_AFTER).count(),
            claimed=by_state.get(DispatchState.CLAIMED, 0),
            handing_over=by_state.get(DispatchState.HANDING_OVER, 0),
            retry=by_state.get(DispatchState.RETRY_AT, 0),
            unknown=in_doubt_letters().count(),
            accepted_today=Dispatch.objects.filter(
                state=DispatchState.ACCEPTED, handed_over_at__gt=now - timedelta(days=1)
            ).count(),
            heartbeats={
                beat.part: (real_now - beat.seen_at).total_seconds() for beat in Heartbeat.objects.order_by("part")
            },
            breakers=dict(Breaker.objects.filter(open_until__gt=real_now).values_list("transport", "reason")),
            held_back=bool(settings.TRANSPORTS and is_full(settings.TRANSPORTS, real_now)),
        )
    except DatabaseError:
        return Status(database_ok=False)


def beat_heart(part: str, real_now: datetime) -> None:
    """Write a sign of life."""
    Heartbeat.objects.update_or_create(part=part, defaults={"seen_at": real_now})
