"""One row of a file that may become a reader: what it says, checked, or why it can't."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypeVar

from keepshowingup.audience.details import read_country, read_hour, read_language, read_moment
from keepshowingup.audience.joining import tidy_name
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.timing import load_zone

Value = TypeVar("Value")

NO_PROOF = (
    "There is no proof of consent. Fill in consented_at and consent_source, or give a consent note for the whole file."
)


@dataclass(frozen=True)
class Applicant:
    """A row that is in order. None is what the row leaves open. ``given_at`` (UTC) is None when only the note knows."""

    email: str
    key: str
    first_name: str | None
    zone: str | None
    hour: time | None
    language: str | None
    country: str | None
    given_at: datetime | None
    source: str


def read_applicant(cells: Mapping[str, str], consent_note: str, now: datetime) -> Applicant:
    """Check a row by its columns' names. Raises :class:`WrongUsage` with the first thing that is wrong."""
    checked = check_address(cells["email"].strip(" \t"))
    if not checked.ok:
        raise WrongUsage(checked.reason)
    # A file we wrote ourselves says where a reader stood. Who has left stays away.
    if cells.get("state", "").strip() not in {"", "active"}:
        raise WrongUsage("This reader was not reading when the file was written.")
    given_at = _given(cells, "consented_at", lambda text: read_moment(text, now))
    source = tidy_name(cells.get("consent_source", ""), "The consent source", 200)
    if not consent_note and not (given_at and source):
        raise WrongUsage(NO_PROOF)
    return Applicant(
        email=checked.normalised,
        key=checked.key,
        first_name=_given(cells, "first_name", tidy_name),
        zone=_given(cells, "zone", _zone),
        hour=_given(cells, "hour", _hour),
        language=_given(cells, "language", _language),
        country=_given(cells, "country", _country),
        given_at=given_at if given_at and source else None,
        source=source if given_at and source else consent_note,
    )


def _given(cells: Mapping[str, str], name: str, read: Callable[[str], Value]) -> Value | None:
    text = cells.get(name, "").strip()
    return read(text) if text else None


# A file says the same few hundred of these a million times.
_hour = functools.lru_cache(maxsize=2000)(read_hour)
_language = functools.lru_cache(maxsize=2000)(read_language)
_country = functools.lru_cache(maxsize=2000)(read_country)


@functools.lru_cache(maxsize=2000)
def _zone(name: str) -> str:
    load_zone(name)
    return name
