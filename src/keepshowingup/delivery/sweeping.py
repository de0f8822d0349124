"""After a crash: what a dead worker had in hand is offered again, or is in doubt, as its journal says.

A worker that lives, however slow or frozen, holds the lock on its journal and is left alone. A claim that was never
begun is offered again when its lease runs out. A worker on another machine is given up when its lease runs out; its
journal can't be read from here, so what it had begun is in doubt until that machine sweeps for itself (``silence``).

A journal that no dispatch names any more is put away, unless it speaks of letters this database has never heard of:
then the database has been put back to an earlier time, and nothing may be sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from django.db.models import QuerySet

from keepshowingup.core.clock import Clock
from keepshowingup.core.counting import count_of
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.answers import outcome
from keepshowingup.delivery.claiming import Claimed, offer_again
from keepshowingup.delivery.doubt import in_doubt, resend_by_policy
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.journal import (
    UNTOUCHED,
    Entries,
    Entry,
    Trace,
    Verdict,
    examine,
    locked,
    read_entries,
)
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.own_record import put_away
from keepshowingup.delivery.safemode import forgotten_letters, last_accepted, stop_sending
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.silence import fell_silent, silent_letters, take_back
from keepshowingup.delivery.transports.reply import Reply

log = logging.getLogger(__name__)

# A letter whose turn it was at three crashes is taken to be their cause.
MOST_CRASHES = 3


class Fate(Enum):
    """What becomes of a letter that a dead worker had in hand."""

    AGAIN = "again"  # certainly not handed over: offered again
    AS_ANSWERED = "as answered"  # the server's answer is written down now
    DOUBT = "doubt"
    GIVEN_UP = "given up"


def fate_of(entry: Entry, crashes: int) -> Fate:
    """Decide by the journal's last word. ``crashes`` counts those in which it was this letter's turn, this one too."""
    if entry.trace is Trace.ANSWERED:
        return Fate.AS_ANSWERED
    if entry.trace is Trace.IN_DOUBT:
        return Fate.DOUBT
    return Fate.AGAIN if crashes < MOST_CRASHES else Fate.GIVEN_UP


def sweep(folder: Path, clock: Clock, lease_until: datetime, *, limit: int) -> Claimed:
    """Settle what dead workers left behind; returns what is to be offered again. ``folder`` holds the journals."""
    real_now = clock.real()
    if number := put_journals_away(folder, real_now):
        stop_sending(
            f"this database has forgotten {count_of(number, 'letter that was', 'letters that were')} handed over",
            real_now,
        )
        return Claimed()
    unclaimed = Dispatch.objects.filter(state=DispatchState.CLAIMED, lease_until__lt=real_now)
    again = list(unclaimed.order_by("lease_until").values_list("pk", "fence")[:limit])
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
            fate = fate_of(entry, crashes)
            if fate is Fate.AGAIN:
                again.append((row.pk, row.fence))
            else:
                settle([_settlement(row, entry, fate, clock)], clock.now())
    return offer_again(again, lease_until) + resend_by_policy(clock, lease_until, limit=limit)


def _owners() -> list[str]:
    """The journals that have something to say of letters under way, or in doubt for want of it."""
    under_way = Dispatch.objects.filter(state=DispatchState.HANDING_OVER)
    return sorted(
        {owner for letters in (under_way, silent_letters()) for owner in _named_by(letters)},
    )


def _named_by(letters: QuerySet[Dispatch]) -> Iterable[str]:
    return letters.order_by().values_list("owner", flat=True).distinct()


def _settlement(row: Held, entry: Entry, fate: Fate, clock: Clock) -> Settlement:
    if fate is Fate.AS_ANSWERED:
        return outcome(row, Reply.read(entry.code, entry.text.removeprefix(f"{entry.code} ")), clock)
    if fate is Fate.DOUBT:
        log.error("dispatch %d is in doubt: its worker died after the final dot", row.pk)
        return in_doubt(row, clock, entry.dot_at)
    log.error("dispatch %d was taken up at %d crashes and is given up", row.pk, MOST_CRASHES)
    return Settlement(row, DispatchState.REFUSED, f"its turn ended in {MOST_CRASHES} crashes of a worker")


def put_journals_away(folder: Path, real_now: datetime) -> int:
    """Put dead workers' journals away that no dispatch names any more.

    One that speaks of letters this database has forgotten stays; returns how many letters those are.
    """
    forgotten = 0
    accepted = last_accepted()
    for path, entries in _dead_journals(folder, set(_owners())):
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        # What was done before somebody accepted a restored database is known to be missing from it.
        missing = forgotten_letters(entries) if accepted is None or written > accepted else ()
        forgotten += len(missing)
        if not missing:
            put_away(path, entries, real_now)
            path.unlink()
    return forgotten


def _dead_journals(folder: Path, named: set[str]) -> Iterator[tuple[Path, Entries]]:
    """Each is held while the caller looks at it, so that it can't be somebody's who has only just begun."""
    for path in folder.glob("*"):
        if path.name in named:
            continue
        try:
            with locked(path) as ours:
                if ours:
                    yield path, read_entries(path.read_bytes())
        except FileNotFoundError:
            continue  # another sweeper was quicker
