"""A server's end of a connection that knows when each line arrived, also those that came while nobody was reading."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections import deque
from contextlib import suppress

SILENCE = 60.0  # seconds without a word after which a connection is closed


class Gone(Exception):
    """The other end has closed the connection."""


class Silent(Exception):
    """The other end has said nothing for too long."""


class Wire:
    """Bytes in and out; every line with the moment (real time) its last byte arrived."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._kept = bytearray()
        self._begins = 0  # how many bytes came before those that are kept
        self._came: deque[tuple[int, float]] = deque()  # (bytes so far, when)

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        return isinstance(self._connection, ssl.SSLSocket)

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on. What came before, and was not read, is forgotten (RFC 3207 4.2)."""
        self._connection.settimeout(SILENCE)
        self._begins += len(self._kept)
        self._kept.clear()
        self._came.clear()
        self._connection = context.wrap_socket(self._connection, server_side=True)

    def line(self) -> tuple[bytes, float]:
        """The next line with its end, and when it had arrived. Raises :class:`Gone` or :class:`Silent`."""
        searched = 0
        while (end := self._kept.find(b"\n", searched) + 1) == 0:
            searched = len(self._kept)
            if not self._take(SILENCE):
                raise Silent
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
            self._take(left)

    def send(self, octets: bytes) -> None:
        """All of it, at once."""
        self._connection.settimeout(SILENCE)
        self._connection.sendall(octets)

    def drip(self, octets: bytes, pause: float) -> None:
        """Byte by byte."""
        for place in range(len(octets)):
            self.send(octets[place : place + 1])
            time.sleep(pause)

    def close(self, *, rudely: bool = False) -> None:
        """Hang up. ``rudely``: with a reset, so that the other end may lose what it has not read yet."""
        with suppress(OSError):
            if rudely:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._connection.close()

    def _take(self, within: float) -> bool:
        """Read what is there; False when nothing came. Raises :class:`Gone` when nothing will come any more."""
        self._connection.settimeout(max(within, 0.001))
        try:
            data = self._connection.recv(65536)
        except TimeoutError:
            return False
        except OSError as error:  # a reset, or TLS cut short
            raise Gone from error
        if not data:
            raise Gone
        self._kept += data
        self._came.append((self._begins + len(self._kept), time.time()))
        return True
