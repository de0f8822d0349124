"""One row of a file that may become a reader: what it says, checked, or why it can't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import NamedTuple, TypeVar

from keepshowingup.audience.details import read_country, read_hour, read_language, read_moment
from keepshowingup.audience.joining import tidy_name
from keepshowingup.audience.spreadsheet import plain
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.plain_address import read_plain_address
from keepshowingup.core.timing import load_zone

Value = TypeVar("Value")

NO_PROOF = (
    "There is no proof of consent. Fill in consented_at and consent_source, or give a consent note for the whole file."
)


class Applicant(NamedTuple):
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


class Columns:
    """The columns of a file by their place, each with what its cells mean; a column that is not there is empty."""

    def __init__(self, names: Sequence[str], consent_note: str, now: datetime) -> None:
        places = {name: place for place, name in enumerate(names)}

        def place(name: str) -> int:
            return places.get(name, -1)  # read() puts an empty cell at the end

        self._note = consent_note
        self._email = places["email"]
        self._state, self._standing = place("state"), Meanings(_was_reading)
        self._given_at, self._moments = (
            place("consented_at"),
            Meanings(_unless_empty(lambda text: read_moment(text, now))),
        )
        self._source, self._sources = (
            place("consent_source"),
            Meanings(lambda text: tidy_name(text, "The consent source", 200)),
        )
        self._first_name, self._names = place("first_name"), Meanings(_unless_empty(tidy_name))
        self._zone, self._zones = place("zone"), Meanings(_unless_empty(_zone))
        self._hour, self._hours = place("hour"), Meanings(_unless_empty(read_hour))
        self._language, self._languages = place("language"), Meanings(_unless_empty(read_language))
        self._country, self._countries = place("country"), Meanings(_unless_empty(read_country))

    def read(self, cells: Sequence[str]) -> Applicant:
        """Check a row. Raises :class:`WrongUsage` with the first thing that is wrong."""
        cells = (*cells, "")
        email, key = read_plain_address(cells[self._email]) or _checked_address(cells[self._email])
        self._standing[cells[self._state]]
        given_at = self._moments[cells[self._given_at]]
        source = self._sources[cells[self._source]]
        if not (given_at and source):
            if not self._note:
                raise WrongUsage(NO_PROOF)
            given_at, source = None, self._note
        return Applicant(
            email,
            key,
            self._names[cells[self._first_name]],
            self._zones[cells[self._zone]],
            self._hours[cells[self._hour]],
            self._languages[cells[self._language]],
            self._countries[cells[self._country]],
            given_at,
            source,
        )


class Meanings(dict[str, Value]):
    """What the cells of a column mean: a file says the same few hundred things a million times."""

    MOST = 2000

    def __init__(self, read: Callable[[str], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Value:
        meaning = self._read(plain(cell).strip())
        if len(self) >= self.MOST:
            self.clear()
        self[cell] = meaning
        return meaning


def _unless_empty(read: Callable[[str], Value]) -> Callable[[str], Value | None]:
    return lambda text: read(text) if text else None


def _checked_address(cell: str) -> tuple[str, str]:
    checked = check_address(plain(cell).strip(" \t"))
    if not checked.ok:
        raise WrongUsage(checked.reason)
    return checked.normalised, checked.key


def _was_reading(state: str) -> None:
    """A file we wrote ourselves says where a reader stood. Who has left stays away."""
    if state not in {"", "active"}:
        raise WrongUsage("This reader was not reading when the file was written.")


def _zone(name: str) -> str:
    load_zone(name)
    return name
