"""Fields of a file people write by hand: read with their lines, every fault gathered, none thrown at the first.

Two forms are read: TOML, and between ``---`` lines also plain ``key: value`` lines. Only TOML is written.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from keepshowingup.core.errors import WrongUsage
from keepshowingup.editorial.wording import fault_in_line, fault_in_text, tidy_line, tidy_text

T = TypeVar("T")
_FIELD = re.compile(r"\s*[\"']?([A-Za-z_][A-Za-z0-9_-]*)[\"']?\s*[=:]")
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_PLAIN_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)\s*:(?:\s+(.*))?\Z")
#: How a time of day is written: a regular expression without anchors.
CLOCK_FORM = r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?"
_CLOCK = re.compile(rf"{CLOCK_FORM}\Z")


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong in a file, in one sentence. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    sentence: str
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


@dataclass
class Fields:
    """The fields of one file. Each ``take_…`` answers with a value that may be used, and notes what is wrong."""

    file: str
    values: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    columns: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, name: str) -> int:
        """Where a field stands; 1 for a field that is not there."""
        return self.lines.get(name, 1)

    def fault(self, name: str, sentence: str | None) -> None:
        """Note a fault at a field's line; None is no fault."""
        if sentence is not None:
            self.faults.append(Fault(self.file, self.line_of(name), sentence, self.columns.get(name, 1)))

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Note each field that has no meaning here, with the one that was perhaps meant."""
        known = sorted(known)
        for name in self.values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
                self.fault(name, f"There is no field '{name}'. {hint}")

    def take_line(self, name: str, longest: int, *, default: str = "", needed: bool = False) -> str:
        """A text of one line."""
        text = tidy_line(self._text(name, default))
        self.fault(name, fault_in_line(name, text, longest, needed=needed))
        return text

    def take_text(self, name: str, longest: int) -> str:
        """A text of several lines."""
        text = tidy_text(self._text(name, ""))
        self.fault(name, fault_in_text(name, text, longest))
        return text

    def take_checked(self, name: str, default: str, check: Callable[[str], str | None]) -> str:
        """A word that ``check`` has nothing against."""
        word = self._text(name, default)
        self.fault(name, check(word))
        return word

    def take_whole(self, name: str) -> int | None:
        """A whole number from 0 upward, or None when the field is not there."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            return int(value)
        if type(value) is int and value >= 0:
            return value
        self.fault(name, f"The field {name} is not a whole number from 0 upward: write it like {name} = 7.")
        return None

    def take_switch(self, name: str) -> bool:
        """True or false; false when the field is not there."""
        value = self.values.get(name, False)
        if type(value) is bool:
            return value
        self.fault(name, f"The field {name} is neither true nor false.")
        return False

    def take_time(self, name: str) -> dt.time | None:
        """A local time of day, or None when the field is not there."""
        value = self.values.get(name)
        if value is None or (type(value) is dt.time and not value.microsecond):
            return value
        time = read_time(value) if isinstance(value, str) else None
        if time is None:
            self.fault(name, f'The field {name} is not a time of day: write it like {name} = "09:00".')
        return time

    def take_date(self, name: str) -> dt.date | None:
        """A local date, or None when the field is not there."""
        value = self.values.get(name)
        if value is None or type(value) is dt.date:
            return value
        try:
            if isinstance(value, str):
                return dt.date.fromisoformat(value)
        except ValueError:
            pass  # said below, as for any other value
        self.fault(name, f"The field {name} is not a date: write it like {name} = 2026-12-01.")
        return None

    def take_span(self, name: str, default: tuple[dt.time, dt.time]) -> tuple[dt.time, dt.time]:
        """A span of local time, such as ``21:00-08:00``; it may cross midnight, its ends may be equal."""
        if name not in self.values:
            return default
        value = self.values[name]
        ends = [read_time(end.strip()) for end in value.split("-")] if isinstance(value, str) else []
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            return ends[0], ends[1]
        self.fault(name, f'The field {name} is not a span of time: write it like {name} = "08:00-21:00".')
        return default

    def take_each(self, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """A list of texts, or one text with commas between them, each read and each once."""
        value = self.values.get(name, [])
        written = value.split(",") if isinstance(value, str) else value
        if not isinstance(written, list) or not all(isinstance(each, str) for each in written):
            self.fault(name, f'The field {name} is not a list of texts: write it like {name} = ["one", "two"].')
            return ()
        taken: dict[T, None] = {}
        for each in filter(str.strip, written):
            try:
                taken[read(each)] = None
            except WrongUsage as wrong:
                self.fault(name, wrong.message)
        return tuple(taken)

    def _text(self, name: str, default: str) -> str:
        value = self.values.get(name, default)
        if isinstance(value, str):
            return value
        self.fault(name, f'The field {name} is not a text: write it like {name} = "words".')
        return default


def read_time(text: str) -> dt.time | None:
    """``9:00`` or ``09:00:30`` as a time, None for anything else."""
    match = _CLOCK.match(text)
    return dt.time(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def read_toml(text: str, file: str, *, first_line: int = 1) -> Fields:
    """The fields of a TOML text that begins at ``first_line`` of its file."""
    lines, columns = _places(text, first_line)
    try:
        return Fields(file, tomllib.loads(text), lines, columns=columns)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _TOML_PLACE.search(said)
        line, column = first_line + text.count("\n"), 1
        if place and place[1]:
            line, column = first_line + int(place[1]) - 1, int(place[2])
        sentence = f"This is not TOML: {_TOML_PLACE.sub('', said)}."
        return Fields(file, {}, faults=[Fault(file, line, sentence, column)])
    except RecursionError:
        return Fields(file, {}, faults=[Fault(file, first_line, "This is not TOML: it is nested too deeply.")])


def read_plain(text: str, file: str, *, first_line: int = 1) -> Fields:
    """The fields of ``key: value`` lines. Every value is a text; quotes around it are taken off."""
    fields = Fields(file, values := {}, lines := {}, columns=(columns := {}))
    for number, row in enumerate(text.split("\n"), first_line):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        column = len(row) - len(row.lstrip()) + 1
        match = _PLAIN_LINE.match(row.strip())
        if match is None:
            fields.faults.append(Fault(file, number, "This line is not like 'key: value'.", column))
        elif match[1] in values:
            fields.faults.append(Fault(file, number, f"The field '{match[1]}' stands here twice.", column))
        else:
            values[match[1]], lines[match[1]] = _unquoted((match[2] or "").strip()), number
            columns[match[1]] = column
    return fields


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _places(text: str, first_line: int) -> tuple[dict[str, int], dict[str, int]]:
    """Lines and columns of the fields; where a name stands twice, of the first."""
    lines: dict[str, int] = {}
    columns: dict[str, int] = {}
    for number, row in enumerate(text.split("\n"), first_line):
        if (match := _FIELD.match(row)) and lines.setdefault(match[1], number) == number:
            columns[match[1]] = match.start(1) + 1
    return lines, columns


def toml_text(text: str) -> str:
    """A text as a TOML basic string on one line."""
    short: dict[str, str | int | None] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    control: dict[str, str | int | None] = {chr(code): f"\\u{code:04X}" for code in (*range(32), 127)}
    return '"' + text.translate(str.maketrans(control | short)) + '"'
