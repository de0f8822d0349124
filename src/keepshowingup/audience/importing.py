"""Bringing readers in from a CSV file: who agreed, with the proof; the others are written to a file beside it.

The file is read as a stream and written in chunks, each in its own transaction: a crash leaves whole chunks, and
importing the same file again changes nothing that is there already.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from keepshowingup.audience.applicants import Applicant, read_applicant
from keepshowingup.audience.bulk import write_rows
from keepshowingup.audience.joining import tidy_name
from keepshowingup.audience.leaving import suppressed_among
from keepshowingup.audience.models import Consent, Subscriber, new_opaque
from keepshowingup.audience.refused_rows import RefusedRows
from keepshowingup.audience.spreadsheet import Row, open_text, plain, read_header, read_rows
from keepshowingup.core.errors import WrongUsage

CHUNK = 2000
# SQLite before 3.32 takes at most 999 values in one statement.
ASKED_AT_ONCE = 900

SUPPRESSED = "This address must not be written to: it bounced, complained or was erased."
LEFT = "This reader left. Only they can come back, by joining again themselves."


@dataclass(frozen=True)
class Imported:
    """What an import did. ``rows`` = ``added`` + ``updated`` + ``refused``; ``refused_file`` is None without any."""

    rows: int = 0
    added: int = 0
    updated: int = 0
    refused: int = 0
    seconds: float = 0.0
    refused_file: Path | None = None

    def row(self) -> dict[str, int | float]:
        """As the command line shows it."""
        shown = asdict(self)
        del shown["refused_file"]
        return shown | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Chunk:
    """Readers just written and committed: all of them, and those whose plan is to be made anew (zone or hour)."""

    readers: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()


def import_readers(
    path: Path,
    *,
    now: datetime,
    consent_note: str = "",
    on_chunk: Callable[[Chunk], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Import a file; readers in it are active and confirmed at ``now`` (UTC), with their proof of consent.

    ``consent_note`` covers rows that bring no proof. ``on_chunk`` is called after each commit, ``progress`` with the
    bytes read so far. Raises :class:`Refused` for a file that is no table with an ``email`` column.
    """
    began = time.monotonic()
    note = tidy_name(consent_note, "The consent note", 200)
    refused = RefusedRows(path)
    total = Imported()
    with path.open("rb") as file, refused:
        for rows in _chunks(file, refused):
            added, chunk = _write(rows, note, refused, now)
            total = replace(total, added=total.added + added, updated=total.updated + len(chunk.readers) - added)
            if on_chunk and chunk.readers:
                on_chunk(chunk)
            if progress:
                progress(file.tell())
    return replace(
        total,
        rows=total.added + total.updated + refused.count,
        refused=refused.count,
        refused_file=refused.path if refused.count else None,
        seconds=time.monotonic() - began,
    )


Named = dict[str, str]


def _chunks(file: BinaryIO, refused: RefusedRows) -> Iterator[list[tuple[Row, Named]]]:
    """Rows with their cells by name, some thousand at a time; no address twice in a chunk."""
    lines = open_text(file)
    names, separator, taken = read_header(lines)
    refused.names = names
    chunk: list[tuple[Row, Named]] = []
    here: set[str] = set()
    for row in read_rows(lines, len(names), separator, taken):
        if row.trouble:
            refused.add(row, row.trouble)
            continue
        named = {name: plain(cell) for name, cell in zip(names, row.cells, strict=True)}
        address = named["email"].strip().casefold()
        if address in here or len(chunk) >= CHUNK:
            yield chunk
            chunk, here = [], set()
        chunk.append((row, named))
        here.add(address)
    yield chunk
    lines.detach()


def _write(rows: list[tuple[Row, Named]], note: str, refused: RefusedRows, now: datetime) -> tuple[int, Chunk]:
    """Write a chunk; how many are new, and everybody in it."""
    wanted: dict[str, tuple[Row, Applicant]] = {}
    for row, named in rows:
        try:
            applicant = read_applicant(named, note, now)
        except WrongUsage as error:
            refused.add(row, error.message)
            continue
        wanted[applicant.key] = (row, applicant)
    with transaction.atomic():
        # Locked until the chunk is written.
        here = {reader.email_key: reader for known in _ask(list(wanted)) for reader in known.select_for_update()}
        suppressed = suppressed_among(wanted)
        work = _Work(now)
        for key, (row, applicant) in wanted.items():
            reader = here.get(key)
            if key in suppressed or (reader and reader.state == Subscriber.State.SUPPRESSED):
                refused.add(row, SUPPRESSED)
            elif reader and reader.left_at is not None:
                refused.add(row, LEFT)
            elif reader:
                work.update(reader, applicant)
            else:
                work.create(applicant)
        return len(work.new), work.save()


