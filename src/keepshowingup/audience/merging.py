"""What one sheet of a file comes to beside what is known already. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from keepshowingup.audience.applicants import Applicant
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.spreadsheet import Row

SUPPRESSED = "This address must not be written to: it bounced, complained or was erased."
LEFT = "This reader left. Only they can come back, by joining again themselves."

# What a file can say about a reader and change later.
DETAILS = ("first_name", "zone", "hour", "language", "country")

# When (UTC; None: only the note knows) and where a reader agreed.
Proof = tuple[datetime | None, str]


@dataclass(slots=True)
class Known:
    """A reader who is here already, as far as a file can change them, with the proofs that are kept."""

    pk: int
    state: str
    has_left: bool
    first_name: str
    zone: str
    hour: time
    language: str
    country: str
    proofs: set[Proof] = field(default_factory=set)

    def details(self) -> tuple[str, ...]:
        """:data:`DETAILS` as both databases keep them."""
        return tuple(str(getattr(self, name)) for name in DETAILS)


@dataclass
class Merged:
    """What is to be written; readers who are new by their key."""

    new: dict[str, Applicant] = field(default_factory=dict)  # each with their first proof
    met: list[Known] = field(default_factory=list)
    changed: list[Known] = field(default_factory=list)
    moved: list[Known] = field(default_factory=list)  # zone, hour or language are others
    confirmed: list[Known] = field(default_factory=list)  # they had been asked and had not answered
    more_proofs: list[tuple[str, Proof]] = field(default_factory=list)
    refused: list[tuple[Row, str]] = field(default_factory=list)
    updated: int = 0  # rows, not readers: somebody may be there twice


def merge(rows: Iterable[tuple[Row, Applicant]], known: Mapping[str, Known], suppressed: Collection[str]) -> Merged:
    """Go through rows in their order; of somebody who is there twice the later row counts. Changes ``known``."""
    merged = Merged()
    again: dict[str, list[Applicant]] = {}
    for row, applicant in rows:
        key = applicant.key
        reader = known.get(key)
        if key in suppressed or (reader and reader.state == Subscriber.State.SUPPRESSED):
            merged.refused.append((row, SUPPRESSED))
        elif reader and reader.has_left:
            merged.refused.append((row, LEFT))
        elif reader or key in merged.new:
            again.setdefault(key, []).append(applicant)
            merged.updated += 1
        else:
            merged.new[key] = applicant
    for key, said in again.items():
        if reader := known.get(key):
            merged.met.append(reader)
            kept = reader.proofs
            _take(merged, reader, _together(said))
        else:
            first = merged.new[key]
            kept = {(first.given_at, first.source), (None, first.source)}
            merged.new[key] = _together([first, *said])
        merged.more_proofs += ((key, proof) for proof in _unheard(said, kept))
    return merged


def _together(said: Sequence[Applicant]) -> Applicant:
    """One person's rows as one: a later cell covers an earlier one, an empty cell covers nothing."""
    first, *others = said
    for later in others:
        first = first._replace(**_given(later))
    return first


def _take(merged: Merged, reader: Known, applicant: Applicant) -> None:
    """Put what a row says into a reader. Its proof makes one who has not confirmed active."""
    if reader.state != Subscriber.State.ACTIVE:
        merged.confirmed.append(reader)
    changes = {name: value for name, value in _given(applicant).items() if value != getattr(reader, name)}
    for name, value in changes.items():
        setattr(reader, name, value)
    if changes:
        merged.changed.append(reader)
    if changes.keys() & {"zone", "hour", "language"}:
        merged.moved.append(reader)


def _given(applicant: Applicant) -> dict[str, Any]:
    return {name: value for name in DETAILS if (value := getattr(applicant, name)) is not None}


def _unheard(said: Iterable[Applicant], kept: set[Proof]) -> Iterator[Proof]:
    """The proofs in these rows that are not kept yet. A note is kept once, whenever that was."""
    for applicant in said:
        proof = applicant.given_at, applicant.source
        if proof not in kept:
            kept |= {proof, (None, applicant.source)}
            yield proof
