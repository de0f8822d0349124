"""A tick sees what there is to do; a drain claims and hands over. And a loop of both for those who want no broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from keepshowingup.audience.models import Notice
from keepshowingup.cadence import replans
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.replanning import catch_up
from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker
from keepshowingup.delivery.claiming import (
    Claimed,
    Offer,
    claim_letters,
    claim_notices,
    claim_retries,
    lease_end,
)
from keepshowingup.delivery.courier import Courier, never, new_courier
from keepshowingup.delivery.handover import deliver, hand_over
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.highwater import rise
from keepshowingup.delivery.round import Tally
from keepshowingup.delivery.routing import transports
from keepshowingup.delivery.safemode import may_send
from keepshowingup.delivery.sweeping import sweep
from keepshowingup.delivery.watching import beat_heart

# A worker that drains stops after so long, so that a tick, a notice and SIGTERM get their turn.
SLICE_SECONDS = 2.0
# So many drains one tick asks for at most; what they leave, the next tick sees.
MOST_DRAINS = 8


@dataclass(frozen=True)
class Due:
    """What a tick has found to do: offers to be taken up again, and how many drains are worth asking for."""

    again: Claimed = field(default_factory=Claimed)
    letters: int = 0
    notices: int = 0
    replans: bool = False


def tick(clock: Clock) -> Due:
    """Mend plans, settle what dead workers left, and count what is due.

    Nothing is claimed here but what is offered again; whoever drains claims for itself. If an offer is lost on its way,
    its lease runs out and the sweep of a later tick finds it.
    """
    real_now = clock.real()
    beat_heart("tick", real_now)
    resting = breaker.resting(real_now)
    if not may_send(clock, resting):
        return Due()  # and no plan is moved: it says what was due in the time that is missing
    rise(settings.DATA_DIR, real_now)
    catch_up(clock.now())
    size = settings.BATCH_SIZE
    again = sweep(settings.DATA_DIR / "journal", clock, _lease(clock), limit=size * 10)
    if all(transport.name in resting for transport in transports().all):
        return Due(again, replans=replans.are_waiting(real_now))
    return Due(
        again + claim_retries(real_now, _lease(clock), limit=size * 10),
        letters=_drains(due_enrolments(clock.now()), size),
        notices=min(1, _drains(Notice.objects.filter(due_at__lte=clock.now()), size)),
        replans=replans.are_waiting(real_now),
    )


def _drains(due: QuerySet[Any], size: int) -> int:
    """How many workers what is due would keep busy; counting further than that is of no use."""
    return -(-due[: size * MOST_DRAINS].count() // size)


def _lease(clock: Clock) -> datetime:
    return lease_end(clock.real(), settings.LEASE_SECONDS)


Claim = Callable[..., list[Held]]


def drain(claim: Claim, courier: Courier, within: float = SLICE_SECONDS) -> Tally:
    """Claim and hand over, batch by batch, until nothing is due or ``within`` seconds have passed."""
    until = time.monotonic() + within
    tally: Tally = Counter()
    while not courier.should_stop() and may_send(courier.clock):
        size = _room(claim, courier)
        read_at = time.monotonic()
        letters = claim(courier.clock.now(), _lease(courier.clock), limit=size, owner=courier.journal.name)
        tally += deliver(letters, courier, read_at)
        if len(letters) < settings.BATCH_SIZE or time.monotonic() > until:
            break
    return tally


def _room(claim: Claim, courier: Courier) -> int:
    """How many are worth claiming: a long run of letters is not claimed as a whole to be told to wait."""
    if claim is claim_notices:
        return settings.BATCH_SIZE  # somebody waits for these: they are never told to
    return courier.router.room(courier.clock.real(), settings.BATCH_SIZE)


def batches(offers: tuple[Offer, ...]) -> Iterator[list[Offer]]:
    """Offers in portions small enough that one worker dying leaves little to do again."""
    for start in range(0, len(offers), settings.BATCH_SIZE):
        yield list(offers[start : start + settings.BATCH_SIZE])


def nothing() -> None:
    """What is done after a tick that does all there is to do."""


def run_ticks(
    *,
    loop: bool,
    clock: Clock | None = None,
    should_stop: Callable[[], bool] = never,
    between: Callable[[], None] = nothing,
) -> int:
    """Tick in this process, without a broker: claim and hand over, once or until asked to stop. Returns accepted.

    ``between`` two ticks of a loop other work has its turn.
    """
    courier = new_courier(should_stop)
    courier.clock = clock or settings.CLOCK
    accepted = 0
    try:
        while True:
            due = tick(courier.clock)
            accepted += hand_over((*due.again.notices, *due.again.letters), courier)[DispatchState.ACCEPTED]
            for claim, wanted in ((claim_notices, due.notices), (claim_letters, due.letters)):
                if wanted:
                    accepted += drain(claim, courier, within=float("inf"))[DispatchState.ACCEPTED]
            if due.replans:
                replans.go_on(courier.clock.now(), should_stop=should_stop)
            if not loop or should_stop():
                return accepted
            between()
            time.sleep(settings.TICK_SECONDS)
    finally:
        courier.close()
