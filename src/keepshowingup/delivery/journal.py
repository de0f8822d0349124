"""The hand-over journal: what a worker was doing with each letter when it died.

A worker appends one line when it begins to compose a letter and one when it puts it down again, one before it sends
the dot that ends the message, and one when the server has answered. They are plain writes without fsync: the kernel
keeps them when the process is killed. After a crash of the whole machine they may be missing, so a journal speaks only
for the boot it was written in. Several letters are on their way at once, one on each connection; their lines mingle.

The worker holds a lock on its journal for as long as it lives. Whoever can take that lock knows that it is dead.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

# Octets a journal may grow to between two moments at which nothing is under way.
LONGEST = 1024 * 1024


class Trace(Enum):
    """What a dead worker's journal says of one letter."""

    UNTOUCHED = "untouched"  # its turn had not come, or its final dot was never sent: certainly not handed over
    TAKEN_UP = "taken_up"  # it was being composed: not handed over, and perhaps what the worker died of
    IN_DOUBT = "in_doubt"  # the dot was about to be sent or was sent; no answer was read
    ANSWERED = "answered"  # the server's reply is in the journal


@dataclass(frozen=True)
class Entry:
    """The last word of a journal about one letter.

    ``code`` and ``text`` are the server's reply, if it was read. ``message_id`` and ``dot_at`` (calendar, UTC, whole
    seconds) are what the line before the dot said.
    """

    trace: Trace
    code: int = 0
    text: str = ""
    message_id: str = ""
    dot_at: datetime | None = None

    @property
    def may_be_handed_over(self) -> bool:
        """The server has taken the letter, or may have."""
        return self.trace is Trace.IN_DOUBT or (self.trace is Trace.ANSWERED and 200 <= self.code < 300)


UNTOUCHED = Entry(Trace.UNTOUCHED)
Entries = dict[tuple[int, int], Entry]
"""(dispatch, fence): the last entry about it."""


def boot_id() -> str:
    """Which boot of this machine we are in, shortened; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return ""


class Journal:
    """A living worker's own journal. Its ``name`` is written on each dispatch it takes in hand."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._writing = threading.Lock()  # who waits for stalled servers writes too, in a thread of their own
        self._unsaid = b""
        self._open()

    def _open(self) -> None:
        host = socket.gethostname()[:30].replace("/", "-")
        while True:
            self.name = f"{host}.{boot_id()}.{os.getpid()}.{secrets.token_hex(4)}"
            self.path = self._folder / self.name
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_nlink:
                return
            os.close(self._file)  # between the two lines above a sweeper took it for a dead worker's

    def taken_up(self, dispatch: int, fence: int) -> None:
        """This letter is being rendered. If it is what kills the worker, the third time it is given up."""
        self._note(b"T %d %d\n" % (dispatch, fence))

    def put_down(self, dispatch: int, fence: int) -> None:
        """It is composed, or did not leave after all: nothing has been handed over, and nobody died of it."""
        self._note(b"P %d %d\n" % (dispatch, fence))

    def dot(self, dispatch: int, fence: int, message_id: str = "", at: datetime | None = None) -> None:
        """The final dot is about to be sent: from here until :meth:`answered` is said the letter is in doubt.

        ``at`` is the letter's Date (calendar). Raises :class:`OSError` when that can't be written down, because the
        disk is full: then the dot must not be sent.
        """
        moment = int(at.timestamp()) if at else 0
        self._append(b"D %d %d %d %s\n" % (dispatch, fence, moment, message_id.encode("ascii", "replace")))

    def answered(self, dispatch: int, fence: int, code: int, text: str) -> None:
        """The server answered the final dot. It is said with the next dot; :meth:`say` if none follows at once."""
        line = f"A {dispatch} {fence} {code} {' '.join(text.split())[:200]}\n"
        with self._writing:
            self._unsaid += line.encode("utf-8", "replace")

    def say(self) -> None:
        """Write what is unsaid."""
        if self._unsaid:
            self._note(b"")

    def forget(self) -> None:
        """Begin another journal when this one is long. Only while every letter in it is written down in the database.

        The sweeper puts the old one away; what it says of letters that left is kept for a while (``own_record``).
        """
        self.say()
        if os.fstat(self._file).st_size > LONGEST:
            self.close()
            self._open()

    def close(self) -> None:
        """Let go of the lock. The sweeper reads what is left and removes the file, as after a crash."""
        if self._file >= 0:
            self.say()
            os.close(self._file)
            self._file = -1

    def _note(self, line: bytes) -> None:
        """Write what is only of use after a crash: without it a letter is in doubt that need not be."""
        try:
            self._append(line)
        except OSError as error:
            log.error("the journal can't be written: %s", error.strerror)

    def _append(self, line: bytes) -> None:
        """Write it behind what is unsaid, in one go: a dot never gets ahead of the answer before it."""
        with self._writing:
            octets = self._unsaid + line
            written = os.write(self._file, octets)
            if written != len(octets):
                # The disk is full. Half a line would spoil the next one.
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            self._unsaid = b""

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Verdict(Enum):
    """Whether the worker that owns a journal still lives."""

    ALIVE = "alive"
    DEAD = "dead"  # and its journal can be believed
    SILENT = "silent"  # no journal here: another machine's, or of an earlier boot


def examine(folder: Path, owner: str) -> tuple[Verdict, Entries]:
    """Ask after a worker by its journal's name: is it alive, and if not, what became of its letters?

    The answer maps (dispatch, fence) to the last entry; letters that are not in it were :data:`UNTOUCHED`.
    """
    path = folder / Path(owner).name
    if not is_of_this_boot(owner):
        return Verdict.SILENT, {}
    try:
        with locked(path) as ours:
            return (Verdict.DEAD, read_entries(path.read_bytes())) if ours else (Verdict.ALIVE, {})
    except FileNotFoundError:
        return Verdict.SILENT, {}


def is_of_this_boot(owner: str) -> bool:
    """Whether a journal of that name may be believed: after a crash of the machine lines may be missing."""
    return owner.split(".")[-3:-2] == [boot_id()]


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a dead worker's journal, so that nobody else takes it; False while its worker lives.

    Raises :class:`FileNotFoundError` when there is none.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def read_entries(journal: bytes) -> Entries:
    """The last entry for each (dispatch, fence). A torn last line is a write that did not happen."""
    entries: Entries = {}
    for line in journal.decode("utf-8", "replace").split("\n")[:-1]:
        try:
            word, dispatch, fence, *rest = line.split(" ", 4)
            key = int(dispatch), int(fence)
            if word == "T":
                entries[key] = Entry(Trace.TAKEN_UP)
            elif word == "P":
                entries[key] = UNTOUCHED
            elif word == "D":
                entries[key] = _at_the_dot(*rest)
            elif word == "A":
                before = entries.get(key, UNTOUCHED)
                text = rest[1] if len(rest) > 1 else ""
                entries[key] = Entry(Trace.ANSWERED, int(rest[0]), text, before.message_id, before.dot_at)
        except (TypeError, ValueError):
            log.error("a journal has a line of %d characters that is none of ours", len(line))
    return entries


def _at_the_dot(moment: str = "0", message_id: str = "") -> Entry:
    at = datetime.fromtimestamp(int(moment), UTC) if int(moment) else None
    return Entry(Trace.IN_DOUBT, message_id=message_id, dot_at=at)
