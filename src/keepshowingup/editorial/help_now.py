"""Help for right now, the last lines of every letter: reviewed data by country, kept in ``help_now.toml``.

An operator's own ``help_now.toml`` in the data folder replaces the shipped list as a whole.
"""

from __future__ import annotations

import datetime as dt
import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from keepshowingup.core.errors import Refused
from keepshowingup.letters.lines import HelpNow

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).with_name("help_now.toml")
UNKNOWN = "unknown"
#: How long a review holds: a helpline's number or hours may change.
REVIEW_HOLDS = dt.timedelta(days=180)

_TEXT_FIELDS = ("label", "number", "how", "hours", "for", "url", "source_url", "reviewed_by")


@dataclass(frozen=True)
class HelpLine:
    """One helpline of one country, with who looked it up, where and when."""

    country: str
    label: str
    number: str
    how: str
    hours: str
    whom: str
    url: str
    source_url: str
    reviewed_on: dt.date
    reviewed_by: str
    said_in: Mapping[str, HelpNow]

    def in_letter(self, language: str) -> HelpNow:
        """What a reader sees of it: in their language where the book says it, in its own where not."""
        return self.said_in.get(language) or HelpNow(self.label, self.number, self.how, self.hours)


@dataclass(frozen=True)
class HelpBook:
    """All help lines by country (ISO 3166-1 alpha-2, or ``unknown``), and the sentence that stands below them."""

    notice: str
    lines: Mapping[str, tuple[HelpLine, ...]]

    def lines_for(self, country: str) -> tuple[HelpLine, ...]:
        """A country's lines; those for an unknown country where there are none."""
        return self.lines.get(country.upper()) or self.lines[UNKNOWN]


def lines_for(country: str, own: Path | None = None, *, language: str = "en") -> tuple[HelpNow, ...]:
    """The help lines of a letter to a reader in ``country`` (alpha-2, any case, may be empty), said in ``language``.

    ``own`` is the operator's file; without it the one in the data folder is looked for. A letter never goes without
    help: while the operator's file can't be read the shipped lines stand in, and the log says so.
    """
    return tuple(line.in_letter(language) for line in _book_for_letters(own).lines_for(country))


def notice(own: Path | None = None) -> str:
    """The sentence below the lines: this is not an emergency service."""
    return _book_for_letters(own).notice


def read_book(own: Path | None = None) -> HelpBook:
    """The operator's book when there is one, else the shipped one. Raises :class:`Refused` with what is wrong in it."""
    path = own if own is not None else own_file()
    try:
        stat = path.stat()
    except FileNotFoundError:
        path, stat = SHIPPED, SHIPPED.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


def own_file() -> Path:
    """Where an operator keeps a list of their own."""
    from django.conf import settings

    return Path(settings.DATA_DIR) / "help_now.toml"


def obstacles(now: dt.datetime, own: Path | None = None) -> list[str]:
    """What must be mended before letters may go out: lines missing, or not looked at for 180 days.

    ``now`` is aware; reviews are dated by whole days in UTC.
    """
    try:
        book = read_book(own)
    except Refused as refused:
        return [refused.message]
    oldest = now.astimezone(dt.UTC).date() - REVIEW_HOLDS
    stale = [line for lines in book.lines.values() for line in lines if line.reviewed_on < oldest]
    if not stale:
        return []
    names = ", ".join(f"{line.country} {line.label} ({line.reviewed_on.isoformat()})" for line in stale)
    return [
        f"Help-now lines were last checked more than {REVIEW_HOLDS.days} days ago: {names}. Look each up at its "
        f"source_url, then write what you found and today's date as reviewed_on in {own or own_file()}."
    ]


def _book_for_letters(own: Path | None) -> HelpBook:
    try:
        return read_book(own)
    except Refused as refused:
        log.error("Letters carry the shipped help lines: %s", refused.message)
        stat = SHIPPED.stat()
        return _read(SHIPPED, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> HelpBook:
    """Read and check one file. It is asked for each letter, so it is kept until the file's time or size changes."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"The help lines in {path} can't be read: {error}.") from error
    sentence = data.pop("notice", "")
    if not isinstance(sentence, str) or not sentence.strip():
        raise Refused(f'{path} has no notice. Write notice = "This is not an emergency service." at the top.')
    if not data.get(UNKNOWN):
        raise Refused(f"{path} has no lines for an unknown country. Add a [[unknown]] line, such as findahelpline.com.")
    lines = {}
    for country, rows in data.items():
        if country != UNKNOWN and not (len(country) == 2 and country.isascii() and country.isupper()):
            raise Refused(f"{path}: '{country}' is no country. Write two capital letters, such as [[US]].")
        if not isinstance(rows, list) or not rows:
            raise Refused(f"{path}: write the lines of {country} under [[{country}]], each with two brackets.")
        lines[country] = tuple(_line(path, country, row) for row in rows)
    return HelpBook(sentence.strip(), lines)


def _line(path: Path, country: str, row: Any) -> HelpLine:
    if not isinstance(row, dict):
        raise Refused(f"{path}: write the lines of {country} under [[{country}]], each with two brackets.")
    for name in _TEXT_FIELDS:
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise Refused(f"{path}: a line of {country} has no {name}. Every line needs all nine fields.")
    if type(row.get("reviewed_on")) is not dt.date:
        raise Refused(f"{path}: a line of {country} has no date. Write it like reviewed_on = 2026-11-22.")
    whom = row["for"]
    texts = {name: row[name].strip() for name in _TEXT_FIELDS if name != "for"}
    said_in = {name: _said(path, country, row, name) for name in row.keys() - {*_TEXT_FIELDS, "reviewed_on"}}
    return HelpLine(country=country, whom=whom.strip(), reviewed_on=row["reviewed_on"], said_in=said_in, **texts)


def _said(path: Path, country: str, row: Any, name: str) -> HelpNow:
    """A line in another language; what it leaves out is as in the line itself."""
    said = row[name]
    if not isinstance(said, dict) or not all(isinstance(word, str) and word.strip() for word in said.values()):
        raise Refused(f'{path}: a line of {country} says {name} wrongly. Write it like es = {{ how = "llama" }}.')
    if odd := said.keys() - set(HelpNow._fields):
        raise Refused(f"{path}: a line of {country} has no {min(odd)} to say in {name}.")
    return HelpNow(*(str(said.get(field, row[field])).strip() for field in HelpNow._fields))
