"""After a crash: what a dead worker had in hand is offered again, or is in doubt, as its journal says.

A worker that lives, however slow or frozen, holds the lock on its journal and is left alone. A claim that was never
begun is offered again when its lease runs out. A worker on another machine is given up when its lease runs out; its
journal can't be read from here, so what it had begun is in doubt until that machine sweeps for itself.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.answers import in_doubt, outcome
from keepshowingup.delivery.claiming import Claimed, offer_again
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.journal import UNTOUCHED, Entry, Trace, Verdict, examine, sweep_journals
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement, settle
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
            begun = begun.filter(lease_until__lt=real_now)
        for row in read_held(begun.values_list("pk", flat=True)[:limit]):
            entry = entries.get((row.pk, row.fence), UNTOUCHED if verdict is Verdict.DEAD else Entry(Trace.IN_DOUBT))
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
    return list(
        Dispatch.objects.filter(state=DispatchState.HANDING_OVER).order_by().values_list("owner", flat=True).distinct()
    )


def _settlement(row: Held, entry: Entry, clock: Clock) -> Settlement:
    if entry.trace is Trace.ANSWERED:
        return outcome(row, Reply.read(entry.code, entry.text.removeprefix(f"{entry.code} ")), clock)
    if entry.trace is Trace.IN_DOUBT:
        log.error("dispatch %d is in doubt: its worker died after the final dot", row.pk)
        return in_doubt(row, clock)
    log.error("dispatch %d was taken up at %d crashes and is given up", row.pk, MOST_CRASHES)
    return Settlement(row, DispatchState.REFUSED, f"its turn ended in {MOST_CRASHES} crashes of a worker")
