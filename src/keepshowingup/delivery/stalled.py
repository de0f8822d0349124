"""Letters whose server takes its time: somebody waits for it, but not the worker, who has other letters.

RFC 5321 4.5.3.2.6 gives a server ten minutes to answer the final dot, and whoever hangs up sooner sends twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from queue import SimpleQueue
from threading import Thread

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from keepshowingup.delivery.claiming import lease_end
from keepshowingup.delivery.flight import Flight
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.silence import take_back
from keepshowingup.delivery.transports.lane import Lane
from keepshowingup.delivery.transports.lanes import Lanes
from keepshowingup.delivery.transports.relay import Relay

log = logging.getLogger(__name__)

# A worker waits so long (seconds) for one answer before it goes on without that connection.
PATIENCE = 5.0
TURN = 0.2


class Stalled:
    """Waits for stalled letters in a thread of its own, writes down what becomes of them, and hangs up."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._new: SimpleQueue[Lane] = SimpleQueue()
        self._taken = self._done = 0
        self._landed: SimpleQueue[Flight] = SimpleQueue()
        self._thread: Thread | None = None

    def __len__(self) -> int:
        """So many letters are waited for."""
        return self._taken - self._done

    def take(self, lanes: Iterable[Lane]) -> None:
        """Wait for the letters on these from now on."""
        for lane in lanes:
            self._taken += lane.letters
            self._new.put(lane)
        if self._taken and self._thread is None:
            # A daemon: when the process is to end it ends, and the journal says which letters are in doubt.
            self._thread = Thread(target=self._wait, name="stalled", daemon=True)
            self._thread.start()

    def take_landed(self) -> list[Flight]:
        """Those that are under way no longer, each told once."""
        landed = []
        while not self._landed.empty():
            landed.append(self._landed.get())
        return landed

    def _wait(self) -> None:
        lanes = Lanes(self._relay)
        while True:
            while not self._new.empty() or not lanes.under_way:
                lanes.adopt(self._new.get())
            for load, what in lanes.watch(TURN):
                flight: Flight = load.of
                settlement = flight.conclude(what)
                if settlement is not None:
                    _write_down(settlement, flight)
                self._landed.put(flight)
                self._done += 1
            lanes.hang_up_idle()
            if not lanes.under_way:
                connection.close()


def _write_down(settlement: Settlement, flight: Flight) -> None:
    while True:
        try:
            # The worker may have had nothing else to do, and renewed no lease.
            take_back(flight.journal.name, lease_end(flight.clock.real(), settings.LEASE_SECONDS))
            settle([settlement], flight.clock.now())
            return
        except (OperationalError, InterfaceError):
            log.exception("the database is away; dispatch %d waits for it", flight.held.pk)
            connection.close()
            time.sleep(1)
