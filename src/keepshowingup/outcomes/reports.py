"""How letters fared: accepted, returned, complained of, left. Nothing is counted that a reader did not say or do."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from keepshowingup.cadence.starting import pause
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Sequence
from keepshowingup.outcomes.evidence import Kind
from keepshowingup.outcomes.models import Event

log = logging.getLogger(__name__)

# Gmail's and Yahoo's rules for bulk senders: stay below 0.1 %, never reach 0.3 %.
WARN_AT = 0.001
PAUSE_AT = 0.003
# One complaint among ninety letters is above 0.3 % and says nothing about the letters.
FEWEST_COMPLAINTS = 3
WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Fates:
    """What became of a sequence's letters since a moment. ``accepted`` is what some server took, returned or not."""

    accepted: int = 0
    returned: int = 0
    complaints: int = 0
    unknown: int = 0

    @property
    def complaint_rate(self) -> float:
        """Complaints per accepted letter, 0 to 1."""
        return self.complaints / self.accepted if self.accepted else 0.0


def fates(sequence_id: int, since: datetime) -> Fates:
    """What became of the letters of a sequence that were handed over since ``since`` (calendar, UTC)."""
    letters = Dispatch.objects.filter(enrolment__sequence_id=sequence_id, handed_over_at__gte=since)
    counts = letters.aggregate(
        accepted=Count("pk", filter=Q(state__in=[DispatchState.ACCEPTED, DispatchState.REFUSED])),
        returned=Count("pk", filter=Q(state=DispatchState.REFUSED)),
        unknown=Count("pk", filter=Q(state=DispatchState.UNKNOWN)),
    )
    complaints = Event.objects.filter(kind=Kind.COMPLAINT, dispatch__in=letters).values("dispatch").distinct().count()
    return Fates(complaints=complaints, **counts)


def pause_if_complained_of(sequence_id: int, now: datetime) -> bool:
    """Pause a live sequence whose complaints have reached :data:`PAUSE_AT`; True if it was paused just now."""
    found = fates(sequence_id, now - WINDOW)
    if found.complaints < FEWEST_COMPLAINTS or found.complaint_rate < WARN_AT:
        return False
    log.warning("sequence %d: %d complaints about %d letters", sequence_id, found.complaints, found.accepted)
    if (
        found.complaint_rate < PAUSE_AT
        or not Sequence.objects.filter(pk=sequence_id, state=Sequence.State.LIVE).exists()
    ):
        return False
    pause(sequence_id, now)
    log.error("sequence %d is paused: %d complaints about %d letters", sequence_id, found.complaints, found.accepted)
    return True
