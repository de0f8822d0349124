"""One tick: mend plans, sweep after crashes, claim what is due. And a loop of ticks for those who want no broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings

from keepshowingup.cadence.replanning import catch_up
from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker
from keepshowingup.delivery.claiming import Claimed, Offer, claim_due, claim_retries, lease_end
from keepshowingup.delivery.courier import new_courier, relay_url
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.sweeping import sweep
from keepshowingup.delivery.transports.smtp import parse_relay
from keepshowingup.delivery.watching import beat_heart

# So much may be claimed and not begun: more would only wait in Redis until its leases run out.
MOST_CLAIMED = 2000


def tick(clock: Clock) -> Iterator[Claimed]:
    """Do what is due at this moment and yield, batch by batch, what has become ours to hand over.

    Each batch is committed before it is yielded: the caller may publish it. If it is lost then, its lease runs out
    and the sweep of a later tick finds it.
    """
    real_now = clock.real()
    beat_heart("tick", real_now)
    catch_up(clock.now())
    resting = breaker.resting(real_now)
    if breaker.EVERYTHING in resting:
        return
    size = settings.BATCH_SIZE
    yield sweep(settings.DATA_DIR / "journal", clock, _lease(clock), limit=size * 10)
    if parse_relay(relay_url()).name in resting:
        return
    yield from _all(lambda: claim_retries(clock.real(), _lease(clock), limit=size))
    yield from _all(lambda: claim_due(clock.now(), _lease(clock), limit=size))


def _lease(clock: Clock) -> datetime:
    return lease_end(clock.real(), settings.LEASE_SECONDS)


def _all(claim: Callable[[], Claimed]) -> Iterator[Claimed]:
    while Dispatch.objects.filter(state=DispatchState.CLAIMED).count() < MOST_CLAIMED:
        claimed = claim()
        if not claimed:
            return
        yield claimed


def batches(offers: tuple[Offer, ...]) -> Iterator[tuple[Offer, ...]]:
    """Offers in portions small enough that one worker dying leaves little to do again."""
    for start in range(0, len(offers), settings.BATCH_SIZE):
        yield offers[start : start + settings.BATCH_SIZE]


def run_ticks(*, loop: bool, clock: Clock | None = None, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Tick in this process, without a broker: claim and hand over, once or until asked to stop. Returns accepted."""
    clock = clock or settings.CLOCK
    courier = new_courier(should_stop)
    courier.clock = clock
    accepted = 0
    try:
        while True:
            for claimed in tick(clock):
                for offers in (claimed.notices, claimed.letters):
                    accepted += hand_over(offers, courier)["accepted"]
            if not loop or should_stop():
                return accepted
            time.sleep(settings.TICK_SECONDS)
    finally:
        courier.close()
