"""What each worker has under way, as it said last: letters offered to a server that has not answered yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count

from keepshowingup.core.providers import PROVIDERS
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch, UnderWay
from keepshowingup.delivery.ways import Way

FORGOTTEN_AFTER = timedelta(days=1)


class Carried(NamedTuple):
    """Letters under way, by transport and by recipients' domain. Of domains only providers' are told apart."""

    transports: dict[str, int]
    domains: dict[str, int]


NOTHING = Carried({}, {})


def carried_by(ways: Mapping[str, Way]) -> Carried:
    """What one worker has under way now."""
    transports, domains = {}, Counter[str]()
    for name, way in ways.items():
        here = way.in_flight.by_domain
        if here:
            transports[name] = sum(here.values())
            domains.update({domain: number for domain, number in here.items() if domain in PROVIDERS})
    return Carried(transports, dict(domains))


def tell(worker: str, carried: Carried, real_now: datetime) -> None:
    """Keep what a worker says. ``worker`` is its journal's name."""
    UnderWay.objects.update_or_create(worker=worker, defaults={**carried._asdict(), "seen_at": real_now})


def under_way() -> Carried:
    """What all workers have under way.

    No worker has more than the database says is in its hands. So what one said before it was killed is soon not
    believed any more, and what it waits for in silence, for ten minutes perhaps, still is.
    """
    transports, domains = Counter[str](), Counter[str]()
    in_hand = dict(
        Dispatch.objects.filter(state=DispatchState.HANDING_OVER).order_by().values_list("owner").annotate(Count("pk"))
    )
    for load in UnderWay.objects.filter(worker__in=in_hand):
        most = in_hand[load.worker]
        transports.update({name: min(number, most) for name, number in load.transports.items()})
        domains.update({name: min(number, most) for name, number in load.domains.items()})
    return Carried(dict(transports), dict(domains))


def forget_old(real_now: datetime) -> None:
    """Forget what workers said that have said nothing more for a day."""
    UnderWay.objects.filter(seen_at__lt=real_now - FORGOTTEN_AFTER).delete()
