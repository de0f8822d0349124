"""CSV as people's programs write it.

Read row by row, so that a broken row is refused alone; written so that no program takes a cell for a formula.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from keepshowingup.core.errors import Refused

SEPARATORS = ",;\t"
# A longer line is no row of a table. A quoted cell may go over so many lines; an opening quote that is never closed
# would otherwise swallow the rest of the file.
LONGEST_LINE = 64 * 1024
MOST_LINES = 50

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


@dataclass(frozen=True)
class Row:
    """One row: the number of its first line (the first is 1), its cells, and why it can't be read, if it can't."""

    line: int
    cells: tuple[str, ...]
    trouble: str = ""


def open_text(file: BinaryIO) -> io.TextIOWrapper:
    """The text of a CSV file: UTF-8, or UTF-16 with its mark. Bytes that are no UTF-8 come as lone surrogates."""
    start = file.read(4)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline=None)
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline=None)


def read_header(lines: TextIO) -> tuple[tuple[str, ...], str, int]:
    """The columns' names in lower case, the separator, and how many lines they took. Raises :class:`Refused`."""
    first = lines.readline(LONGEST_LINE)
    taken = 1
    if re.fullmatch(r"sep=.\n", first, re.IGNORECASE):  # Excel's own note to itself
        first = lines.readline(LONGEST_LINE)
        taken = 2
    separator = max(SEPARATORS, key=lambda one: len(_cells([first], one)))
    names = tuple("_".join(name.strip().strip("\ufeff").lower().split()) for name in _cells([first], separator))
    if "email" not in names:
        raise Refused("The first line of the file must name the columns, and one must be 'email'.")
    if len(set(names)) < len(names):
        raise Refused("Two columns of the file have the same name.")
    return names, separator, taken


def read_rows(lines: TextIO, columns: int, separator: str, taken: int) -> Iterator[Row]:
    """The rows after the header. Empty lines are none."""
    reader = _Lines(lines, taken)
    while (first := reader.take()) is not None:
        number = reader.number
        if len(first) >= LONGEST_LINE:
            reader.skip_line(first)
            yield Row(number, (), "The line is too long.")
            continue
        if not first.strip():
            continue
        cells, whole = _record(first, reader, separator)
        if not whole:
            yield Row(number, _cells([first.replace('"', "")], separator), "A quotation mark is opened and not closed.")
        elif len(cells) != columns:
            yield Row(number, cells, f"The row has {len(cells)} columns, the first line has {columns}.")
        else:
            yield Row(number, cells, _damage(cells))


def safe(cell: str) -> str:
    """A cell no program takes for a formula. :func:`plain` reads it back equal."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell as it was before :func:`safe`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _record(first: str, reader: _Lines, separator: str) -> tuple[tuple[str, ...], bool]:
    """The cells of the record that begins with ``first``, and whether its quotation marks are closed."""
    if '"' not in first:
        return tuple(first.rstrip("\n").split(separator)), True
    fed = [first]
    ran_out = False

    def feed() -> Iterator[str]:
        nonlocal ran_out
        yield first
        # csv asks for another line only while a quotation mark is open.
        while len(fed) < MOST_LINES and (line := reader.take()) is not None:
            fed.append(line)
            yield line
        ran_out = True

    cells = _cells(feed(), separator)
    if ran_out or not cells:
        reader.give_back(fed[1:])
    return cells, not ran_out and bool(cells)


def _cells(lines: Iterable[str], separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(lines, delimiter=separator), ()))
    except csv.Error:  # a cell above csv's own limit
        return ()


def _damage(cells: tuple[str, ...]) -> str:
    joined = "".join(cells)
    if "\0" in joined:
        return "There is a NUL in the row."
    if joined.isascii():
        return ""
    if "\ufffd" in joined or any("\ud800" <= character <= "\udfff" for character in joined):
        return "The row is not UTF-8. Save the file as 'CSV UTF-8'."
    return ""


class _Lines:
    """Lines one after the other, with their number, and the way back for some of them."""

    def __init__(self, lines: TextIO, taken: int) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self.number = taken

    def take(self) -> str | None:
        line = self._back.popleft() if self._back else self._lines.readline(LONGEST_LINE)
        if not line:
            return None
        self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)

    def skip_line(self, line: str) -> None:
        """The rest of a line that was too long."""
        while line and not line.endswith("\n"):
            line = self._lines.readline(LONGEST_LINE)
