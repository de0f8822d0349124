"""Handing letters over: begin, look once more, compose, offer to the server, believe its answer, write it down."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.db import transaction

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery import breaker, lastlook
from keepshowingup.delivery.answers import put_back
from keepshowingup.delivery.claiming import Offer, lease_end
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.flight import Flight, keep_back
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.preparing import Prepared, Stationery, prepare, stationery
from keepshowingup.delivery.settling import Settlement
from keepshowingup.delivery.transports.lane import Done, Load
from keepshowingup.delivery.transports.reply import ConnectionDown, NotTried, Outcome

log = logging.getLogger(__name__)

CHUNK = 100
# How long a connection has to become free before one more is opened, and a worker waits before it looks around (s).
ELBOW_ROOM, BREATH = 0.002, 0.05
Tally = Counter[str]


def hand_over(offers: Sequence[Offer], courier: Courier) -> Tally:
    """Begin what was offered, as far as it is still ours, and hand it over; counts by new state.

    Safe to call twice with the same offers: the second call finds nothing that it may begin.
    """
    tally: Tally = Counter()
    for start in range(0, len(offers), CHUNK):
        if courier.should_stop():
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
    return _Round(letters, courier, read_at).run()


class _Round:
    """The letters of one batch, from hand to server."""

    def __init__(self, letters: Sequence[Held], courier: Courier, read_at: float) -> None:
        self.courier = courier
        self.clock = courier.clock
        self.journal = courier.journal
        self.lanes = courier.lanes
        self.tally: Tally = Counter()
        self.offered_again: set[int] = set()
        self.works: set[str] = set()
        self._believe(lastlook.judge(letters, self.clock.now()), read_at)
        self.waiting = deque(letters)
        self.looked_at_ahead = len(letters)  # so many of those waiting the last look was about

    def run(self) -> Tally:
        """Until every letter has an outcome, or is somebody else's to wait for."""
        while self.waiting:
            for held, prepared in self._ready():
                self._leave(held, prepared)
            while self.lanes.under_way and not self.waiting:
                self._watch(BREATH)
        self.courier.flush()
        self.courier.forget()
        breaker.mend(self.works)
        return self.tally

    # --- before the server is asked ---

    def _ready(self) -> Iterator[tuple[Held, Prepared]]:
        """The letters that may leave, each with its bytes; what becomes of the others is written down on the way."""
        while self.waiting:
            self.courier.keep_lease()
            if not self.looked_at_ahead or time.monotonic() - self.looked_at > lastlook.FRESH_SECONDS:
                self._look_again()
                continue
            held = self.waiting.popleft()
            self.looked_at_ahead -= 1
            self.done_since_look += 1
            if self.courier.should_stop():
                self._settle(put_back(held, "the worker was asked to stop", self.clock.real()))
            elif (verdict := self.look.verdicts[held.pk]) is not None:
                self._settle(keep_back(held, verdict, self.clock))
            elif until := self._rest_of(held):
                self._settle(put_back(held, "the server is resting", until))
            elif prepared := self._compose(held):
                yield held, prepared

    def _believe(self, look: lastlook.Look, read_at: float) -> None:
        self.look, self.looked_at, self.done_since_look = look, read_at, 0
        now = self.clock.now()
        self.paper: Stationery = stationery(look.sequences, look.revisions, now, self.courier.drawer)
        self.resting = breaker.resting(self.clock.real())

    def _look_again(self) -> None:
        """Ask about the next letters, twice as many as the last look was good for."""
        ahead = max(20, 2 * self.done_since_look)
        asked = [self.waiting.popleft().pk for _ in range(min(ahead, len(self.waiting)))]
        # The time is taken before the question: an answer is as old as the moment it was asked.
        read_at = time.monotonic()
        self._believe(lastlook.look(asked, self.clock.now()), read_at)
        still_there = [self.look.held[pk] for pk in asked if pk in self.look.held]
        self.waiting.extendleft(reversed(still_there))
        self.looked_at_ahead = len(still_there)

    def _again(self, held: Held) -> None:
        """Back to the head of those waiting."""
        self.waiting.appendleft(held)
        self.looked_at_ahead += held.pk in self.look.held
        if held.pk not in self.look.held:
            self.looked_at_ahead = 0

    def _rest_of(self, held: Held) -> datetime | None:
        """Until when (real time) a server this letter needs is resting."""
        if not self.resting:
            return None
        needed = (self.lanes.relay.name, breaker.domain_of(held.email))
        return max((self.resting[name] for name in needed if name in self.resting), default=None)

    def _compose(self, held: Held) -> Prepared | None:
        self.journal.taken_up(held.pk, held.fence)
        try:
            return prepare(held, self.paper)
        except KeepShowingUpError as error:
            log.error("dispatch %d could not be composed: %s", held.pk, type(error).__name__)
            reason = f"{SkipReason.NOT_RENDERED}: {error.message}"
            self._settle(Settlement(held, DispatchState.SKIPPED, reason))
            return None
        finally:
            self.journal.put_down(held.pk, held.fence)

    # --- with the server ---

    def _leave(self, held: Held, prepared: Prepared) -> None:
        """Offer a letter on the first connection that is free."""
        if not self._find_room(held):
            return
        flight = Flight(held, self.journal, self.clock, self.looked_at)
        letter = prepared.sender, prepared.recipient, prepared.message
        self._believe_answers(self.lanes.offer(Load(flight, *letter, flight.still_wanted, flight.at_the_dot)))
        self._watch(0)

    def _find_room(self, held: Held) -> bool:
        """Wait for a free connection; false if there is none to be had, or the letter has to be looked at again."""
        while not self.lanes.has_room:
            refusal = self.lanes.take_refusal()
            if refusal is not None:
                self._down(held, refusal)
                return False
            self._watch(ELBOW_ROOM)
            if not self.lanes.has_room:
                self.lanes.make_room()
                self._watch(BREATH)
            if self.courier.should_stop():
                break
        if self.lanes.has_room and time.monotonic() - self.looked_at <= lastlook.FRESH_SECONDS:
            return True
        self._again(held)
        return False

    def _watch(self, seconds: float) -> None:
        self._believe_answers(self.lanes.watch(seconds))
        if seconds:
            for load in self.courier.hand_on_stalled():
                self._again(load.of.held)

    def _believe_answers(self, done: Done) -> None:
        for load, what in done:
            self._answered(load.of, what)

    def _answered(self, flight: Flight, what: Outcome) -> None:
        held = flight.held
        if isinstance(what, NotTried):
            self._again(held)
            return
        if isinstance(what, ConnectionDown):
            self.journal.put_down(held.pk, held.fence)
            if held.pk in self.offered_again:
                self._down(held, what)
            else:
                # A kept connection may have ended while nobody looked: once more, on another one.
                self.offered_again.add(held.pk)
                self._again(held)
            return
        settlement = flight.conclude(what)
        if settlement is not None and settlement.state is DispatchState.ACCEPTED:
            self.works |= {self.lanes.relay.name, breaker.domain_of(held.email)}
        elif settlement is not None and settlement.state is DispatchState.RETRY_AT:
            self.looked_at = float("-inf")  # a breaker may have opened
        self._settle(settlement)

    def _down(self, held: Held, why: ConnectionDown) -> None:
        until = breaker.trip(self.lanes.relay.name, str(why), self.clock.real())
        self.looked_at = float("-inf")
        self._settle(put_back(held, "the server was not there", until))

    def _settle(self, settlement: Settlement | None) -> None:
        if settlement is not None:
            self.tally[settlement.state] += 1
            self.courier.write_down(settlement)
