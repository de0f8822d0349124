"""How often the public forms may be used, so that nobody can make us flood a stranger's inbox.

The counts live in the database: they hold across processes and restarts, and there is no cache to lose. A sender's
network is kept as a keyed hash for a day. No limit looks at the address written down, so none can tell anybody whether
it is known; that each address gets at most one letter a day is seen to in :mod:`keepshowingup.audience.joining`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db.models import Count, Q

from keepshowingup.audience.models import JoinAttempt
from keepshowingup.audience.tokens import keyed_hash
from keepshowingup.core.errors import Refused

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """How many uses are answered. ``unseen`` is for a form that we did not show ourselves, on another site."""

    network_hour: int = 20
    network_day: int = 60
    unseen_network_hour: int = 8
    everybody_hour: int = 2000


LIMITS = Limits()


class TooMany(Refused):
    """Too many uses of a public form: from one network, or from everybody together."""

    status = 429
    retry_after = 3600  # seconds


def hash_network(remote: str) -> str:
    """The network an IP address belongs to (/24 for IPv4, /64 for IPv6) as a keyed hash.

    Anything that is no address is one network of its own. The empty text, somebody at our own desk, stays empty.
    """
    if not remote:
        return ""
    try:
        address = ip_address(remote)
    except ValueError:
        return keyed_hash("network", "unknown")
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    prefix = 64 if isinstance(address, IPv6Address) else 24
    return keyed_hash("network", str(ip_network((address, prefix), strict=False)))


def count_attempt(network: str, now: datetime, *, unseen: bool = False, limits: Limits = LIMITS) -> None:
    """Count one use of a public form from a network (see :func:`hash_network`); call inside a transaction.

    Raises :class:`TooMany`, which does not count: somebody who waits is let in. ``unseen`` is for an answer to a form
    that we did not show, which anybody can send without reading the page. The empty network is never limited.
    """
    if not network:
        return
    JoinAttempt.objects.filter(at__lte=now - DAY).delete()
    here = Q(network=network)
    last_hour = Q(at__gt=now - HOUR)
    seen = JoinAttempt.objects.aggregate(
        here_hour=Count("pk", filter=here & last_hour),
        here_day=Count("pk", filter=here),
        everybody_hour=Count("pk", filter=last_hour),
    )
    allowed = limits.unseen_network_hour if unseen else limits.network_hour
    if seen["here_hour"] >= allowed or seen["here_day"] >= limits.network_day:
        raise TooMany("Too many people have asked from your network just now. Please try again in an hour.")
    if seen["everybody_hour"] >= limits.everybody_hour:
        raise TooMany("More people are asking than we can answer just now. Please try again in an hour.")
    JoinAttempt.objects.create(network=network, at=now)
