"""What a server's answer, or its silence, means for a letter."""

from __future__ import annotations

import random
from datetime import datetime

from keepshowingup.core.clock import Clock
from keepshowingup.core.failures import Failure, FailureKind, classify
from keepshowingup.core.retry import next_try
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.settling import Settlement
from keepshowingup.delivery.transports.reply import Reply


def outcome(held: Held, reply: Reply, clock: Clock, transport: str = "") -> Settlement:
    """What a server's answer means for a letter. ``transport`` is the one it was given by, where that is known."""
    if reply.accepted:
        return Settlement(
            held, DispatchState.ACCEPTED, str(reply), handed_at=clock.now(), asked=True, transport=transport
        )
    failure = _failure(reply)
    if failure.kind is FailureKind.ADDRESS_HARD:
        return Settlement(held, DispatchState.REFUSED, str(reply), asked=True, suppress=True, transport=transport)
    pause = next_try(held.attempts + 1, failure.kind, random.random)
    if failure.kind is FailureKind.POLICY:
        # It is about us, not about the reader: never suppress, let the domain rest, and let somebody look.
        who = breaker.domain_on(held.email, transport) if transport else breaker.domain_of(held.email)
        rests_until = breaker.trip(who, str(reply), clock.real())
        pause = pause and rests_until - clock.real()
    if pause is None:
        return Settlement(held, DispatchState.REFUSED, f"gave up: {reply}", asked=True, transport=transport)
    retry_at = clock.real() + pause
    return Settlement(held, DispatchState.RETRY_AT, str(reply), retry_at=retry_at, asked=True, transport=transport)


def is_about_us(reply: Reply) -> bool:
    """It refuses a letter for what it thinks of its sender: by another transport it may be welcome."""
    return not reply.accepted and _failure(reply).kind is FailureKind.POLICY


def _failure(reply: Reply) -> Failure:
    return classify(reply.code, reply.enhanced, reply.text)


def put_back(held: Held, reason: str, until: datetime, *, promised: bool = False) -> Settlement:
    """Nothing was handed over and no attempt is used up: again at ``until`` (real time).

    With ``promised`` it has been told its turn, and goes before newcomers then.
    """
    return Settlement(held, DispatchState.RETRY_AT, reason, retry_at=until, promised=promised)
