"""Trouble with PostgreSQL: orderly and disorderly ends, frozen, and one session killed under a worker."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.chaos.victims import Victim
from tests.postgres import Postgres, PostgresMissing

# Seconds it has to end in good order: a frozen client can keep it waiting.
ORDERLY = 5.0
# Seconds in which a server that was killed has let go of its memory, so that another can start.
LETTING_GO = 60.0


@dataclass
class PostgresTrouble:
    """One server, and what is being done to it. ``tell`` hears what did not go as wished."""

    server: Postgres
    tell: Callable[[str], None] = lambda _: None
    _again_at: float | None = None
    _frozen: list[Victim] = field(default_factory=list)
    _thaws_at: float = 0.0

    def harm(self, what: str, lasts: float) -> None:
        """``restart`` (fast), ``crash`` (immediate), ``kill`` or ``freeze`` for ``lasts`` seconds."""
        if self.server.process is None:
            return
        self._thaw()
        if what == "freeze":
            if (postmaster := Victim.find(self.server.process.pid)) is None:
                return
            # Itself first, so that nobody is born meanwhile.
            postmaster.send(signal.SIGSTOP)
            self._frozen = [postmaster, *postmaster.children()]
            for victim in self._frozen:
                victim.send(signal.SIGSTOP)
            self._thaws_at = time.monotonic() + lasts
            return
        if what == "restart":
            self.server.process.send_signal(signal.SIGINT)
            try:
                self.server.process.wait(ORDERLY)
            except subprocess.TimeoutExpired:
                self.tell("postgres does not end in good order; it crashes")
        self.server.stop(signal.SIGKILL if what == "kill" else signal.SIGQUIT)
        self._again_at = time.monotonic() + lasts

    def kill_backend_of(self, application: str) -> None:
        """SIGKILL the process that serves one of our parts: PostgreSQL throws everybody out and recovers."""
        if self.server.process is None or self._frozen:
            return
        with suppress(psycopg.Error), psycopg.connect(self.server.url, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
                " ORDER BY state = 'active' DESC, query_start DESC LIMIT 1",
                [application],
            ).fetchone()
            if found and (victim := Victim.find(found[0])):
                victim.send(signal.SIGKILL)

    def turn(self) -> None:
        """Start it again, or let it go on, when it is time."""
        now = time.monotonic()
        if self._frozen and now >= self._thaws_at:
            self._thaw()
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self._start(now + LETTING_GO)

    def make_good(self) -> None:
        """At once."""
        self._thaws_at = 0.0
        if self._again_at is not None:
            self._again_at = 0.0

    def _thaw(self) -> None:
        for victim in self._frozen:
            victim.send(signal.SIGCONT)
        self._frozen = []

    def _start(self, until: float) -> None:
        while True:
            try:
                self.server.start()
            except PostgresMissing:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return
