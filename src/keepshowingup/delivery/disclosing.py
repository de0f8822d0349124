"""Which recipients' domains may be named where figures are shown: on ``/metrics``, in ``status``, in an alarm.

A domain of one's own is as good as an address, and a firm's says that somebody there reads this. Figures travel: to a
monitoring service, into a chat, onto a screen on a wall. So a domain is named there only if anybody can have an
address at it *and* many of our readers do. All others are counted. A hash would not hide them: there are few enough
domains to try each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache

from keepshowingup.audience.models import Subscriber
from keepshowingup.core.providers import PROVIDERS

MANY = 20
"""Readers."""
_BELIEVED_FOR = 3600  # seconds: where few readers are at a provider, all of them are looked through


def nameable(domains: Iterable[str]) -> frozenset[str]:
    """Those of ``domains`` that may be named."""
    hour = int(time.monotonic() // _BELIEVED_FOR)
    return frozenset(domain for domain in domains if domain in PROVIDERS and has_many(domain, hour))


@lru_cache(maxsize=2 * len(PROVIDERS))
def has_many(domain: str, _hour: int) -> bool:
    """Whether many readers have an address at ``domain``; asked once an hour."""
    readers = Subscriber.objects.filter(email_key__endswith=f"@{domain}", state=Subscriber.State.ACTIVE)
    return len(readers.order_by()[:MANY].values_list("pk")) == MANY
