"""What this machine has handed over, kept outside the database: evidence for when the database is put back in time.

When a journal is swept, what it says of letters that were handed over, or may have been, goes into one small file:
a Message-ID and a moment a line, no address. The Message-ID is made of the letter (see ``naming``), so a database that
was restored finds its letters again.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepshowingup.delivery.journal import Entries, Trace, read_entries

KEPT = timedelta(days=30)
JOURNALS, HANDED_OVER = "journal", "handed-over"
TAKEN, PERHAPS = "+", "?"


@dataclass(frozen=True)
class Line:
    """One letter that left. ``sure``: the server said that it has it. ``at`` is the calendar's, whole seconds."""

    message_id: str
    at: datetime
    sure: bool


def lines_of(entries: Entries) -> Iterator[Line]:
    """What a journal says of letters that left, or may have."""
    for entry in entries.values():
        if entry.may_be_handed_over and entry.message_id and entry.dot_at is not None:
            yield Line(entry.message_id, entry.dot_at, sure=entry.trace is Trace.ANSWERED)


def put_away(journal: Path, entries: Entries, real_now: datetime) -> None:
    """Keep what a dead journal says for :data:`KEPT`, in a file of the same name. Done twice, it is the same file."""
    lines = list(lines_of(entries))
    if not lines:
        return
    folder = journal.parent.parent / HANDED_OVER
    folder.mkdir(exist_ok=True, mode=0o700)
    draft = folder / f".{journal.name}.{os.getpid()}"
    text = "".join(
        f"{TAKEN if line.sure else PERHAPS} {int(line.at.timestamp())} {line.message_id}\n" for line in lines
    )
    draft.write_bytes(gzip.compress(text.encode("ascii", "replace")))
    written = journal.stat().st_mtime
    os.utime(draft, (written, written))
    draft.rename(folder / f"{journal.name}.gz")
    for old in folder.glob("*.gz"):
        if old.stat().st_mtime < (real_now - KEPT).timestamp():
            old.unlink(missing_ok=True)


@dataclass(frozen=True)
class OwnRecord:
    """Everything a machine remembers to have handed over, and the files of which nothing could be read."""

    lines: tuple[Line, ...]
    unread: tuple[str, ...]


def read_own_record(data_dir: Path) -> OwnRecord:
    """What was put away, and the journals of today."""
    lines: list[Line] = []
    unread: list[str] = []
    for path in sorted((data_dir / HANDED_OVER).glob("*.gz")):
        try:
            lines += _read(gzip.decompress(path.read_bytes()).decode("ascii"))
        except (OSError, EOFError, ValueError, zlib.error):
            unread.append(path.name)
    for path in sorted((data_dir / JOURNALS).glob("*")):
        try:
            lines += lines_of(read_entries(path.read_bytes()))
        except OSError:
            unread.append(path.name)
    return OwnRecord(tuple(lines), tuple(unread))


def hosts_in(data_dir: Path) -> set[str]:
    """The machines whose journals are kept here."""
    names = [path.name for path in (data_dir / JOURNALS).glob("*")]
    names += [path.name.removesuffix(".gz") for path in (data_dir / HANDED_OVER).glob("*.gz")]
    return {host_of(name) for name in names}


def host_of(journal_name: str) -> str:
    """The machine in a journal's name."""
    return ".".join(journal_name.split(".")[:-3])


def _read(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        sign, moment, message_id = line.split(" ")
        yield Line(message_id, datetime.fromtimestamp(int(moment), UTC), sure=sign == TAKEN)
