"""What one worker keeps between batches: its connections, its journal, its clock, the letters it has read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from keepshowingup.core.clock import Clock
from keepshowingup.delivery import carrying
from keepshowingup.delivery.claiming import lease_end, renew_leases
from keepshowingup.delivery.flight import Flight
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.preparing import base_host
from keepshowingup.delivery.routing import Router, transports
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.silence import take_back
from keepshowingup.delivery.stalled import PATIENCE, Stalled
from keepshowingup.delivery.stationery import Drawer
from keepshowingup.delivery.transports.house import Transports
from keepshowingup.delivery.transports.lane import Done, Load
from keepshowingup.delivery.ways import Way, open_ways

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
# How often those who watch are told what is under way.
TELL_SECONDS = 1.0
# So many connections may hang at once; then the worker waits with them, as its server has stopped altogether.
MOST_STALLED = 100


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass
class Courier:
    """Carries letters out of the house. Not for several threads at once."""

    house: Transports
    ways: dict[str, Way]
    journal: Journal
    clock: Clock
    should_stop: Callable[[], bool] = never
    router: Router = field(init=False)
    stalled: Stalled = field(init=False)
    drawer: Drawer = field(default_factory=Drawer)
    unwritten: list[Settlement] = field(default_factory=list)
    _written_at: float = field(default_factory=time.monotonic)
    _leased_at: float = field(default_factory=time.monotonic)
    _told: carrying.Carried = carrying.NOTHING
    _told_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.router = Router(self.house)
        self.stalled = Stalled(self.house.all[0].relay)

    @property
    def under_way(self) -> int:
        """Letters whose answer this worker waits for itself."""
        return sum(way.lanes.under_way for way in self.ways.values())

    def watch(self, seconds: float) -> Done:
        """Wait for something to happen on any connection, for at most so many seconds."""
        if time.monotonic() - self._told_at > TELL_SECONDS:
            self.tell()
        return next(iter(self.ways.values())).lanes.watch(seconds)

    def tell(self) -> None:
        """Say what is under way, if it is not what was said last. Letters do not wait for a database that is away."""
        self._told_at = time.monotonic()
        carried = carrying.carried_by(self.ways)
        if carried == self._told:
            return
        try:
            carrying.tell(self.journal.name, carried, self.clock.real())
            self._told = carried
        except (OperationalError, InterfaceError) as error:
            log.warning("what is under way could not be told: %s", type(error).__name__)
            connection.close()

    def landed(self, flight: Flight) -> None:
        """A letter is under way no longer."""
        self.ways[flight.door].in_flight.answered(flight.held.pk, time.monotonic())

    def write_down(self, settlement: Settlement) -> None:
        """Remember an outcome; what is remembered is written at least every second."""
        self.unwritten.append(settlement)
        if time.monotonic() - self._written_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write down what the server answered. While the database is away this waits; the journal has the answers."""
        pause = 0.1
        while self.unwritten:
            try:
                self.keep_lease()
                settle(self.unwritten, self.clock.now())
                self.unwritten.clear()
            except (OperationalError, InterfaceError):
                if self.should_stop():
                    raise  # the sweeper finds the answers in the journal
                log.exception("the database is away; %d outcomes wait for it", len(self.unwritten))
                connection.close()
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
        self._written_at = time.monotonic()

    def keep_lease(self) -> None:
        """What is in hand stays ours, however slow the server: other hosts give a letter up when its lease has run out.

        If it has, because we were cut off or stood still, what they gave up for in doubt is ours again.
        """
        if time.monotonic() - self._leased_at > settings.LEASE_SECONDS / 3:
            real_now = self.clock.real()
            renew_leases(self.journal.name, real_now, settings.LEASE_SECONDS)
            take_back(self.journal.name, lease_end(real_now, settings.LEASE_SECONDS))
            self._leased_at = time.monotonic()

    def hand_on_stalled(self) -> list[Load]:
        """Let somebody else wait for servers that take their time; the letters that can go by other ways."""
        for flight in self.stalled.take_landed():
            self.landed(flight)
        free: list[Load] = []
        for way in self.ways.values():
            if len(self.stalled) < MOST_STALLED:
                stalled, freed = way.lanes.take_stalled(PATIENCE)
                self.stalled.take(stalled)
                free += freed
        return free

    def forget(self) -> None:
        """After a batch: start the journal over once in a while, when nothing speaks of it any more."""
        if not (self.unwritten or self.under_way or len(self.stalled)):
            self.journal.forget()

    def hear_out(self, within: float) -> None:
        """Wait, for so many seconds at most, for the answers to letters whose dot has left; nothing else leaves.

        For when a batch comes to no end: what is answered here the journal keeps, and the sweep writes it down.
        """
        for way in self.ways.values():
            way.lanes.keep_only_sent()
        until = time.monotonic() + within
        while self.under_way and (left := until - time.monotonic()) > 0:
            next(iter(self.ways.values())).lanes.watch(min(left, 0.1))

    def close(self) -> None:
        """Say goodbye to the server and let go of the journal."""
        for way in self.ways.values():
            way.lanes.close()
        self.journal.close()


def new_courier(should_stop: Callable[[], bool] = never) -> Courier:
    """A courier for the transports in the settings, with a journal of its own."""
    house = transports()
    return Courier(
        house,
        open_ways(house, hello=base_host()),
        journal=Journal(settings.DATA_DIR / "journal"),
        clock=settings.CLOCK,
        should_stop=should_stop,
    )
