"""What has passed of limited transports and domains, in the database: one truth for all workers on all machines.

A chunk of letters passes in one short transaction. Its rows are locked in the order of their names, so two chunks never
wait for each other in a circle. Where nothing is limited the database is not asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from keepshowingup.core import turns
from keepshowingup.core.shares import Shares
from keepshowingup.core.turns import Asking, Leave, Limit, Past, Wait, take_turns
from keepshowingup.core.warmup import day_of
from keepshowingup.delivery.models import Bucket

# A bucket that nobody has asked for this long is as good as new, and yesterday's allowance is over.
IDLE = timedelta(days=2)
_COLUMNS = ("free_at", "queue_until", "day", "used", "asked_at")


def pass_through(
    letters: Sequence[Asking], limits: Mapping[str, Limit], shares: Shares, real_now: datetime, in_hand: timedelta
) -> list[Leave | Wait]:
    """Let a chunk of letters pass, and remember it. ``limits`` are by the names of doors and gates."""
    asked = {name for letter in letters for name in (*letter.doors, letter.gate)}
    names = sorted(name for name in asked if limits.get(name))
    if not names:
        return take_turns(letters, {}, shares, real_now, in_hand)
    _make_missing(names)
    with transaction.atomic():
        pasts = _pasts(names, lock=True)
        buckets = {name: turns.Bucket(limits[name], pasts[name], real_now) for name in names}
        taken = take_turns(letters, buckets, shares, real_now, in_hand)
        _remember({name: bucket.past for name, bucket in buckets.items() if bucket.past != pasts[name]})
    return taken


def room(limits: Mapping[str, Limit], real_now: datetime, until: datetime) -> dict[str, int | None]:
    """How many newcomers could pass each of ``limits`` by ``until`` (real time); None where as many as there are."""
    names = [name for name, limit in limits.items() if limit]
    pasts = _pasts(names) if names else {}
    return {name: turns.Bucket(limit, pasts.get(name, Past()), real_now).room(until) for name, limit in limits.items()}


class Use(NamedTuple):
    """How far a limit is used. ``today`` is a day in UTC; ``allowance`` is None where no day has one.

    ``queue`` is how long it takes until those have left that were told their moment.
    """

    today: int
    allowance: int | None
    queue: timedelta


def use(limits: Mapping[str, Limit], real_now: datetime) -> dict[str, Use]:
    """How far each of ``limits`` is used; without those that limit nothing."""
    limits = {name: limit for name, limit in limits.items() if limit}
    pasts = _pasts(limits) if limits else {}
    found = {}
    for name, limit in limits.items():
        past = turns.Bucket(limit, pasts[name], real_now).past
        allowance = limit.ramp.allowance(day_of(real_now)) if limit.ramp else None
        queue = past.queue_until - real_now if past.queue_until else timedelta()
        found[name] = Use(past.used, allowance, max(queue, timedelta()))
    return found


def asked_lately(names: Iterable[str]) -> set[str]:
    """Those of ``names`` of which something is remembered."""
    return set(Bucket.objects.filter(name__in=list(names)).values_list("name", flat=True))


def forget_idle(real_now: datetime) -> None:
    """Forget buckets that nobody has asked for two days."""
    Bucket.objects.filter(asked_at__lt=real_now - IDLE, queue_until__lt=real_now).delete()
    Bucket.objects.filter(asked_at__lt=real_now - IDLE, queue_until=None).delete()


def _make_missing(names: Collection[str]) -> None:
    """Rows that are not there can't be locked. Made outside the transaction, so that nobody waits for them."""
    there = set(Bucket.objects.filter(name__in=names).values_list("name", flat=True))
    if missing := [Bucket(name=name) for name in names if name not in there]:
        Bucket.objects.bulk_create(missing, ignore_conflicts=True)


def _pasts(names: Collection[str], *, lock: bool = False) -> dict[str, Past]:
    rows = Bucket.objects.filter(name__in=names).order_by("name")
    if lock:
        rows = rows.select_for_update()
    found = {name: Past(*values) for name, *values in rows.values_list("name", *_COLUMNS)}
    return {name: found.get(name, Past()) for name in names}


def _remember(pasts: Mapping[str, Past]) -> None:
    Bucket.objects.bulk_create(
        [Bucket(name=name, **vars(past)) for name, past in pasts.items()],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=_COLUMNS,
    )
