"""Handing letters over: begin, look once more, compose, offer to the server, believe its answer, write it down."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

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
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.preparing import prepare
from keepshowingup.delivery.settling import Settlement, withdraw
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, Reply

log = logging.getLogger(__name__)

CHUNK = 25


def hand_over(offers: Sequence[Offer], courier: Courier) -> Counter[str]:
    """Hand over what was offered, as far as it is still ours and still wanted; counts by new state.

    Safe to call twice with the same offers: the second call finds nothing that it may begin.
    """
    tally: Counter[str] = Counter()
    for start in range(0, len(offers), CHUNK):
        if courier.should_stop():
            break  # what was not begun stays claimed and is offered again when its lease runs out
        rows = begin(offers[start : start + CHUNK], courier)
        works: set[str] = set()
        for row, settlement in _deliver(rows, courier):
            tally[settlement.state] += 1
            courier.write_down(settlement)
            if settlement.state is DispatchState.ACCEPTED:
                works |= _servers(row, courier)
        courier.flush()
        breaker.mend(works)
    return tally


def begin(offers: Sequence[Offer], courier: Courier) -> list[Dispatch]:
    """Take offers in hand: claimed becomes handing over, if the fence still fits. Returns the rows that are ours."""
    ours: list[int] = []
    lease_until = lease_end(courier.clock.real(), settings.LEASE_SECONDS)
    with transaction.atomic():
        for pk, fence in offers:
            mine = Dispatch.objects.filter(pk=pk, fence=fence, state=DispatchState.CLAIMED)
            if mine.update(state=DispatchState.HANDING_OVER, owner=courier.journal.name, lease_until=lease_until):
                ours.append(pk)
    rows = Dispatch.objects.filter(pk__in=ours).select_related(
        "subscriber", "enrolment__sequence__article", "revision", "notice__invitation"
    )
    return sorted(rows, key=lambda row: row.due_at)


def _deliver(rows: list[Dispatch], courier: Courier) -> Iterator[tuple[Dispatch, Settlement]]:
    """Each row with what became of it; rows that are owed again or gone are left out."""
    looks: dict[int, lastlook.Look] = {}
    looked_at = float("-inf")
    resting: dict[str, datetime] = {}
    for position, row in enumerate(rows):
        if courier.should_stop():
            yield row, _wait(row, "the worker was asked to stop", courier.clock)
            continue
        if time.monotonic() - looked_at > lastlook.FRESH_SECONDS:
            # The time is taken before the question: an answer is as old as the moment it was asked.
            looked_at = time.monotonic()
            looks = lastlook.look((r.pk for r in rows[position:]), courier.clock.now())
            resting = breaker.resting(courier.clock.real())
        verdict = looks.get(row.pk, lastlook.Rest.GONE)
        if isinstance(verdict, lastlook.Rest):
            withdraw(row.pk, row.fence, courier.clock.now())
        elif isinstance(verdict, SkipReason):
            yield row, Settlement(row.pk, row.fence, DispatchState.SKIPPED, verdict)
        elif resting.keys() & _servers(row, courier):
            yield row, _wait(row, "the server is resting", courier.clock, *_servers(row, courier))
        else:
            settlement = _offer(row, courier)
            if settlement.state is DispatchState.RETRY_AT:
                looked_at = float("-inf")  # a breaker may have opened
            yield row, settlement


def _servers(row: Dispatch, courier: Courier) -> set[str]:
    """What has to work for this letter to leave, by the breakers' names."""
    return {courier.connection.relay.name, breaker.domain_of(row.subscriber.email)}


def _offer(row: Dispatch, courier: Courier) -> Settlement:
    """Compose one letter, offer it to the server, and read its answer."""
    clock = courier.clock
    courier.journal.taken_up(row.pk, row.fence)
    try:
        prepared = prepare(row, clock.now())
    except KeepShowingUpError as error:
        log.error("dispatch %d could not be composed: %s", row.pk, type(error).__name__)
        return Settlement(row.pk, row.fence, DispatchState.SKIPPED, f"{SkipReason.NOT_RENDERED}: {error.message}")
    try:
        reply = courier.connection.hand_over(
            prepared.sender,
            prepared.recipient,
            prepared.message,
            at_the_dot=lambda: courier.journal.dot(row.pk, row.fence),
        )
    except ConnectionDown as error:
        breaker.trip(courier.connection.relay.name, str(error), clock.real())
        return _wait(row, "the server was not there", clock, courier.connection.relay.name)
    except AnswerLost:
        log.error("dispatch %d is in doubt: the connection broke before the server answered", row.pk)
        return in_doubt(row, clock)
    courier.journal.answered(row.pk, row.fence, reply.code, str(reply))
    return outcome(row, reply, clock)


def outcome(row: Dispatch, reply: Reply, clock: Clock) -> Settlement:
    """What a server's answer means for a letter."""
    if reply.accepted:
        return Settlement(row.pk, row.fence, DispatchState.ACCEPTED, str(reply), handed_at=clock.now(), asked=True)
    failure = classify(reply.code, reply.enhanced, reply.text)
    if failure.kind is FailureKind.ADDRESS_HARD:
        return Settlement(row.pk, row.fence, DispatchState.REFUSED, str(reply), asked=True, suppress=True)
    if failure.kind is FailureKind.POLICY:
        # It is about us, not about the reader: never suppress, never use up attempts, let somebody look.
        domain = breaker.domain_of(row.subscriber.email)
        breaker.trip(domain, str(reply), clock.real())
        return _wait(row, str(reply), clock, domain)
    pause = next_try(row.attempts + 1, failure.kind, random.random)
    if pause is None:
        return Settlement(row.pk, row.fence, DispatchState.REFUSED, f"gave up: {reply}", asked=True)
    return Settlement(row.pk, row.fence, DispatchState.RETRY_AT, str(reply), retry_at=clock.real() + pause, asked=True)


def in_doubt(row: Dispatch, clock: Clock) -> Settlement:
    """The server may have it. It counts as handed over for spacing; under ``hold`` nothing more is done about it."""
    return Settlement(
        row.pk,
        row.fence,
        DispatchState.UNKNOWN,
        "the server may have it: the connection ended before it answered",
        handed_at=clock.now(),
        asked=True,
    )


def _wait(row: Dispatch, reason: str, clock: Clock, *names: str) -> Settlement:
    """Nothing was handed over and no attempt is used up: again when what ``names`` says has rested, or at once."""
    resting = breaker.resting(clock.real())
    until = max((resting[name] for name in names if name in resting), default=clock.real())
    return Settlement(row.pk, row.fence, DispatchState.RETRY_AT, reason, retry_at=until)
