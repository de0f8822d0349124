"""What one worker keeps between batches: its connections, its journal, its clock, the letters it has read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from keepshowingup.core.clock import Clock
from keepshowingup.delivery.claiming import renew_leases
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.preparing import Drawer, base_host
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.stalled import PATIENCE, Stalled
from keepshowingup.delivery.transports.lane import Load
from keepshowingup.delivery.transports.lanes import Lanes
from keepshowingup.delivery.transports.relay import parse_relay

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
# So many connections may hang at once; then the worker waits with them, as its server has stopped altogether.
MOST_STALLED = 100


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass
class Courier:
    """Carries letters to one relay. Not for several threads at once."""

    lanes: Lanes
    journal: Journal
    clock: Clock
    should_stop: Callable[[], bool] = never
    stalled: Stalled = field(init=False)
    drawer: Drawer = field(default_factory=Drawer)
    unwritten: list[Settlement] = field(default_factory=list)
    _written_at: float = field(default_factory=time.monotonic)
    _leased_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.stalled = Stalled(self.lanes.relay)

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
        """What is in hand stays ours, however slow the server: other hosts take a letter when its lease has run out."""
        if time.monotonic() - self._leased_at > settings.LEASE_SECONDS / 3:
            renew_leases(self.journal.name, self.clock.real(), settings.LEASE_SECONDS)
            self._leased_at = time.monotonic()

    def hand_on_stalled(self) -> list[Load]:
        """Let somebody else wait for servers that take their time; the letters that can go by other ways."""
        if len(self.stalled) >= MOST_STALLED:
            return []
        stalled, free = self.lanes.take_stalled(PATIENCE)
        self.stalled.take(stalled)
        return free

    def forget(self) -> None:
        """Start the journal over once in a while, when nothing speaks of it any more."""
        if not (self.unwritten or self.lanes.under_way or len(self.stalled)):
            self.journal.forget()

    def close(self) -> None:
        """Say goodbye to the server and let go of the journal."""
        self.lanes.close()
        self.journal.close()


def relay_url() -> str:
    """``SMTP_URL``, or the built-in mailbox."""
    return settings.SMTP_URL or f"smtp://127.0.0.1:{settings.MAILBOX_SMTP_PORT}"


def new_courier(should_stop: Callable[[], bool] = never) -> Courier:
    """A courier for the relay in the settings, with a journal of its own."""
    return Courier(
        lanes=Lanes(parse_relay(relay_url()), hello=base_host(), most=settings.CONNECTIONS),
        journal=Journal(settings.DATA_DIR / "journal"),
        clock=settings.CLOCK,
        should_stop=should_stop,
    )
