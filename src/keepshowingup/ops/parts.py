"""The parts of a running keepshowingup, as values a supervisor can start."""

from __future__ import annotations

import errno
import http.client
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from keepshowingup.core.errors import PartMissing
from keepshowingup.ops import broker
from keepshowingup.ops.supervisor import Part

PROGRAM = (sys.executable, "-P", "-m", "keepshowingup")
HERE = "127.0.0.1"
# A worker lets go of its batch between two letters, but the server may take its time with the one in hand.
LAST_LETTER = 30.0


def broker_part(data_dir: Path) -> Part:
    """The embedded broker of a data folder."""
    return Part(
        "broker",
        (sys.executable, "-P", "-m", "keepshowingup.ops.broker", str(data_dir)),
        ready=lambda: broker.answers("", data_dir),
        foundation=True,
        start_within=30 + broker.PATIENCE,
    )


def mailbox_part(smtp_port: int, web_port: int) -> Part:
    """The development inbox on loopback."""
    return Part(
        "mailbox",
        (*PROGRAM, "mailbox", "--smtp-port", str(smtp_port), "--port", str(web_port)),
        ready=lambda: _listens(smtp_port) and _serves(web_port, "/"),
        foundation=True,
    )


def web_part(port: int) -> Part:
    """The pages, on loopback."""
    return Part("web", (*PROGRAM, "web", "--port", str(port)), ready=lambda: _serves(port, "/health"))


def worker_part(name: str, queues: Sequence[str]) -> Part:
    """A worker of its own for some queues."""
    return Part(name, (*PROGRAM, "worker", "--name", name, "--queues", ",".join(queues)), stop_within=LAST_LETTER)


def beat_part() -> Part:
    """The one that keeps time."""
    return Part("beat", (*PROGRAM, "beat"))


def household(
    data_dir: Path,
    *,
    web_port: int,
    mailbox_ports: tuple[int, int] | None,
    own_broker: bool = True,
) -> list[Part]:
    """Everything ``up`` runs, in the order of starting. ``mailbox_ports`` are (SMTP, page); None: a relay is used."""
    parts = [broker_part(data_dir)] if own_broker else []
    if mailbox_ports:
        parts.append(mailbox_part(*mailbox_ports))
    return [
        *parts,
        # Both look after maintenance, so a tick never waits for a long batch.
        worker_part("worker-letters", ("bulk", "maintenance")),
        worker_part("worker-notices", ("transactional", "maintenance")),
        web_part(web_port),
        beat_part(),
    ]


def need_free_port(port: int, option: str, what: str, *, host: str = HERE) -> None:
    """Raise :class:`PartMissing` when somebody listens on a port already, or ``host`` is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, port))
        except OSError as error:
            fault = "is taken" if error.errno == errno.EADDRINUSE else f"can't be opened on {host}"
            raise PartMissing(
                f"Port {port} for {what} {fault} ({error.strerror}). Stop what uses it, or choose another: {option} N"
            ) from error


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HERE, port), timeout=2).close()
    except OSError:
        return False
    return True


def _serves(port: int, path: str) -> bool:
    """Whether anything answers over HTTP; what it says is not the question here."""
    with closing(http.client.HTTPConnection(HERE, port, timeout=10)) as connection:
        try:
            connection.request("HEAD", path)
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        return True
