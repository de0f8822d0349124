"""Trouble with PostgreSQL: orderly and disorderly ends, frozen, and one session killed under a worker.

Nothing here waits: there is other harm to be done.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.chaos.victims import Victim
from tests.postgres import Postgres

# Seconds it has to end in good order: a frozen client can keep it waiting.
ORDERLY = 5.0
# A server that was killed leaves children, which hold its memory for a moment: the next one ends, and is tried again.
AGAIN = 0.3
ENDS = {"restart": signal.SIGINT, "crash": signal.SIGQUIT, "kill": signal.SIGKILL}


@dataclass
class PostgresTrouble:
    """One server, and what is being done to it. ``tell`` hears what did not go as wished."""

    server: Postgres
    tell: Callable[[str], None] = lambda _: None
    _down_until: float | None = None
    _ends_before: float = 0.0
    _frozen: list[Victim] = field(default_factory=list)
    _thaws_at: float = 0.0

    def harm(self, what: str, lasts: float) -> bool:
        """``restart`` (fast), ``crash`` (immediate), ``kill`` or ``freeze`` for ``lasts`` seconds; whether it was."""
        if self._down_until is not None:
            return False
        self._thaw()
        process = self.server.process
        if process is None or (postmaster := Victim.find(process.pid)) is None:
            return False
        now = time.monotonic()
        if what == "freeze":
            # Itself first, so that nobody is born meanwhile.
            postmaster.send(signal.SIGSTOP)
            self._frozen = [postmaster, *postmaster.children()]
            for victim in self._frozen:
                victim.send(signal.SIGSTOP)
            self._thaws_at = now + lasts
        else:
            postmaster.send(ENDS[what])
            self._down_until, self._ends_before = now + lasts, now + ORDERLY
        return True

    def kill_backend_of(self, application: str) -> bool:
        """SIGKILL the process that serves one of our parts: PostgreSQL throws everybody out and recovers."""
        if self._down_until is not None or self._frozen:
            return False
        serving = self._backend_of(application)
        victim = Victim.find(serving) if serving else None
        if victim is None:
            return False
        # Only once our own session is closed: it is thrown out too, and its error would deny the harm that was done.
        victim.send(signal.SIGKILL)
        return True

    def _backend_of(self, application: str) -> int | None:
        with suppress(psycopg.Error), psycopg.connect(self.server.url, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
                " ORDER BY state = 'active' DESC, query_start DESC LIMIT 1",
                [application],
            ).fetchone()
            if found:
                return int(found[0])
        return None

    def turn(self) -> None:
        """Start it again, or let it go on, when it is time."""
        now = time.monotonic()
        if self._frozen and now >= self._thaws_at:
            self._thaw()
        process = self.server.process
        assert process is not None
        if process.poll() is None:
            if self._down_until is not None and now >= self._ends_before:
                self.tell("postgres does not end in good order; it crashes")
                os.kill(process.pid, signal.SIGQUIT)
                self._ends_before = now + ORDERLY
        elif self._down_until is None:
            self._down_until = now + AGAIN
        elif now >= self._down_until:
            self._down_until = None
            self.server.launch()

    def make_good(self) -> None:
        """At once."""
        self._thaws_at = 0.0
        if self._down_until is not None:
            self._down_until = 0.0

    def _thaw(self) -> None:
        for victim in self._frozen:
            victim.send(signal.SIGCONT)
        self._frozen = []
