"""Mail servers with moods: they answer by the recipient's domain, keep a letter waiting, freeze, die and come back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.smtpd import Received, SmtpServer

# RFC 5321 4.5.3.2.6: a server may take so long (seconds) to answer the final dot.
TEN_MINUTES = 600.0


class Relay(SmtpServer):
    """What it was asked (each RCPT) and what it took, in order; moods are changed while it runs.

    ``refuses["gone.example"] = "550 5.7.1 no"`` is its word to every letter for that domain. Letters to a domain in
    :attr:`keeps_waiting` are taken, and their dot is answered after ten minutes, or once :attr:`wakes` is set.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.asked: list[str] = []
        self.refuses: dict[str, str] = {}
        self.keeps_waiting: set[str] = set()
        self.wakes = threading.Event()
        self._thawed = threading.Event()
        self._thawed.set()
        self._sockets: set[socket.socket] = set()

    @property
    def recipients(self) -> list[str]:
        """Who has got a letter, in the order in which they came."""
        return [received.recipient for received in self.received]

    def freeze(self) -> None:
        """From now on connections are accepted by the kernel, and nothing is ever said on them."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Answer again, first what was asked meanwhile."""
        self._thawed.set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._sockets.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._thawed.wait(TEN_MINUTES)
        super().finish_request(request, client_address)

    def next_answer(self, recipient: str) -> str:
        self._thawed.wait(TEN_MINUTES)
        self.asked.append(recipient)
        return self.refuses.get(domain_of(recipient)) or super().next_answer(recipient)

    def keep(self, received: Received) -> None:
        self._thawed.wait(TEN_MINUTES)
        super().keep(received)

    def before_answer(self, recipient: str) -> None:
        if domain_of(recipient) in self.keeps_waiting:
            self.wakes.wait(TEN_MINUTES)
        super().before_answer(recipient)

    def die(self) -> None:
        """Be gone with every connection, in the middle of whatever is said on it; from now on the port refuses."""
        self.shutdown()
        self.server_close()
        for request in self._sockets:
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        self.wakes.set()
        self.thaw()


@contextmanager
def running_relay(port: int = 0) -> Iterator[Relay]:
    """A relay on a loopback port; at the end it is gone with all its connections, and the port refuses."""
    with Relay(port) as relay:
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.die()
            thread.join()


def domain_of(recipient: str) -> str:
    return recipient.rpartition("@")[2]


def since(received: Received, moment: float) -> float:
    """Seconds from ``moment`` (Unix time) until a letter arrived."""
    return received.at + time.time() - time.monotonic() - moment
