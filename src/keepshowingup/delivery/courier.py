"""What one worker keeps between batches: its connection, its journal, its clock, the letters it has read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from keepshowingup.core.clock import Clock
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.preparing import base_host
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.delivery.transports.smtp import SmtpConnection, parse_relay
from keepshowingup.letters.compile import CompiledLetter

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass
class Courier:
    """Carries letters to one relay. Not for several threads at once."""

    connection: SmtpConnection
    journal: Journal
    clock: Clock
    should_stop: Callable[[], bool] = never
    letters: dict[int, CompiledLetter] = field(default_factory=dict)
    unwritten: list[Settlement] = field(default_factory=list)
    _written_at: float = field(default_factory=time.monotonic)

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

    def close(self) -> None:
        """Say goodbye to the server and let go of the journal."""
        self.connection.close()
        self.journal.close()


def relay_url() -> str:
    """``SMTP_URL``, or the built-in mailbox."""
    return settings.SMTP_URL or f"smtp://127.0.0.1:{settings.MAILBOX_SMTP_PORT}"


def new_courier(should_stop: Callable[[], bool] = never) -> Courier:
    """A courier for the relay in the settings, with a journal of its own."""
    return Courier(
        connection=SmtpConnection(parse_relay(relay_url()), hello=base_host()),
        journal=Journal(settings.DATA_DIR / "journal"),
        clock=settings.CLOCK,
        should_stop=should_stop,
    )
