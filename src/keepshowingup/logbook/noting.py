"""Writing a line into the logbook, and finding out whether all of it is as it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from keepshowingup.logbook.models import Entry

#: Who did it where no person is known: a demonstration, a test, a script that says nothing.
PROGRAM = "the program"
BEGINNING = "0" * 64
# One writer after the other, by a lock of PostgreSQL that ends with the transaction; on SQLite there is only one.
_LOCK = 0x6B73755F6C6F67


def note(
    what: Entry.What,
    *,
    who: str,
    about: str,
    now: datetime,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Write a line, in the caller's transaction: what was not done is not in the logbook either.

    To be called last in it, because other writers wait until it ends. ``now`` is UTC, on the calendar; ``about`` and
    ``details`` name readers by their opaque ids only.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = Entry.objects.order_by("pk").values_list("digest", flat=True).last()
        entry = Entry(
            at=now,
            who=who.strip() or PROGRAM,
            what=what,
            about=about[:200],
            reason=reason.strip(),
            details=_plain(details or {}),
            previous=last or BEGINNING,
        )
        entry.digest = digest_of(entry)
        entry.save()
    return entry


def first_broken() -> Entry | None:
    """The oldest line that is not as it was written, or whose predecessor is not; None when all is well.

    Lines cut off at the end leave no gap: keep the newest digest somewhere else to notice that too.
    """
    before = BEGINNING
    for entry in Entry.objects.order_by("pk").iterator():
        if entry.previous != before or entry.digest != digest_of(entry):
            return entry
        before = entry.digest
    return None


def digest_of(entry: Entry) -> str:
    """What the line's digest must be, in hex."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [at, entry.who, str(entry.what), entry.about, entry.reason, entry.details, entry.previous]
    written = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(values: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(values, cls=DjangoJSONEncoder))
