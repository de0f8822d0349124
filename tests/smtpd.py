"""A real SMTP server on loopback that keeps a record and misbehaves on request, by recipient.

``server.script["slow@example.org"] = ["450 4.2.0 later", "250 ok"]`` answers the first RCPT with 450 and the second
normally. Words that begin with ``drop`` end the connection at that place: ``drop-rcpt``, ``drop-data`` (in the middle
of the message), ``drop-dot`` (after the final dot: kept, never answered), ``dot 554 5.7.1 no`` answers the dot.
``hold-rcpt``, ``hold-data`` and ``hold-dot`` (kept) say nothing at that place until the test lets go, so that a test
can do something to the client at exactly that moment.
"""

from __future__ import annotations

import email
import email.policy
import socket
import socketserver
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property

LONGEST_HOLD = 300.0  # seconds; a test that was ended leaves nobody waiting


@dataclass(frozen=True)
class Received:
    """A message the server took: its envelope, its bytes as they came (dots unstuffed), and when (monotonic)."""

    sender: str
    recipient: str
    data: bytes
    at: float = field(default_factory=time.monotonic)

    @cached_property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.data, policy=email.policy.default)


class _Session(socketserver.StreamRequestHandler):
    server: SmtpServer

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.server.connections += 1
        self.server.open_connections += 1
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with suppress(ConnectionError):
                self.converse()
        finally:
            self.server.open_connections -= 1

    def converse(self) -> None:
        self.say("220 tests.example ESMTP")
        sender = recipient = how = ""
        refused = True
        while line := self.rfile.readline():
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    offers = ["tests.example", "8BITMIME", "ENHANCEDSTATUSCODES"]
                    offers += ["PIPELINING"] if self.server.pipelining else []
                    self.say("\r\n".join(f"250-{offer}" for offer in offers[:-1]) + f"\r\n250 {offers[-1]}")
                case "MAIL":
                    sender = rest.partition("<")[2].partition(">")[0]
                    self.say("250 2.1.0 ok")
                case "RCPT":
                    recipient = rest.partition("<")[2].partition(">")[0]
                    how = self.server.next_answer(recipient)
                    if how == "drop-rcpt":
                        return
                    self.server.hold(recipient, how, "rcpt")
                    refused = how[:3].isdigit() and not how.startswith("250")
                    self.say(how if refused else "250 2.1.5 ok")
                    if how.startswith("421"):
                        return
                case "DATA" if refused:
                    self.say("503 5.5.1 nobody to send it to")
                case "DATA":
                    self.server.hold(recipient, how, "data")
                    self.say("354 go on")
                    if not self.read_message(sender, recipient, how):
                        return
                case "RSET" | "NOOP":
                    self.say("250 2.0.0 ok")
                case "QUIT":
                    self.say("221 2.0.0 bye")
                    return
                case _:
                    self.say("502 5.5.1 what?")

    def read_message(self, sender: str, recipient: str, how: str) -> bool:
        if how == "drop-data":
            self.rfile.readline()
            return False
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            return False
        if how.startswith("dot "):
            self.say(how[4:])
            return True
        self.server.keep(Received(sender, recipient, b"".join(lines)))
        if how == "drop-dot":
            return False
        self.server.hold(recipient, how, "dot")
        self.server.before_answer(recipient)
        self.say("250 2.0.0 kept")
        return True


class SmtpServer(socketserver.ThreadingTCPServer):
    """Keeps what it gets in :attr:`received`, in order."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.received: list[Received] = []
        self.script: dict[str, list[str]] = defaultdict(list)
        self.connections = 0
        self.open_connections = 0
        self.held: list[str] = []  # recipients whose client waits for an answer at this moment
        self.answer_after = 0.0
        self.pipelining = True
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Event] = {}

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def next_answer(self, recipient: str) -> str:
        with self._lock:
            answers = self.script.get(recipient)
            return answers.pop(0) if answers else "250 ok"

    def keep(self, received: Received) -> None:
        with self._lock:
            self.received.append(received)

    def before_answer(self, recipient: str) -> None:
        if self.answer_after:
            time.sleep(self.answer_after)

    def hold(self, recipient: str, how: str, place: str) -> None:
        """Wait at ``place`` when the script says so, until :meth:`let_go`."""
        if how != f"hold-{place}":
            return
        with self._lock:
            gate = self._gates.setdefault(recipient, threading.Event())
            self.held.append(recipient)
        gate.wait(LONGEST_HOLD)
        with self._lock:
            self.held.remove(recipient)

    def let_go(self, recipient: str) -> None:
        """Answer whoever is held for this recipient; a later one is held again."""
        with self._lock:
            gate = self._gates.pop(recipient, None)
        if gate:
            gate.set()

    def to(self, recipient: str) -> list[Received]:
        return [r for r in self.received if r.recipient == recipient]


@contextmanager
def running_smtp() -> Iterator[SmtpServer]:
    """A server on a free loopback port, gone at the end."""
    with SmtpServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
