"""Marks: distances from a date a reader gave us, in calendar dates, never in hours.

A mark is worded as a distance from that date and says nothing about what the date means.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# A letter about a mark that could not leave by then is dropped: late it would be wrong, or worse.
LATEST = timedelta(hours=36)
# Under six months a mark is counted in days, from there on in months.
MONTHS_FROM = 6
LONGEST_DAYS = 183
LONGEST_YEARS = 120

_TEXT = re.compile(r"(\d{1,4}) (day|month|year)s?")


@dataclass(frozen=True)
class Mark:
    """One distance that is marked: either days, or whole months from the date."""

    days: int = 0
    months: int = 0

    def falls_on(self, start: date) -> date:
        """The date of this mark. Months end with the month: 2024-02-29 and 12 months are 2025-02-28."""
        return add_months(start, self.months) + timedelta(days=self.days)

    def __str__(self) -> str:
        """As letters say it: ``30 days``, ``9 months``, ``18 months``, ``2 years``."""
        if self.days:
            return _many(self.days, "day")
        years, months = divmod(self.months, 12)
        return _many(self.months, "month") if months else _many(years, "year")


def read_mark(text: str) -> Mark | None:
    """``30 days``, ``9 months``, ``2 years`` as a mark, None for anything else."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        return None
    number = int(found[1])
    return Mark(days=number) if found[2] == "day" else Mark(months=number * (12 if found[2] == "year" else 1))


def fault_in_mark(mark: Mark, *, yearly: bool) -> str | None:
    """What is wrong with a mark, in a sentence."""
    if mark.days and mark.months:
        return "A mark is so many days, or so many months: not both."
    if not mark.months and not 1 <= mark.days <= LONGEST_DAYS:
        return f"A mark in days is from 1 to {LONGEST_DAYS}; from six months on write months or years."
    if mark.months and not MONTHS_FROM <= mark.months <= 12 * LONGEST_YEARS:
        return f"A mark in months is from {MONTHS_FROM} months to {LONGEST_YEARS} years; before that write days."
    if yearly and (not mark.months or mark.months % 12):
        return "Only a mark of whole years can come again every year."
    return None


def mark_key(step_key: str, since: datetime, year: int = 0) -> str:
    """The name of one reader's letter for one mark, for life: another for each date they give, and for each year.

    ``since`` is when they gave the date, ``year`` the full years where the letter comes every year. Of the mark and
    of the date it says nothing: it stands in lists, and goes on standing there when the date is another.
    """
    told = f"{since.astimezone(UTC).isoformat(timespec='microseconds')}:{year}:{step_key}"
    return "mark-" + hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def is_dropped(own: datetime, now: datetime) -> bool:
    """Whether a letter about a mark whose own moment was ``own`` would come too late at ``now``."""
    return now - own > LATEST


def add_months(start: date, months: int) -> date:
    """``months`` calendar months after ``start``, clipped to the end of the month it lands in."""
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
