"""A hostile mail server on loopback: takes letters, loses its temper as planned, and writes down what it has.

A message whose final dot has arrived is the server's, whether it answered or not: that line is written before any
answer is. Run as ``python -m tests.chaos.hostile PLAN RECORD PORT``; SIGUSR1 makes it kind for good.
"""

from __future__ import annotations

import email
import json
import os
import re
import select
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any

from tests.chaos.plan import Plan

SILENCE = 60.0  # seconds without a word after which a connection is closed
NUMBER = re.compile(r"^(\d{3}) at (RCPT|the dot)$")
WORDS = {
    "450": "450 4.2.0 greylisted, come back later",
    "451": "451 4.3.0 no room in the queue",
    "552": "552 5.2.2 the mailbox is full",
    "421": "421 4.3.2 closing for a while",
    "554": "554 5.7.1 refused by policy",
    "550": "550 5.7.1 refused by policy",
}


class Gone(Exception):
    """The other end has closed the connection, or said nothing for too long."""


class Cut(Exception):
    """We close the connection, rudely (a reset) or not."""

    def __init__(self, rude: bool) -> None:
        super().__init__()
        self.rude = rude


class Wire:
    """A connection that knows when each line arrived, also those that came while nobody was reading."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kept = bytearray()
        self._begins = 0  # how many bytes came before those that are kept
        self._came: deque[tuple[int, float]] = deque()  # (bytes so far, when)

    def line(self) -> tuple[bytes, float]:
        """The next line with its end, and when its last byte arrived (real time). Raises :class:`Gone`."""
        searched = 0
        while (end := self._kept.find(b"\n", searched) + 1) == 0:
            searched = len(self._kept)
            if not self._take(SILENCE):
                raise Gone
        line = bytes(self._kept[:end])
        del self._kept[:end]
        self._begins += end
        while self._came[0][0] < self._begins:
            self._came.popleft()
        return line, self._came[0][1]

    def wait(self, seconds: float) -> None:
        """Say nothing for a while, but note what comes in."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self._take(left):
                return

    def _take(self, within: float) -> bool:
        """Read what is there; False when nothing came. Raises :class:`Gone` when nothing will come any more."""
        readable, _, _ = select.select([self._connection], [], [], within)
        if not readable:
            return False
        if not (data := self._connection.recv(65536)):
            raise Gone
        self._kept += data
        self._came.append((self._begins + len(self._kept), time.time()))
        return True


