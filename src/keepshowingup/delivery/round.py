"""One batch on its way: look once more, choose a way, compose, offer to the server, write down its answer."""

from __future__ import annotations

import heapq
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery import breaker, lastlook
from keepshowingup.delivery.answers import is_about_us, put_back
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.directions import NOWHERE, Directions
from keepshowingup.delivery.flight import Flight, keep_back
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.preparing import Prepared, prepare
from keepshowingup.delivery.routing import Go, Later
from keepshowingup.delivery.settling import Settlement
from keepshowingup.delivery.stationery import Stationery, stationery
from keepshowingup.delivery.transports.lane import Done, Load
from keepshowingup.delivery.transports.reply import ConnectionDown, NotTried, Outcome, Reply
from keepshowingup.delivery.ways import Way
from keepshowingup.delivery.withholding import withhold

log = logging.getLogger(__name__)

# How long a connection has to become free before one more is opened, and a worker waits before it looks around (s).
ELBOW_ROOM, BREATH = 0.002, 0.05
# When letters to a domain that takes its time ask again.
SLOW_WAIT = timedelta(seconds=30)
Tally = Counter[str]


class Round:
    """The letters of one batch, from hand to server.

    They wait in :attr:`waiting`; some for a moment of their own (:attr:`timed`), because a transport or a domain takes
    only so many in a second, some because enough letters to their domain are under way (:attr:`aside`).
    """

    def __init__(self, letters: Sequence[Held], courier: Courier, read_at: float) -> None:
        self.courier = courier
        self.clock = courier.clock
        self.journal = courier.journal
        self.tally: Tally = Counter()
        self.waiting = deque(letters)
        self.looked_at_ahead = len(letters)  # so many of those waiting the last look was about
        self.timed: list[tuple[datetime, int, Held]] = []
        self.aside: defaultdict[str, deque[Held]] = defaultdict(deque)
        self.directions = Directions(courier.router)
        self.offered_again: set[int] = set()
        self.refused: dict[int, Settlement] = {}  # by one transport, for what it thinks of us; another may take it
        self.taken_up = False  # the journal says that a letter is being rendered
        self._believe(lastlook.judge(letters, self.clock.now()), read_at)

    def run(self) -> Tally:
        """Until every letter has an outcome, or is somebody else's to wait for."""
        while True:
            if self.waiting:
                self._go_on()
            elif self.timed or self.aside or self.courier.under_way:
                self._wait()
            else:
                break
        self.courier.flush()
        self.courier.tell()
        self.courier.forget()
        self.directions.mend()
        return self.tally

    # --- before the server is asked ---

    def _go_on(self) -> None:
        """Take the next letter in hand."""
        self.courier.keep_lease()
        if not self.looked_at_ahead or time.monotonic() - self.looked_at > lastlook.FRESH_SECONDS:
            self._look_again()
            return
        held = self.waiting.popleft()
        self.looked_at_ahead -= 1
        self.done_since_look += 1
        if self.courier.should_stop():
            self._stays(held, put_back(held, "the worker was asked to stop", self.clock.real()))
            return
        verdict = self.look.verdicts[held.pk]
        if verdict is not None:
            self._stays(held, keep_back(held, verdict, self.clock))
            return
        route = self.directions.of(held)
        if isinstance(route, Later):
            refused = self.refused.pop(held.pk, None)
            self._settle(refused or put_back(held, route.reason, route.at, promised=route.promised))
        elif route.at > self.routed_at and route.at > self.clock.real():
            heapq.heappush(self.timed, (route.at, held.pk, held))
        else:
            self._send(held, self.courier.ways[route.transport])

    def _send(self, held: Held, way: Way) -> None:
        # Room first: who is put aside because everything is busy would only come back when its own domain answers.
        if not self._find_room(held, way):
            return
        group = self.courier.house.group(held.email)
        if not way.in_flight.may_start(group, time.monotonic()):
            self.aside[group].append(held)
            return
        dated = held.moment(self.paper.now)
        prepared = self._compose(held)
        if prepared is None:
            return
        flight = Flight(held, self.journal, self.clock, self.looked_at, way.transport.name, group, dated)
        way.in_flight.started(held.pk, group, time.monotonic())
        self._believe_answers(way.lanes.offer(_load(prepared, flight)))
        self._watch(0)

    def _wait(self) -> None:
        """Nothing can leave just now."""
        self.courier.keep_lease()
        real_now, stop = self.clock.real(), self.courier.should_stop()
        while self.timed and (stop or self.timed[0][0] <= real_now):
            self._again(heapq.heappop(self.timed)[2])
        if self.aside and (stop or not (self.timed or self.courier.under_way)):
            self._come_back(real_now)
        if not self.waiting:
            self._watch(BREATH)

    def _come_back(self, real_now: datetime) -> None:
        """Nothing is under way here any more: who stood aside goes now, by another way, or waits somewhere else."""
        aside, self.aside = self.aside, defaultdict(deque)
        for group, letters in aside.items():
            now = time.monotonic()
            free = {name for name, way in self.courier.ways.items() if way.in_flight.may_start(group, now)}
            for held in letters:
                route = self.directions.of(held)
                if isinstance(route, Go) and route.transport in free:
                    self._again(held)
                elif free:
                    self._another_way(held, avoid=frozenset(self.courier.ways) - free)
                else:
                    self._stays(held, put_back(held, "its domain takes its time", real_now + SLOW_WAIT))

    def _believe(self, look: lastlook.Look, read_at: float) -> None:
        """What the database said at ``read_at``, and by which way each letter may leave now."""
        self.look, self.looked_at, self.done_since_look = look, read_at, 0
        self.paper: Stationery = stationery(look.sequences, look.revisions, self.clock.now(), self.courier.drawer)
        self.paper.on_rendering = self._take_up
        self.routed_at = self.clock.real()
        self.directions.ask((held for pk, held in look.held.items() if look.verdicts[pk] is None), self.routed_at)

    def _look_again(self) -> None:
        """Ask about the next letters, twice as many as the last look was good for, and about all that stand aside."""
        ahead = max(20, 2 * self.done_since_look)
        ours = {held.pk: held.fence for held in islice(self.waiting, ahead)}
        asked = [self.waiting.popleft().pk for _ in range(len(ours))]
        aside = [held.pk for letters in self.aside.values() for held in letters]
        # The time is taken before the question: an answer is as old as the moment it was asked.
        read_at = time.monotonic()
        self._believe(lastlook.look(asked + aside, self.clock.now()), read_at)
        # What was offered again with a new fence while we were away is somebody else's.
        still_there = [held for pk in asked if (held := self.look.held.get(pk)) and held.fence == ours[pk]]
        self.waiting.extendleft(reversed(still_there))
        self.looked_at_ahead = len(still_there)

    def _again(self, held: Held) -> None:
        """Back to the head of those waiting."""
        seen = self.look.held.get(held.pk)
        if seen is not None and seen.fence != held.fence:
            return  # offered again while we were away: somebody else's
        self.waiting.appendleft(seen or held)
        # One the last look was not about has to be looked at first.
        self.looked_at_ahead = self.looked_at_ahead + 1 if seen else 0

    def _compose(self, held: Held) -> Prepared | None:
        self.taken_up = False
        try:
            prepared = prepare(held, self.paper)
        except KeepShowingUpError as error:
            log.error("dispatch %d could not be composed: %s", held.pk, type(error).__name__)
            self._stays(held, self._withhold(held, error.message))
            prepared = None
        except Exception:
            # Whatever else it may die of leaves it taken up: the third time it is given up.
            self._take_up(held)
            raise
        if self.taken_up:
            self.journal.put_down(held.pk, held.fence)
        return prepared

    def _take_up(self, held: Held) -> None:
        self.journal.taken_up(held.pk, held.fence)
        self.taken_up = True

    def _withhold(self, held: Held, why: str) -> Settlement | None:
        """A reader of a sequence waits for the letter to be mended; who has asked for a notice can ask again."""
        if held.enrolment_id is None:
            return Settlement(held, DispatchState.SKIPPED, f"{SkipReason.NOT_RENDERED}: {why}")
        withhold(held.pk, held.fence, why, self.clock.now())
        return None

    # --- with the server ---

    def _find_room(self, held: Held, way: Way) -> bool:
        """Wait for a free connection; false if there is none to be had, or the letter has to be looked at again."""
        while not way.lanes.has_room and not self.courier.should_stop():
            refusal = way.lanes.take_refusal()
            if refusal is not None:
                self._down(held, way.transport.name, refusal)
                return False
            self._watch(ELBOW_ROOM)
            if not way.lanes.has_room:
                way.lanes.make_room()
                self._watch(BREATH)
        if way.lanes.has_room and time.monotonic() - self.looked_at <= lastlook.FRESH_SECONDS:
            return True
        self._again(held)
        return False

    def _watch(self, seconds: float) -> None:
        self._believe_answers(self.courier.watch(seconds))
        if seconds:
            for load in self.courier.hand_on_stalled():
                self._landed(load.of)
                self._again(load.of.held)

    def _believe_answers(self, done: Done) -> None:
        for load, what in done:
            self._landed(load.of)
            self._answered(load.of, what)

    def _landed(self, flight: Flight) -> None:
        """A letter is under way no longer: the next to its domain may go."""
        self.courier.landed(flight)
        if waiting := self.aside.get(flight.group):
            self._again(waiting.popleft())
            if not waiting:
                del self.aside[flight.group]

    def _answered(self, flight: Flight, what: Outcome) -> None:
        held = flight.held
        if isinstance(what, NotTried):
            self._again(held)
        elif isinstance(what, ConnectionDown):
            self.journal.put_down(held.pk, held.fence)
            if held.pk in self.offered_again:
                self._down(held, flight.door, what)
            else:
                # A kept connection may have ended while nobody looked: once more, on another one.
                self.offered_again.add(held.pk)
                self._again(held)
        elif isinstance(what, Reply):
            settlement = flight.conclude(what)
            self.directions.learn(held, flight.door, what)
            if settlement is not None and settlement.state is DispatchState.RETRY_AT:
                self._route_anew()  # a breaker may have opened
                if is_about_us(what) and len(self.courier.ways) > 1:
                    self.refused[held.pk] = settlement
                    self._another_way(held)
                    return
            self._settle(settlement)
        else:
            self._stays(held, flight.conclude(what))

    def _down(self, held: Held, transport: str, why: ConnectionDown) -> None:
        """Its transport is not there: it goes by another one, or waits until this one has rested."""
        until = breaker.trip(transport, str(why), self.clock.real())
        self._route_anew()
        if len(self.courier.ways) > 1:
            self._another_way(held)
        else:
            self._stays(held, put_back(held, "the server was not there", until))

    def _another_way(self, held: Held, avoid: frozenset[str] = NOWHERE) -> None:
        """Ask anew by which transport it may leave."""
        self.directions.forget(held, avoid)
        self.offered_again.discard(held.pk)
        self.looked_at = float("-inf")
        self._again(held)

    def _route_anew(self) -> None:
        """A way has closed: ask once more for those who have not gone."""
        self.looked_at = float("-inf")
        self.directions.forget_where_nothing_is_tried(self.waiting)

    def _stays(self, held: Held, settlement: Settlement | None) -> None:
        """It does not go after all."""
        self.directions.give_back(held)
        self._settle(settlement)

    def _settle(self, settlement: Settlement | None) -> None:
        if settlement is not None:
            self.tally[settlement.state] += 1
            self.courier.write_down(settlement)


def _load(prepared: Prepared, flight: Flight) -> Load:
    return Load(
        flight,
        prepared.sender,
        prepared.recipient,
        prepared.message,
        flight.still_wanted,
        flight.at_the_dot,
        flight.answered,
        dotless=True,  # see letters/quoted.py
    )