@dataclass
class _Work:
    """What a chunk comes to: rows to insert, rows to change, proofs to keep."""

    now: datetime
    new: dict[str, Applicant] = field(default_factory=dict)
    changed: dict[str, Subscriber] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    proofs: dict[str, Applicant] = field(default_factory=dict)

    def create(self, applicant: Applicant) -> None:
        self.new[applicant.key] = applicant
        self.proofs[applicant.key] = applicant

    def update(self, reader: Subscriber, applicant: Applicant) -> None:
        before = (reader.zone, reader.hour)
        self.proofs[applicant.key] = applicant
        if _fill(reader, applicant, self.now):
            self.changed[applicant.key] = reader
        if before != (reader.zone, reader.hour):
            self.moved.add(applicant.key)

    def save(self) -> Chunk:
        rows = [_new_reader(applicant, self.now) for applicant in self.new.values()]
        write_rows(Subscriber, NEW, rows, unique="email_key")
        changes = [[getattr(reader, name) for name in NEW] for reader in self.changed.values()]
        write_rows(Subscriber, NEW, changes, unique="email_key", overwrite=CHANGED)
        ids = {key: pk for here in _ask(list(self.proofs)) for key, pk in here.values_list("email_key", "pk")}
        # Somebody who asked to join at this very moment was here first: the proof makes them a reader all the same.
        for here in _ask(list(self.new)):
            here.filter(state=Subscriber.State.UNCONFIRMED).update(state=Subscriber.State.ACTIVE, confirmed_at=self.now)
        write_rows(Consent, PROOF, list(self._new_proofs(ids)))
        return Chunk(tuple(ids.values()), tuple(ids[key] for key in self.moved))

    def _new_proofs(self, ids: dict[str, int]) -> Iterator[tuple[object, ...]]:
        known: set[tuple[int, datetime | None, str]] = set()
        for here in _ask([key for key in self.proofs if key not in self.new]):
            kept = Consent.objects.filter(subscriber__in=here)
            for pk, given_at, source in kept.values_list("subscriber_id", "given_at", "source"):
                known |= {(pk, given_at, source), (pk, None, source)}
        for key, applicant in self.proofs.items():
            if (ids[key], applicant.given_at, applicant.source) not in known:
                yield ids[key], applicant.given_at or self.now, self.now, applicant.source, ""


NEW = (
    "opaque",
    "email",
    "email_key",
    "first_name",
    "zone",
    "hour",
    "language",
    "country",
    "audience",
    "state",
    "created_at",
    "confirmed_at",
)
CHANGED = ("first_name", "zone", "hour", "language", "country", "state", "confirmed_at")
PROOF = ("subscriber", "given_at", "confirmed_at", "source", "text_version")


def _new_reader(applicant: Applicant, now: datetime) -> tuple[object, ...]:
    """A reader's row in the order of :data:`NEW`."""
    return (
        new_opaque(),
        applicant.email,
        applicant.key,
        applicant.first_name or "",
        applicant.zone or "UTC",
        applicant.hour or dt.time(10, 0),
        applicant.language or "en",
        applicant.country or "",
        Subscriber.Audience.SELF.value,
        Subscriber.State.ACTIVE.value,
        now,
        now,
    )


def _fill(reader: Subscriber, applicant: Applicant, now: datetime) -> bool:
    """Put what a row says into a reader; whether that changes anything."""
    given: dict[str, str | dt.time | datetime | None] = {
        "first_name": applicant.first_name,
        "zone": applicant.zone,
        "hour": applicant.hour,
        "language": applicant.language,
        "country": applicant.country,
    }
    if reader.state != Subscriber.State.ACTIVE:
        given |= {"state": Subscriber.State.ACTIVE, "confirmed_at": now}
    changes = {name: value for name, value in given.items() if value is not None and value != getattr(reader, name)}
    for name, value in changes.items():
        setattr(reader, name, value)
    return bool(changes)


def _ask(keys: list[str]) -> Iterator[QuerySet[Subscriber]]:
    """The readers with these keys, some hundred at a time."""
    for start in range(0, len(keys), ASKED_AT_ONCE):
        yield Subscriber.objects.filter(email_key__in=keys[start : start + ASKED_AT_ONCE])
