"""How far the database has come, noted outside of it: so that one that was put back in time is recognised.

Each tick raises a number in the database and then notes it in the data folder. A database whose number is lower than
the folder's has been restored: letters may have left that it knows nothing of. The folder is the place, not the broker:
Redis may be wiped at any time, and where it is our own it lies in the same folder. Each machine that ticks has its own
note; one is enough to raise the alarm for all.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import F

from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import PartMissing
from keepshowingup.delivery.models import HighWater

log = logging.getLogger(__name__)

NOTE = "high-water.json"


@dataclass(frozen=True)
class Mark:
    """How far a database had come when this folder last saw it (real time)."""

    level: int
    seen_at: datetime


@dataclass(frozen=True)
class Behind:
    """What a database that was put back has missed: from its own last tick to the last one the folder saw."""

    since: datetime | None
    until: datetime


def rise(data_dir: Path, real_now: datetime) -> None:
    """The database comes a step further; then the folder is told, and told so that it survives a power cut."""
    with transaction.atomic():
        if not HighWater.objects.filter(pk=1).update(level=F("level") + 1, seen_at=real_now):
            HighWater.objects.bulk_create(
                [HighWater(pk=1, epoch=secrets.token_hex(16), level=1, seen_at=real_now)], ignore_conflicts=True
            )
        row = HighWater.objects.get(pk=1)
    marks = read_marks(data_dir)
    before = marks.get(row.epoch)
    if before is None or before.level < row.level:
        _write_marks(data_dir, {**marks, row.epoch: Mark(row.level, row.seen_at)})


def begin_anew(data_dir: Path, real_now: datetime) -> None:
    """Somebody accepted this database as it is: notes about the one before say nothing about it."""
    try:
        read_marks(data_dir)
    except PartMissing:
        (data_dir / NOTE).unlink()
    HighWater.objects.update_or_create(pk=1, defaults={"epoch": secrets.token_hex(16), "level": 1, "seen_at": real_now})


def how_far_behind(data_dir: Path) -> Behind | None:
    """What this database has missed by what the folder has seen; None when it has missed nothing.

    A database in which nobody reads yet is new, not old.
    """
    marks = read_marks(data_dir)
    if not marks:
        return None
    row = HighWater.objects.filter(pk=1).first()
    if row is None:
        latest = max(mark.seen_at for mark in marks.values())
        return Behind(None, latest) if Enrolment.objects.exists() else None
    mark = marks.get(row.epoch)
    if mark is None or mark.level <= row.level:
        return None
    return Behind(row.seen_at, max(mark.seen_at, row.seen_at))


def read_marks(data_dir: Path) -> dict[str, Mark]:
    """What the folder remembers, by epoch. Raises :class:`PartMissing` for a note that can't be read."""
    note = data_dir / NOTE
    try:
        kept = json.loads(note.read_text())
        return {
            epoch: Mark(int(each["level"]), datetime.fromisoformat(each["seen_at"])) for epoch, each in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PartMissing(f"{NOTE} can't be read: nothing says whether this database was put back in time") from error


def _write_marks(data_dir: Path, marks: dict[str, Mark]) -> None:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    note = data_dir / NOTE
    draft = note.with_name(f".{NOTE}.{os.getpid()}.{secrets.token_hex(4)}")
    said = {epoch: {"level": mark.level, "seen_at": mark.seen_at.isoformat()} for epoch, mark in marks.items()}
    try:
        with draft.open("w") as file:
            file.write(json.dumps(said))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(note)
    finally:
        draft.unlink(missing_ok=True)
