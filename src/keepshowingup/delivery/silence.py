"""Letters of a worker whose machine fell silent: in doubt for all others, until that machine speaks again.

A journal can only be read on its own machine. When a lease runs out that a worker elsewhere should have renewed, nobody
here can know what became of its letters: it may be dead, cut off, or slow. They are in doubt, and never sent again by
themselves. When the machine is back it knows better: a worker that lives takes back what it has in hand, and a dead
one's journal is read by the next sweep there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from keepshowingup.cadence.going_back import go_back
from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.doubt import FELL_SILENT, in_doubt
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement


def fell_silent(held: Held, clock: Clock) -> Settlement:
    """In doubt because its machine's journal can't be read from here."""
    return replace(in_doubt(held, clock), reason=FELL_SILENT, asked=False)


def silent_letters() -> QuerySet[Dispatch]:
    """Those that are in doubt for no other reason."""
    return Dispatch.objects.filter(state=DispatchState.UNKNOWN, reason=FELL_SILENT)


def take_back(owner: str, lease_until: datetime) -> int:
    """A worker's letters are in its hand again: only for who is that worker, or can read its journal. Returns how many.

    What somebody has settled or sent again meanwhile is no longer its own, and stays as it is. Readers' plans, which
    had gone on as if these letters had left, wait for them again.
    """
    mine = silent_letters().filter(owner=owner)
    if not mine.exists():
        return 0  # as nearly always
    with transaction.atomic():
        letters = list(mine.select_for_update().order_by("pk").values_list("pk", "enrolment_id", "step_key"))
        Dispatch.objects.filter(pk__in=[pk for pk, _, _ in letters]).update(
            state=DispatchState.HANDING_OVER, reason="", handed_over_at=None, lease_until=lease_until
        )
        for _, enrolment_id, step_key in letters:
            if enrolment_id is not None:
                go_back(enrolment_id, step_key)
    return len(letters)
