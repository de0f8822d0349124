"""Safe mode: nothing is sent until an operator says so, because this database may not know what has left.

It begins with a restore, and when a tick finds out by itself that the database is older than what was sent (see
``highwater``, and the journals in ``sweeping``). It is a breaker that rests everything, and an open :class:`Gap` that
says which time is missing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from keepshowingup.core.clock import Clock
from keepshowingup.core.errors import PartMissing
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker
from keepshowingup.delivery.highwater import how_far_behind
from keepshowingup.delivery.journal import Entries
from keepshowingup.delivery.models import Breaker, Dispatch, Gap, HighWater

log = logging.getLogger(__name__)

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
# What the last tick asked for may have been taken up a minute later, and goes on for a slice of time.
LINGERS = timedelta(minutes=2)
# SQLite takes at most 32,766 values in one statement, older builds 999.
AT_A_TIME = 500


def may_send(clock: Clock, resting: Collection[str] | None = None) -> bool:
    """Whether anything may be claimed or handed over now. Finds out for itself whether the database is an old one.

    ``resting`` are the breakers that rest, where they have been read just now.
    """
    if breaker.EVERYTHING in (breaker.resting(clock.real()) if resting is None else resting):
        return False
    try:
        behind = how_far_behind(settings.DATA_DIR)
    except PartMissing as error:
        stop_sending(error.message, clock.real())
        return False
    if behind is None:
        return True
    stop_sending("this database is older than what was sent", clock.real(), since=behind.since, until=behind.until)
    return False


def stop_sending(
    reason: str,
    real_now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    using: str = "default",
) -> None:
    """Begin safe mode. ``since`` and ``until`` (real time) are the first and the last tick the database has missed."""
    with transaction.atomic(using=using):
        Breaker.objects.using(using).update_or_create(
            transport=breaker.EVERYTHING, defaults={"open_until": FOR_EVER, "reason": reason[:200]}
        )
        if not Gap.objects.using(using).filter(closed_at=None).exists():
            if since is None:
                since = HighWater.objects.using(using).aggregate(last=Max("seen_at"))["last"]
            ends = min(until + LINGERS, real_now) if until else real_now
            Gap.objects.using(using).create(begins=since, ends=ends, found_at=real_now, reason=reason[:200])
    log.error("nothing is sent: %s", reason)


def open_gap() -> Gap | None:
    """What this database has missed, while nobody has accepted it."""
    return Gap.objects.filter(closed_at=None).order_by("pk").first()


def last_accepted() -> datetime | None:
    """When somebody last accepted a database that had been put back (real time)."""
    closed = Gap.objects.filter(closed_at__isnull=False).order_by("-closed_at").first()
    return closed.closed_at if closed else None


def forgotten_letters(entries: Entries) -> Collection[int]:
    """Of the letters a dead journal says were handed over, or may have been: those this database does not know of.

    A letter that is gone because its reader was erased is not forgotten: its number had been given out. One that is
    still to be offered, or not at that fence yet, is.
    """
    left = {pk: fence for (pk, fence), entry in sorted(entries.items()) if entry.may_be_handed_over}
    ids = list(left)
    rows: dict[int, tuple[int, str]] = {}
    for start in range(0, len(ids), AT_A_TIME):
        found = Dispatch.objects.filter(pk__in=ids[start : start + AT_A_TIME]).values_list("pk", "fence", "state")
        rows |= {pk: (fence, state) for pk, fence, state in found}
    missing = [pk for pk in left if pk not in rows]
    given_out = _last_number() if missing else 0
    return [pk for pk in missing if pk > given_out] + [
        pk for pk, (fence, state) in rows.items() if fence < left[pk] or (fence == left[pk] and state in _OFFERED)
    ]


_OFFERED = {DispatchState.CLAIMED, DispatchState.RETRY_AT}


def _last_number() -> int:
    """The last number given to a dispatch, also one that is gone."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'delivery_dispatch'")
        else:
            cursor.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence('delivery_dispatch', 'id')::regclass)")
        row = cursor.fetchone()
    return int(row[0] or 0) if row else 0
