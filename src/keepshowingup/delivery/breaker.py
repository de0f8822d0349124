"""Resting a transport, or a recipient's domain, that does not take letters now.

While a breaker is open its letters wait without using up attempts. Its name is a relay's (``host:port``), a domain's
(``domain:example.org``), or :data:`EVERYTHING` for the safe mode after a restore.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from keepshowingup.delivery.models import Breaker

log = logging.getLogger(__name__)

EVERYTHING = "*"
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)


def trip(name: str, reason: str, real_now: datetime) -> datetime:
    """Open a breaker, for twice as long each time in a row; until when (real time)."""
    with transaction.atomic():
        breaker, _ = Breaker.objects.select_for_update().get_or_create(transport=name)
        if breaker.open_until is None or breaker.open_until <= real_now:
            breaker.failures += 1
            breaker.open_until = real_now + min(FIRST_REST * 2 ** min(breaker.failures - 1, 10), LONGEST_REST)
        breaker.reason = reason[:200]
        breaker.save()
    log.error("breaker open until %s, failure %d in a row", breaker.open_until, breaker.failures)
    return breaker.open_until


def mend(names: Collection[str]) -> None:
    """These work again: their next failure counts from one."""
    if names:
        Breaker.objects.filter(transport__in=names).delete()


def resting(real_now: datetime) -> dict[str, datetime]:
    """The open breakers and until when (real time) each rests."""
    rows = Breaker.objects.filter(open_until__gt=real_now).values_list("transport", "open_until")
    return {name: until for name, until in rows if until is not None}


def domain_of(address: str) -> str:
    """The breaker's name for an address' domain."""
    return f"domain:{address.rpartition('@')[2].lower()}"
