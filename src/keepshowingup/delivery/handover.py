"""Handing letters over: begin what was offered, and take a batch from hand to server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from django.conf import settings
from django.db import transaction

from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.claiming import Offer, lease_end
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.round import Round, Tally
from keepshowingup.delivery.safemode import may_send

CHUNK = 100


def hand_over(offers: Sequence[Offer], courier: Courier) -> Tally:
    """Begin what was offered, as far as it is still ours, and hand it over; counts by new state.

    Safe to call twice with the same offers: the second call finds nothing that it may begin.
    """
    tally: Tally = Counter()
    for start in range(0, len(offers), CHUNK):
        if courier.should_stop() or not may_send(courier.clock):
            break  # what was not begun stays claimed and is offered again when its lease runs out
        read_at = time.monotonic()
        tally += deliver(read_held(begin(offers[start : start + CHUNK], courier)), courier, read_at)
    return tally


def begin(offers: Iterable[Offer], courier: Courier) -> list[int]:
    """Take offers in hand: claimed becomes handing over, if the fence still fits. Returns the ids that are ours."""
    ours: list[int] = []
    lease_until = lease_end(courier.clock.real(), settings.LEASE_SECONDS)
    with transaction.atomic():
        for fence, same in groupby(sorted(offers, key=_fence), key=_fence):
            mine = Dispatch.objects.filter(pk__in=[pk for pk, _ in same], fence=fence, state=DispatchState.CLAIMED)
            ids = list(mine.select_for_update().values_list("pk", flat=True))
            Dispatch.objects.filter(pk__in=ids).update(
                state=DispatchState.HANDING_OVER, owner=courier.journal.name, lease_until=lease_until
            )
            ours += ids
    return ours


def _fence(offer: Offer) -> int:
    return offer[1]


def deliver(letters: Sequence[Held], courier: Courier, read_at: float) -> Tally:
    """Hand over letters this courier has begun, and write down what became of each.

    ``letters`` are as the database had them at ``read_at`` (monotonic seconds).
    """
    return Round(letters, courier, read_at).run()
