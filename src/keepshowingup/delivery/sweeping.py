"""After a crash: what a dead worker had in hand is offered again, or is in doubt, as its journal says.

A worker that lives, however slow or frozen, holds the lock on its journal and is left alone. A claim that was never
begun is offered again when its lease runs out. A worker on another machine is given up when its lease runs out; its
journal can't be read from here, so what it had begun is in doubt until that machine sweeps for itself (``silence``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.db.models import QuerySet

from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.answers import in_doubt, outcome
from keepshowingup.delivery.claiming import Claimed, offer_again
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.journal import UNTOUCHED, Entry, Trace, Verdict, examine, sweep_journals
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.silence import fell_silent, silent_letters, take_back
from keepshowingup.delivery.transports.reply import Reply

log = logging.getLogger(__name__)

# A letter whose turn it was at three crashes is taken to be their cause.
MOST_CRASHES = 3


def sweep(folder: Path, clock: Clock, lease_until: datetime, *, limit: int) -> Claimed:
    """Settle what dead workers left behind; returns what is to be offered again. ``folder`` holds the journals."""
    real_now = clock.real()
    forgotten = Dispatch.objects.filter(state=DispatchState.CLAIMED, lease_until__lt=real_now)
    again = list(forgotten.order_by("lease_until").values_list("pk", "fence")[:limit])
    for owner in _owners():
        verdict, entries = examine(folder, owner)
        if verdict is Verdict.ALIVE:
            continue
        begun = Dispatch.objects.filter(state=DispatchState.HANDING_OVER, owner=owner)
        if verdict is Verdict.SILENT:
            given_up = begun.filter(lease_until__lt=real_now).values_list("pk", flat=True)[:limit]
            settle([fell_silent(row, clock) for row in read_held(given_up)], clock.now())
            continue
        take_back(owner, lease_until)
        for row in read_held(begun.values_list("pk", flat=True)[:limit]):
            entry = entries.get((row.pk, row.fence), UNTOUCHED)
            crashes = row.crashes + (entry.trace is Trace.TAKEN_UP)
            if crashes != row.crashes:
                Dispatch.objects.filter(pk=row.pk, fence=row.fence).update(crashes=crashes)
            if entry.trace in {Trace.UNTOUCHED, Trace.TAKEN_UP} and crashes < MOST_CRASHES:
                again.append((row.pk, row.fence))
            else:
                settle([_settlement(row, entry, clock)], clock.now())
    sweep_journals(folder, set(_owners()))
    return offer_again(again, lease_until)


def _owners() -> list[str]:
    """The journals that have something to say of letters under way, or in doubt for want of it."""
    under_way = Dispatch.objects.filter(state=DispatchState.HANDING_OVER)
    return sorted(
        {owner for letters in (under_way, silent_letters()) for owner in _named_by(letters)},
    )


def _named_by(letters: QuerySet[Dispatch]) -> Iterable[str]:
    return letters.order_by().values_list("owner", flat=True).distinct()


def _settlement(row: Held, entry: Entry, clock: Clock) -> Settlement:
    if entry.trace is Trace.ANSWERED:
        return outcome(row, Reply.read(entry.code, entry.text.removeprefix(f"{entry.code} ")), clock)
    if entry.trace is Trace.IN_DOUBT:
        log.error("dispatch %d is in doubt: its worker died after the final dot", row.pk)
        return in_doubt(row, clock)
    log.error("dispatch %d was taken up at %d crashes and is given up", row.pk, MOST_CRASHES)
    return Settlement(row, DispatchState.REFUSED, f"its turn ended in {MOST_CRASHES} crashes of a worker")
