"""All readers as a CSV file that our own import reads back, and that no spreadsheet program takes for formulas."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from django.db.models import Prefetch

from keepshowingup.audience.models import Consent, Subscriber
from keepshowingup.audience.spreadsheet import safe
from keepshowingup.core.errors import Refused

COLUMNS = (
    "email",
    "first_name",
    "zone",
    "hour",
    "language",
    "country",
    "consented_at",
    "consent_source",
    "state",
)


def export_readers(path: Path) -> int:
    """Write every reader, also those who left, with their newest proof of consent; returns how many.

    Only the owner may read the file. Raises :class:`Refused` when it can't be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            count = 0
            for cells in _rows():
                out.writerow([safe(cell) for cell in cells])
                count += 1
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Refused(f"{path} can't be written: {error.strerror}.") from error
    return count


def _rows() -> Iterator[tuple[str, ...]]:
    proofs = Prefetch("consents", queryset=Consent.objects.order_by("-given_at", "-pk"))
    for reader in Subscriber.objects.order_by("pk").prefetch_related(proofs).iterator(chunk_size=2000):
        proof = next(iter(reader.consents.all()), None)
        yield (
            reader.email,
            reader.first_name,
            reader.zone,
            f"{reader.hour:%H:%M}",
            reader.language,
            reader.country,
            proof.given_at.isoformat() if proof else "",
            proof.source if proof else "",
            reader.state,
        )
