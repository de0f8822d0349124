"""The hand-over journal: what a worker was doing with each letter when it died.

A worker appends one line when it begins to compose a letter and one when it puts it down again, one before it sends
the dot that ends the message, and one when the server has answered. They are plain writes without fsync: the kernel
keeps them when the process is killed. After a crash of the whole machine they may be missing, so a journal speaks only
for the boot it was written in.

The worker holds a lock on its journal for as long as it lives. Whoever can take that lock knows that it is dead.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from types import TracebackType

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
    """The last word of a journal about one letter; ``code`` and ``text`` are the server's reply, if it was read."""

    trace: Trace
    code: int = 0
    text: str = ""


UNTOUCHED = Entry(Trace.UNTOUCHED)


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
        host = socket.gethostname()[:30].replace("/", "-")
        self.name = f"{host}.{boot_id()}.{os.getpid()}.{secrets.token_hex(4)}"
        self.path = folder / self.name
        self._unsaid = b""
        self._pen = Lock()  # who waits for stalled servers writes too, in a thread of their own
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def taken_up(self, dispatch: int, fence: int) -> None:
        """This letter's turn has come. If it is what kills the worker, the third time it is given up."""
        self.say(b"T %d %d\n" % (dispatch, fence))

    def put_down(self, dispatch: int, fence: int) -> None:
        """It is composed, or did not leave after all: nothing has been handed over, and nobody died of it."""
        self.say(b"P %d %d\n" % (dispatch, fence))

    def dot(self, dispatch: int, fence: int) -> None:
        """The final dot is about to be sent: from here until :meth:`answered` is said the letter is in doubt."""
        self.say(b"D %d %d\n" % (dispatch, fence))

    def answered(self, dispatch: int, fence: int, code: int, text: str) -> None:
        """The server answered the final dot. It is said with the next dot; :meth:`say` if none follows at once."""
        line = f"A {dispatch} {fence} {code} {' '.join(text.split())[:200]}\n"
        with self._pen:
            self._unsaid += line.encode("utf-8", "replace")

    def say(self, words: bytes = b"") -> None:
        """Write what is unsaid, and ``words``, in one go: a dot never gets ahead of the answer before it.

        Raises OSError when that can't be written as a whole, as on a full disk.
        """
        with self._pen:
            octets = self._unsaid + words
            if octets and (written := os.write(self._file, octets)) < len(octets):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)  # half a line would spoil the next
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            self._unsaid = b""

    def forget(self) -> None:
        """Start over, once in a while, when every letter this worker had is written down in the database."""
        if os.fstat(self._file).st_size > LONGEST:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Let go of the lock. The sweeper reads what is left and removes the file, as after a crash."""
        if self._file >= 0:
            self.say()
            os.close(self._file)
            self._file = -1

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


def examine(folder: Path, owner: str) -> tuple[Verdict, dict[tuple[int, int], Entry]]:
    """Ask after a worker by its journal's name: is it alive, and if not, what became of its letters?

    The answer maps (dispatch, fence) to the last entry; letters that are not in it were :data:`UNTOUCHED`.
    """
    path = folder / Path(owner).name
    if owner.split(".")[-3:-2] != [boot_id()]:
        return Verdict.SILENT, {}
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Verdict.SILENT, {}
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Verdict.ALIVE, {}
        return Verdict.DEAD, read_entries(path.read_bytes())
    finally:
        os.close(file)


def read_entries(journal: bytes) -> dict[tuple[int, int], Entry]:
    """The last entry for each (dispatch, fence). A torn last line is a write that did not happen."""
    entries: dict[tuple[int, int], Entry] = {}
    for line in journal.decode("utf-8", "replace").split("\n")[:-1]:
        word, dispatch, fence, *rest = line.split(" ", 4)
        key = int(dispatch), int(fence)
        if word == "T":
            entries[key] = Entry(Trace.TAKEN_UP)
        elif word == "P":
            entries[key] = UNTOUCHED
        elif word == "D":
            entries[key] = Entry(Trace.IN_DOUBT)
        elif word == "A":
            entries[key] = Entry(Trace.ANSWERED, int(rest[0]), rest[1] if len(rest) > 1 else "")
    return entries


def sweep_journals(folder: Path, still_named: set[str]) -> int:
    """Remove dead workers' journals that no dispatch names any more; returns how many."""
    removed = 0
    for path in folder.glob("*"):
        if path.name in still_named:
            continue
        verdict, _ = examine(folder, path.name)
        if verdict is not Verdict.ALIVE:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
