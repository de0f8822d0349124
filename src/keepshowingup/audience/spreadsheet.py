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
from typing import BinaryIO, NamedTuple, TextIO

from keepshowingup.core.errors import Refused

SEPARATORS = ",;\t"
# A longer line is no row of a table. A quoted cell may go over so many lines; an opening quote that is never closed
# would otherwise swallow the rest of the file.
LONGEST_LINE = 64 * 1024
MOST_LINES = 50
# Characters read at once: some thousand lines.
BLOCK = 256 * 1024

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


class Row(NamedTuple):
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
    while True:
        while clean := reader.take_clean():
            for number, cells in _records(clean, reader, separator):
                yield Row(number, cells, "" if len(cells) == columns else _miscounted(cells, columns))
        if (first := reader.take()) is None:
            return
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
            yield Row(number, cells, _miscounted(cells, columns))
        else:
            yield Row(number, cells, _damage(cells))


def safe(cell: str) -> str:
    """A cell no program takes for a formula. :func:`plain` reads it back equal."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell as it was before :func:`safe`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _records(clean: list[str], reader: _Lines, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The records in lines just taken, with their numbers. From one on that needs more than its line, all go back."""
    number = reader.number - len(clean)
    if not any('"' in line for line in clean):
        for line in clean:
            number += 1
            if line and not line.isspace():
                yield number, tuple(line.split(separator))
        return
    # The empty line at the end is taken in by a quotation mark that is still open there.
    records = csv.reader([*clean, ""], delimiter=separator)
    for place, (line, cells) in enumerate(zip(clean, records, strict=False)):
        if records.line_num > place + 1:
            reader.give_back([f"{line}\n" for line in clean[place:]])
            return
        if line and not line.isspace():
            yield number + place + 1, tuple(cells)


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


def _miscounted(cells: tuple[str, ...], columns: int) -> str:
    return f"The row has {len(cells)} columns, the first line has {columns}."


def _damage(cells: tuple[str, ...]) -> str:
    joined = "".join(cells)
    if "\0" in joined:
        return "There is a NUL in the row."
    return "" if _is_text(joined) else "The row is not UTF-8. Save the file as 'CSV UTF-8'."


def _is_text(text: str) -> bool:
    """Whether nothing in it stands for bytes that are none: U+FFFD, or a lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\ufffd" not in text


class _Lines:
    """Lines one after the other, with their number, and the way back for some of them."""

    def __init__(self, text: TextIO, taken: int) -> None:
        self._text = text
        self._begun = ""  # a line whose end has not been read
        self._is_over = False
        self._ready: deque[str] = deque()
        self.number = taken

    def take_clean(self) -> list[str]:
        """The next lines, without their ends, if nothing is wrong in any of them but perhaps quotation; else none."""
        if self._ready:
            return []
        block = self._read()
        *lines, begun = block.split("\n")
        if self._is_over and begun:
            lines.append(begun)
            begun = ""
        too_long = max(map(len, lines), default=0) >= LONGEST_LINE - 1 or len(begun) >= LONGEST_LINE
        if too_long or "\0" in block or not _is_text(block):
            self._sort(block)
            return []
        self._begun = begun
        self.number += len(lines)
        return lines

    def take(self) -> str | None:
        """The next line with its end, or of a line that is too long the next :data:`LONGEST_LINE` characters."""
        line = self._next()
        if line is not None:
            self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)

    def skip_line(self, line: str | None) -> None:
        """The rest of a line that was too long."""
        while line and not line.endswith("\n"):
            line = self._next()

    def _next(self) -> str | None:
        while not self._ready and not self._is_over:
            self._sort(self._read())
        return self._ready.popleft() if self._ready else None

    def _read(self) -> str:
        more = self._text.read(BLOCK)
        self._is_over = not more
        return self._begun + more

    def _sort(self, block: str) -> None:
        *lines, begun = block.split("\n")
        for line in lines:
            self._ready.extend(_cut(f"{line}\n"))
        known = len(begun) if self._is_over else len(begun) - len(begun) % LONGEST_LINE
        self._ready.extend(_cut(begun[:known]))
        self._begun = begun[known:]


def _cut(line: str) -> Iterator[str]:
    return (line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE))
