"""Bringing readers in from a CSV file: who agreed, with the proof; the others are written to a file beside it.

The file is read as a stream and written 20,000 rows at a time, each lot in a transaction of its own together
with what follows from it: a crash leaves whole lots, and importing the same file again changes nothing that is there.
"""

from __future__ import annotations

import datetime as dt
import gc
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

from django.db import IntegrityError, transaction

from keepshowingup.audience.applicants import Applicant
from keepshowingup.audience.joining import tidy_name
from keepshowingup.audience.leaving import suppressed_among
from keepshowingup.audience.merging import DETAILS, Known, Merged, merge
from keepshowingup.audience.models import Consent, Subscriber, Suppression, new_opaques
from keepshowingup.audience.refused_rows import RefusedRows
from keepshowingup.audience.sheets import Sheet, one_ahead, read_sheets
from keepshowingup.store.bulk import insert, reserve_ids, room_for_many, take_turns, works_elsewhere
from keepshowingup.store.rows import update_rows

# How often readers may appear by another door between the look at who is here and the writing, before it is an error.
TRIES = 5


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
    """Readers just written: all of them, and those whose plan is to be made anew (zone or hour)."""

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

    ``consent_note`` covers rows that bring no proof. ``on_chunk`` is called in the transaction that writes a chunk, so
    that what it does is kept or lost together with it; ``progress`` after the commit, with the bytes that are done.
    Raises :class:`Refused` for a file that is no table with an ``email`` column.
    """
    began = time.monotonic()
    note = tidy_name(consent_note, "The consent note", 200)
    refused = RefusedRows(path)
    total = Imported()
    with (
        path.open("rb") as file,
        closing(_sheets(file, note, now)) as sheets,
        refused,
        room_for_many(),
        _rare_collections(),
    ):
        for sheet in sheets:
            with transaction.atomic():
                take_turns(Subscriber)
                merged, chunk = _write(sheet, now)
                refused.add(sheet.names, sheet.unfit + merged.refused)
                if on_chunk and chunk.readers:
                    on_chunk(chunk)
                    gc.collect(1)
            total = replace(total, added=total.added + len(merged.new), updated=total.updated + merged.updated)
            if progress:
                progress(sheet.read)
    return replace(
        total,
        rows=total.added + total.updated + refused.count,
        refused=refused.count,
        refused_file=refused.path if refused.count else None,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """A sheet is thousands of small objects and no cycle among them: looking for one again and again costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sheets(file: BinaryIO, note: str, now: datetime) -> Generator[Sheet, None, None]:
    sheets = read_sheets(file, note, now)
    return one_ahead(sheets) if works_elsewhere() else sheets


def _write(sheet: Sheet, now: datetime) -> tuple[Merged, Chunk]:
    """Write the rows that are in order; what came of it, and everybody in it."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return _try_to_write(sheet, now)
        except IntegrityError:
            # Somebody joined at this very moment: the next look finds them.
            if not left:
                raise
    raise AssertionError


def _try_to_write(sheet: Sheet, now: datetime) -> tuple[Merged, Chunk]:
    keys = list(dict.fromkeys(applicant.key for _, applicant in sheet.fit))
    known = _known(keys)
    suppressed = suppressed_among(keys) if Suppression.objects.exists() else set()
    merged = merge(sheet.fit, known, suppressed)
    ids = _insert_new(list(merged.new.values()), now) if merged.new else ()
    if merged.changed:
        update_rows(Subscriber, DETAILS, [(reader.pk, *reader.details()) for reader in merged.changed])
    if merged.confirmed:
        waiting = Subscriber.objects.filter(pk__among=[reader.pk for reader in merged.confirmed])
        waiting.update(state=Subscriber.State.ACTIVE, confirmed_at=now)
    if merged.more_proofs:
        pks = dict(zip(merged.new, ids, strict=True)) | {key: reader.pk for key, reader in known.items()}
        proofs = [(pks[key], given, source) for key, (given, source) in merged.more_proofs]
        readers, moments, sources = zip(*proofs, strict=True)
        _keep_proofs(readers, moments, sources, now)
    return merged, Chunk((*ids, *(reader.pk for reader in merged.met)), tuple(reader.pk for reader in merged.moved))


def _known(keys: Sequence[str]) -> dict[str, Known]:
    """The readers with these keys, with their proofs. They are locked until the rows are written."""
    here = Subscriber.objects.select_for_update().filter(email_key__among=keys).order_by("pk")
    rows = here.values_list("email_key", "pk", "state", "left_at", *DETAILS)
    known = {key: Known(pk, state, left_at is not None, *details) for key, pk, state, left_at, *details in rows}
    if known:
        by_id = {reader.pk: reader for reader in known.values()}
        kept = Consent.objects.filter(subscriber__among=by_id)
        for pk, given_at, source in kept.values_list("subscriber_id", "given_at", "source"):
            by_id[pk].proofs |= {(given_at, source), (None, source)}
    return known


def _insert_new(new: Sequence[Applicant], now: datetime) -> Sequence[int]:
    """Write readers with their first proofs; their ids."""
    count = len(new)
    emails, keys, names, zones, hours, languages, countries, given, sources = zip(*new, strict=True)
    ids = reserve_ids(Subscriber, count)
    insert(
        Subscriber,
        {
            "id": ids,
            "opaque": new_opaques(count),
            "email": emails,
            "email_key": keys,
            "first_name": [name or "" for name in names],
            "zone": [zone or "UTC" for zone in zones],
            "hour": [hour or dt.time(10, 0) for hour in hours],
            "language": [language or "en" for language in languages],
            "country": [country or "" for country in countries],
            "audience": repeat(Subscriber.Audience.SELF.value, count),
            "state": repeat(Subscriber.State.ACTIVE.value, count),
            "created_at": repeat(now, count),
            "confirmed_at": repeat(now, count),
        },
    )
    _keep_proofs(ids, given, sources, now)
    return ids


def _keep_proofs(
    readers: Sequence[int], given: Iterable[datetime | None], sources: Iterable[str], now: datetime
) -> None:
    insert(
        Consent,
        {
            "subscriber": readers,
            "given_at": [moment or now for moment in given],
            "confirmed_at": repeat(now, len(readers)),
            "source": sources,
            "text_version": repeat("", len(readers)),
        },
    )
