"""A development inbox: takes every letter by SMTP and keeps it as a file. Nothing ever leaves this machine.

A letter is on disk before the server says 250, so what was accepted is there after any crash. Its number is the
order of arrival and never comes twice, not even after the inbox was emptied.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

LARGEST = 25 * 1024 * 1024  # bytes, announced as SIZE


@dataclass(frozen=True)
class Arrival:
    """One letter in the inbox. ``received_at`` is real time in UTC, ISO 8601; ``id`` grows with each arrival."""

    id: str
    received_at: str
    sender: str
    recipient: str
    subject: str
    size: int = 0


class Mailbox:
    """The letters in one folder: ``<id>.eml`` as it came, ``<id>.json`` with its envelope."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._known = dict(self._read_folder())
        self._last = max([0, self._read_last(), *(int(key) for key in self._known)])

    def keep(self, sender: str, recipient: str, message: bytes) -> Arrival:
        """Put a letter on disk for good and return what is known of it; :class:`OSError` when the disk won't."""
        with self._lock:
            number = self._last + 1
            arrival = Arrival(
                id=f"{number:09d}",
                received_at=datetime.now(UTC).isoformat(timespec="microseconds"),
                sender=sender,
                recipient=recipient,
                subject=header(parse(message), "Subject"),
                size=len(message),
            )
            # The letter counts from the moment its .eml has its name; the envelope is there before.
            self._write(f"{arrival.id}.json", json.dumps(asdict(arrival)).encode())
            self._write(f"{arrival.id}.eml", message)
            self._sync_folder()
            self._last = number
            self._known[arrival.id] = arrival
            return arrival

    def arrivals(self, *, to: str = "", after: str = "") -> list[Arrival]:
        """The letters, oldest first; only those to an address (any case), only those after an id."""
        with self._lock:
            known = list(self._known.values())
        return [
            arrival
            for arrival in known
            if (not to or arrival.recipient.casefold() == to.casefold()) and (not after or arrival.id > after)
        ]

    def find(self, key: str) -> Arrival | None:
        """The letter with this id."""
        with self._lock:
            return self._known.get(key)

    def read(self, key: str) -> bytes | None:
        """A letter exactly as it came over the wire."""
        return (self._folder / f"{key}.eml").read_bytes() if self.find(key) else None

    def clear(self) -> int:
        """Throw all letters away; how many they were."""
        with self._lock:
            self._write("last", str(self._last).encode())
            self._sync_folder()
            gone = list(self._known)
            self._known.clear()
            for key in gone:
                (self._folder / f"{key}.eml").unlink(missing_ok=True)
                (self._folder / f"{key}.json").unlink(missing_ok=True)
            return len(gone)

    def _write(self, name: str, content: bytes) -> None:
        draft = self._folder / f"{name}.draft"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / name)

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read_last(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return int((self._folder / "last").read_text())
        return 0

    def _read_folder(self) -> Iterator[tuple[str, Arrival]]:
        for path in sorted(self._folder.glob("*.eml")):
            yield path.stem, Arrival(**json.loads(path.with_suffix(".json").read_text()))


def parse(message: bytes) -> EmailMessage:
    """A message as the standard library reads it, defects and all."""
    return email.message_from_bytes(message, policy=email.policy.default)


def header(message: EmailMessage, name: str) -> str:
    """A header as people read it; one that cannot be read is said to be so, because the inbox must show it."""
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError, IndexError, AttributeError) as error:  # what the parser raises for odd headers
        return f"(unreadable: {error})"


class _Door:
    """What happens with a letter at the SMTP door."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        try:
            kept = [self._mailbox.keep(envelope.mail_from or "", to, content) for to in envelope.rcpt_tos]
        except OSError as error:
            log.error("a letter could not be kept: %s", error.strerror)
            return "452 4.3.1 The inbox could not write to its disk, try again later"
        return f"250 2.0.0 kept as {' '.join(arrival.id for arrival in kept)}"


def smtp_door(mailbox: Mailbox, host: str, port: int) -> Controller:
    """The SMTP server, not started. It runs in a thread of its own between ``start()`` and ``stop()``."""
    return Controller(
        _Door(mailbox),
        hostname=host,
        port=port,
        data_size_limit=LARGEST,
        ident="keepshowingup inbox",
        decode_data=False,
    )
