"""Handing letters over: begin, look once more, compose, offer to the server, believe its answer, write it down."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.db import transaction

from keepshowingup.core.clock import Clock
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.failures import FailureKind, classify
from keepshowingup.core.retry import next_try
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery import breaker, lastlook
from keepshowingup.delivery.claiming import Offer, lease_end
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.preparing import Stationery, prepare, stationery
from keepshowingup.delivery.settling import Settlement, withdraw
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, Reply

log = logging.getLogger(__name__)

CHUNK = 100
Tally = Counter[str]


def hand_over(offers: Sequence[Offer], courier: Courier) -> Tally:
    """Begin what was offered, as far as it is still ours, and hand it over; counts by new state.

    Safe to call twice with the same offers: the second call finds nothing that it may begin.
    """
    tally: Tally = Counter()
    for start in range(0, len(offers), CHUNK):
        if courier.should_stop():
            break  # what was not begun stays claimed and is offered again when its lease runs out
        tally += deliver(begin(offers[start : start + CHUNK], courier), courier)
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


def deliver(begun: Iterable[int], courier: Courier) -> Tally:
    """Hand over dispatches this courier has begun, and write down what became of each."""
    tally: Tally = Counter()
    works: set[str] = set()
    for held, settlement in _each(list(begun), courier):
        tally[settlement.state] += 1
        courier.write_down(settlement)
        if settlement.state is DispatchState.ACCEPTED:
            works |= _servers(held, courier)
    courier.flush()
    breaker.mend(works)
    return tally


def _each(begun: list[int], courier: Courier) -> Iterator[tuple[Held, Settlement]]:
    """Each letter with what became of it; letters that are owed again or gone are left out."""
    clock = courier.clock
    look, paper, looked_at = lastlook.NOTHING, None, float("-inf")
    resting: dict[str, datetime] = {}
    for position, pk in enumerate(begun):
        if time.monotonic() - looked_at > lastlook.FRESH_SECONDS:
            # The time is taken before the question: an answer is as old as the moment it was asked.
            looked_at = time.monotonic()
            look = lastlook.look(begun[position:], clock.now())
            paper = stationery(look.sequences, look.revisions, clock.now(), courier.letters)
            resting = breaker.resting(clock.real())
        held = look.held.get(pk)
        if held is None or paper is None:
            continue  # the reader was erased, and the letter with them
        verdict = look.verdicts[pk]
        if courier.should_stop():
            yield held, _wait(held, "the worker was asked to stop", clock)
        elif isinstance(verdict, lastlook.Rest):
            withdraw(pk, held.fence, clock.now())
        elif isinstance(verdict, SkipReason):
            yield held, Settlement(pk, held.fence, DispatchState.SKIPPED, verdict)
        elif resting.keys() & _servers(held, courier):
            yield held, _wait(held, "the server is resting", clock, *_servers(held, courier))
        else:
            settlement = _offer(held, paper, courier)
            if settlement.state is DispatchState.RETRY_AT:
                looked_at = float("-inf")  # a breaker may have opened
            yield held, settlement


def _servers(held: Held, courier: Courier) -> set[str]:
    """What has to work for this letter to leave, by the breakers' names."""
    return {courier.connection.relay.name, breaker.domain_of(held.email)}


def _offer(held: Held, paper: Stationery, courier: Courier) -> Settlement:
    """Compose one letter, offer it to the server, and read its answer."""
    clock, journal = courier.clock, courier.journal
    journal.taken_up(held.pk, held.fence)
    try:
        prepared = prepare(held, paper)
    except KeepShowingUpError as error:
        log.error("dispatch %d could not be composed: %s", held.pk, type(error).__name__)
        return Settlement(held.pk, held.fence, DispatchState.SKIPPED, f"{SkipReason.NOT_RENDERED}: {error.message}")
    try:
        reply = courier.connection.hand_over(
            prepared.sender,
            prepared.recipient,
            prepared.message,
            at_the_dot=lambda: journal.dot(held.pk, held.fence),
        )
    except ConnectionDown as error:
        journal.taken_up(held.pk, held.fence)  # it did not leave after all
        breaker.trip(courier.connection.relay.name, str(error), clock.real())
        return _wait(held, "the server was not there", clock, courier.connection.relay.name)
    except AnswerLost:
        log.error("dispatch %d is in doubt: the connection broke before the server answered", held.pk)
        return in_doubt(held, clock)
    journal.answered(held.pk, held.fence, reply.code, str(reply))
    return outcome(held, reply, clock)


def outcome(held: Held, reply: Reply, clock: Clock) -> Settlement:
    """What a server's answer means for a letter."""
    pk, fence = held.pk, held.fence
    if reply.accepted:
        return Settlement(pk, fence, DispatchState.ACCEPTED, str(reply), handed_at=clock.now(), asked=True)
    failure = classify(reply.code, reply.enhanced, reply.text)
    if failure.kind is FailureKind.ADDRESS_HARD:
        return Settlement(pk, fence, DispatchState.REFUSED, str(reply), asked=True, suppress=True)
    if failure.kind is FailureKind.POLICY:
        # It is about us, not about the reader: never suppress, never use up attempts, let somebody look.
        domain = breaker.domain_of(held.email)
        breaker.trip(domain, str(reply), clock.real())
        return _wait(held, str(reply), clock, domain)
    pause = next_try(held.attempts + 1, failure.kind, random.random)
    if pause is None:
        return Settlement(pk, fence, DispatchState.REFUSED, f"gave up: {reply}", asked=True)
    return Settlement(pk, fence, DispatchState.RETRY_AT, str(reply), retry_at=clock.real() + pause, asked=True)


def in_doubt(held: Held, clock: Clock) -> Settlement:
    """The server may have it. It counts as handed over for spacing; under ``hold`` nothing more is done about it."""
    return Settlement(
        held.pk,
        held.fence,
        DispatchState.UNKNOWN,
        "the server may have it: the connection ended before it answered",
        handed_at=clock.now(),
        asked=True,
    )


def _wait(held: Held, reason: str, clock: Clock, *names: str) -> Settlement:
    """Nothing was handed over and no attempt is used up: again when what ``names`` says has rested, or at once."""
    resting = breaker.resting(clock.real())
    until = max((resting[name] for name in names if name in resting), default=clock.real())
    return Settlement(held.pk, held.fence, DispatchState.RETRY_AT, reason, retry_at=until)
