"""A file of applicants, 20,000 rows at a time, read while the database is busy with those before."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO, TypeVar

from keepshowingup.audience.applicants import Applicant, Columns
from keepshowingup.audience.spreadsheet import Row, open_text, read_header, read_rows
from keepshowingup.core.errors import WrongUsage

# The more at once, the fewer pages of the indexes are written time and again. The others who want to write to SQLite
# wait as long as this takes, which is less than a second.
ROWS = 20_000

Item = TypeVar("Item")


@dataclass
class Sheet:
    """Rows that are in order and rows that are not, with the reason; ``read`` bytes of the file are behind them."""

    names: tuple[str, ...]
    fit: list[tuple[Row, Applicant]] = field(default_factory=list)
    unfit: list[tuple[Row, str]] = field(default_factory=list)
    read: int = 0


def read_sheets(file: BinaryIO, consent_note: str, now: datetime) -> Generator[Sheet, None, None]:
    """The file in sheets of :data:`ROWS`; at least one. Raises :class:`Refused` when it is no table of readers."""
    lines = open_text(file)
    try:
        names, separator, taken = read_header(lines)
        columns = Columns(names, consent_note, now)
        rows = read_rows(lines, len(names), separator, taken)
        is_over = False
        while not is_over:
            sheet = Sheet(names)
            for row in islice(rows, ROWS):
                _judge(row, columns, sheet)
            is_over = len(sheet.fit) + len(sheet.unfit) < ROWS
            sheet.read = file.tell()
            yield sheet
    finally:
        lines.detach()  # whoever opened the file closes it


def _judge(row: Row, columns: Columns, sheet: Sheet) -> None:
    if row.trouble:
        sheet.unfit.append((row, row.trouble))
        return
    try:
        sheet.fit.append((row, columns.read(row.cells)))
    except WrongUsage as error:
        sheet.unfit.append((row, error.message))


def one_ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """The same items; the next one is made in another thread while this one is used."""
    with closing(items), ThreadPoolExecutor(1, "reading") as reading:
        coming = reading.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reading.submit(next, items, None)
            yield item
