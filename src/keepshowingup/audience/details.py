"""A reader's small particulars as text, from a file, a command or the API, read into what is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

from keepshowingup.core.errors import WrongUsage

_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?")
# RFC 5646: a language, perhaps a script, perhaps a region. Kept in ten characters.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Z]{2}|\d{3}))?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def read_hour(text: str) -> time:
    """A local time of day, ``10:00``. Raises :class:`WrongUsage`."""
    found = _HOUR.fullmatch(text.strip())
    if not found or not text.isascii():
        raise WrongUsage("The hour is no time of day. Write it like 10:00.")
    return time(int(found[1]), int(found[2]))


def read_language(text: str) -> str:
    """A language tag, ``en`` or ``pt-BR``. Raises :class:`WrongUsage`."""
    tag = text.strip().replace("_", "-")
    head, *rest = tag.split("-")
    tidy = "-".join([head.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])
    if len(tidy) > 10 or not _LANGUAGE.fullmatch(tidy):
        raise WrongUsage("The language is no language tag. Write it like en or pt-BR.")
    return tidy


def read_country(text: str) -> str:
    """A country by its two letters (ISO 3166-1), upper case; empty stays empty. Raises :class:`WrongUsage`."""
    code = text.strip().upper()
    if code and not _COUNTRY.fullmatch(code):
        raise WrongUsage("The country must be its two letters, like GB.")
    return code


def read_moment(text: str, now: datetime) -> datetime:
    """A moment that has been: ISO 8601; without an offset it is UTC, without a time midnight. In UTC.

    Raises :class:`WrongUsage` for anything else, and for a moment after ``now`` or before 1990.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongUsage("The moment of consent can't be read. Write it like 2026-11-23T09:00:00Z.") from error
    if not _EARLIEST <= moment <= now:
        raise WrongUsage("The moment of consent is not in the past.")
    return moment
