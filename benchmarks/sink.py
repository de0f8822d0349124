"""A mail server that takes everything at once and keeps nothing: Postfix's, written in C, or the one in this file.

Run as ``python -m benchmarks.sink PORT`` it is ours: one thread, PIPELINING, an answer for each command; it writes the
number of messages it took to stdout after every burst.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from keepshowingup.ops.supervisor import Part
from tests.postgres import free_port

POSTFIX = "/usr/sbin/smtp-sink"
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Sink:
    """One sink on a port of its own. It must be fresh for each figure: it counts from its start."""

    port: int
    part: Part
    kind: str

    @property
    def url(self) -> str:
        """For ``SMTP_URL``."""
        return f"smtp://{HERE}:{self.port}"


def new_sink(named: str = "") -> Sink:
    """The lightest sink there is on this machine; ``named`` may ask for ``ours`` or ``postfix``."""
    port = free_port()
    postfix = shutil.which("smtp-sink") or (POSTFIX if os.access(POSTFIX, os.X_OK) else "")
    if postfix and named != "ours":
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        command: tuple[str, ...] = (postfix, *user, "-c", f"{HERE}:{port}", "1000")
        kind = "smtp-sink of Postfix"
    else:
        command = (sys.executable, "-m", "benchmarks.sink", str(port))
        kind = "our own, in Python"
    return Sink(port, Part("sink", command, ready=lambda: listens(port), foundation=True), kind)


def messages_of(log: Path) -> int:
    """How many messages the sink that wrote this log has taken."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 200))
        counts = re.findall(rb"mesg=(\d+)[\r\n]", file.read())
    return int(counts[-1]) if counts else 0


def listens(port: int) -> bool:
    """Whether anybody answers on a loopback port."""
    try:
        socket.create_connection((HERE, port), timeout=2).close()
    except OSError:
        return False
    return True


class Session(asyncio.Protocol):
    """One connection. Commands are answered in order, however many come in one segment (RFC 2920)."""

    taken = 0

    def __init__(self) -> None:
        self._held = b""
        self._in_message = False
        self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._held += data
        answers: list[bytes] = []
        before = Session.taken
        while not self._leaving and (answer := self._next()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))
        if self._leaving:
            self._transport.close()  # after what was written has left
        if Session.taken != before:
            os.write(1, b"mesg=%d\n" % Session.taken)

    def _next(self) -> bytes | None:
        if self._in_message:
            end = self._held.find(b"\r\n.\r\n")
            if end < 0:
                return None
            self._held = self._held[end + 5 :]
            self._in_message = False
            Session.taken += 1
            return b"250 2.0.0 taken\r\n"
        end = self._held.find(b"\r\n")
        if end < 0:
            return None
        word = self._held[:4].upper()
        # The line end before a message's first line is kept: its first line may be the dot.
        self._held = self._held[end if word == b"DATA" else end + 2 :]
        return self._answer(word)

    def _answer(self, word: bytes) -> bytes:
        if word == b"DATA":
            self._in_message = True
            return b"354 go on\r\n"
        if word == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        if word == b"QUIT":
            self._leaving = True
            return b"221 bye\r\n"
        return b"250 ok\r\n"


async def serve(port: int) -> None:
    """Take messages until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Session, HERE, port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