class Session(socketserver.BaseRequestHandler):
    """One connection. What is under way when it breaks is written down too."""

    server: HostileServer

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = Wire(self.request)
        self.number = self.server.next_number()
        self.recipient = self.stage = ""
        self.head: dict[str, str] = {}
        self.began = 0.0
        self.drop_by_drop = False
        how = "gone"
        try:
            self.converse()
            how = "quit"
        except Cut as cut:
            how = "cut"
            if cut.rude:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (Gone, ConnectionError):
            pass  # the record says so
        self.note("end", how=how, stage=self.stage, recipient=self.recipient, **self.head)
        with suppress(OSError):
            self.request.close()

    def note(self, event: str, **values: Any) -> None:
        self.server.note({"event": event, "connection": self.number, **values})

    def say(self, line: str) -> None:
        data = line.encode() + b"\r\n"
        if not self.drop_by_drop:
            self.request.sendall(data)
            return
        self.drop_by_drop = False
        for place in range(len(data)):
            self.request.sendall(data[place : place + 1])
            time.sleep(0.002)

    def converse(self) -> None:
        self.say("220 hostile.example ESMTP")
        mood = ""
        while True:
            line, at = self.wire.line()
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    # A server behind a balancer: not every one of them pipelines.
                    offers = "250-8BITMIME\r\n" + ("250-PIPELINING\r\n" if self.number % 3 else "")
                    self.say(f"250-hostile.example\r\n{offers}250 ENHANCEDSTATUSCODES")
                case "MAIL":
                    self.head, self.stage, self.recipient = {}, "MAIL", ""
                    self.say("250 2.1.0 ok")
                case "RCPT":
                    self.recipient = rest.partition("<")[2].partition(">")[0]
                    self.stage, mood = "RCPT", self.server.mood_for(self.recipient)
                    self.note("rcpt", at=at, recipient=self.recipient, mood=mood)
                    if not self.answer_recipient(mood):
                        self.recipient = ""
                case "DATA" if not self.recipient:
                    self.say("554 5.5.1 no valid recipients")
                case "DATA":
                    self.stage, self.began = "DATA", at
                    self.note("data", at=at, recipient=self.recipient)
                    self.take_message(mood)
                    self.stage, self.recipient, self.head = "", "", {}
                case "RSET" | "NOOP":
                    self.stage = self.recipient = ""
                    self.say("250 2.0.0 ok")
                case "QUIT":
                    self.stage = ""
                    self.say("221 2.0.0 bye")
                    return
                case _:
                    self.say("502 5.5.1 what?")

    def answer_recipient(self, mood: str) -> bool:
        """Whether the recipient is taken."""
        if mood == "drop at RCPT":
            raise Cut(rude=False)
        if mood == "no mailbox":
            self.refuse("550 5.1.1 no such user here")
            return False
        if (coded := NUMBER.match(mood)) and coded[2] == "RCPT":
            self.refuse(WORDS[coded[1]])
            return False
        self.say("250 2.1.5 ok")
        return True

    def refuse(self, words: str) -> None:
        self.note("refused", at=time.time(), recipient=self.recipient, words=words, **self.head)
        self.say(words)
        if words.startswith("421"):
            raise Cut(rude=False)

    def take_message(self, mood: str) -> None:
        if mood == "reset at DATA":
            raise Cut(rude=True)
        if mood == "slow at DATA":
            self.wire.wait(self.server.patience())
        self.say("354 go on")
        self.stage = "body"
        lines: list[bytes] = []
        while True:
            line, at = self.wire.line()
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
            if line == b"\r\n" and not self.head:
                self.head = head_of(b"".join(lines))
            if mood == "drop in DATA" and len(lines) > 12:
                raise Cut(rude=False)
        self.stage = "dot"
        if (coded := NUMBER.match(mood)) and coded[2] == "the dot":
            self.refuse(WORDS[coded[1]])
            return
        self.note("took", at=at, began=self.began, recipient=self.recipient, mood=mood, **self.head)
        if mood in {"drop at the dot", "reset at the dot"}:
            raise Cut(rude=mood.startswith("reset"))
        if mood == "slow at the dot":
            self.wire.wait(self.server.patience())
        self.drop_by_drop = mood == "drop by drop"
        self.say("250-2.0.0 well\r\n250 2.0.0 kept" if mood == "many lines" else "250 2.0.0 kept")


def head_of(lines: bytes) -> dict[str, str]:
    """What the record keeps of a message: its Message-ID and its subject."""
    head: Message = email.message_from_bytes(lines)
    return {"message_id": str(head["Message-ID"] or "").strip(), "subject": str(head["Subject"] or "").strip()}


class HostileServer(socketserver.ThreadingTCPServer):
    """Listens on a loopback port, which stays the same if it has to be started again."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, plan: Plan, record: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), Session)
        self.kind = False
        self._moods = plan.moods
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._connections = 0
        self._attempts: Counter[str] = Counter()

    def note(self, row: dict[str, Any]) -> None:
        """Add a line to the record: one write, so that being killed tears none."""
        os.write(self._record, json.dumps(row).encode() + b"\n")

    def next_number(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections

    def mood_for(self, recipient: str) -> str:
        """How this attempt will be treated; empty is well. A mailbox that does not exist never comes to exist."""
        with self._lock:
            self._attempts[recipient] += 1
            mood = self._moods.get(recipient, {}).get(self._attempts[recipient], "")
        return "" if self.kind and mood != "no mailbox" else mood

    def patience(self) -> float:
        """How long a slow answer takes, in seconds."""
        return 0.0 if self.kind else 2.5


def main(plan: str, record: str, port: str) -> None:
    """Serve until SIGTERM."""
    with HostileServer(Plan.load(Path(plan)), Path(record), int(port)) as server:

        def calm(_signal: int, _frame: object) -> None:
            server.kind = True

        def end(_signal: int, _frame: object) -> None:
            threading.Thread(target=server.shutdown, daemon=True).start()

        signal.signal(signal.SIGUSR1, calm)
        signal.signal(signal.SIGTERM, end)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
