"""A hostile mail server: takes letters, loses its temper as planned, and writes down what it has.

A message whose final dot has arrived is the server's, whether it answered or not: that line is written before any
answer is. Run as ``python -m tests.chaos.hostile PLAN RECORD ADDRESS:PORT [CERTIFICATE]``; SIGUSR1 makes it kind for
good.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import ssl
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.moods import BY_NAME, SLOW, Mood, Temper, is_about_the_address, temper_of
from tests.chaos.plan import LEASE, Plan
from tests.chaos.session import Session


class HostileServer(socketserver.ThreadingTCPServer):
    """Listens at ``address``, a host and a port. ``kind``: only mailboxes that do not exist are still refused."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self, plan: Plan, record: Path, address: tuple[str, int], context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(address, Session)
        self.plan = plan
        self.context = context
        self.kind = False
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._connections = 0
        self._attempts: Counter[str] = Counter()

    def note(self, row: dict[str, Any]) -> None:
        """Add a line to the record: one write, so that being killed tears none."""
        os.write(self._record, json.dumps(row).encode() + b"\n")

    def next_number(self) -> int:
        """The number of a new connection; the first is 1."""
        with self._lock:
            self._connections += 1
            return self._connections

    def temper_for(self, number: int) -> Temper:
        """How a connection will be treated, whoever's letters come over it."""
        return temper_of(self.plan.seed, number, self.plan.security, brief=self.plan.size.is_brief)

    def mood_for(self, recipient: str) -> Mood | None:
        """How this attempt will be treated; None is well. A mailbox that does not exist never comes to exist."""
        with self._lock:
            self._attempts[recipient] += 1
            name = self.plan.moods.get(recipient, {}).get(self._attempts[recipient], "")
        mood = BY_NAME.get(name)
        return None if mood and self.kind and not is_about_the_address(mood.words) else mood

    def patience(self, how: str) -> float:
        """How long a ``slow`` answer takes, or one that ``stalls``, in seconds."""
        return 0.0 if self.kind else SLOW if how == "slow" else LEASE + 1.5


def server_context(certificate: str) -> ssl.SSLContext:
    """TLS with what the file holds: a key and its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def main(plan: str, record: str, address: str, certificate: str = "") -> None:
    """Serve until SIGTERM."""
    host, _, port = address.rpartition(":")
    context = server_context(certificate) if certificate else None
    with HostileServer(Plan.load(Path(plan)), Path(record), (host, int(port)), context) as server:

        def calm(_signal: int, _frame: object) -> None:
            server.kind = True

        def end(_signal: int, _frame: object) -> None:
            threading.Thread(target=server.shutdown, daemon=True).start()

        signal.signal(signal.SIGUSR1, calm)
        signal.signal(signal.SIGTERM, end)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
