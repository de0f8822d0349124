"""Counting from a date a reader gave us, in calendar dates, never in hours.

A mark is worded as a distance from that date and says nothing about what the date means.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, count

# A milestone that could not be sent by then is dropped: late congratulations are worse than none.
LATEST = timedelta(hours=36)
MONTHS_FROM = 6
FIRST_DAYS = (1, 7, 14, 30, 60, 90, 120, 150)
FIRST_MONTHS = (6, 9, 12, 18)


@dataclass(frozen=True)
class Mark:
    """One distance that is marked: either days, or whole months from the anchor."""

    days: int = 0
    months: int = 0

    def falls_on(self, anchor: date) -> date:
        """The date of this mark. Months end with the month: 2024-02-29 and 12 months are 2025-02-28."""
        return add_months(anchor, self.months) + timedelta(days=self.days)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        parts = [_many(years, "year"), _many(months, "month"), _many(self.days, "day")]
        return " and ".join(part for part in parts if part) or "0 days"

    @property
    def words(self) -> str:
        """As letters say it: ``30 days from the date you gave us``."""
        return f"{self} from the date you gave us"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}" if number else ""


def add_months(anchor: date, months: int) -> date:
    """``months`` calendar months after ``anchor``, clipped to the end of the month it lands in."""
    year, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + year, month + 1
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))


def distance(anchor: date, today: date) -> Mark:
    """How far ``today`` is from the anchor: days under six months, then whole months. Both are local dates."""
    months = (today.year - anchor.year) * 12 + today.month - anchor.month
    if add_months(anchor, months) > today:
        months -= 1
    if months < MONTHS_FROM:
        return Mark(days=(today - anchor).days)
    return Mark(months=months)


def marks() -> Iterator[Mark]:
    """Every mark there is, in order: days under six months, then months, then each full year."""
    days = (Mark(days=n) for n in FIRST_DAYS)
    months = (Mark(months=n) for n in FIRST_MONTHS)
    return chain(days, months, (Mark(months=12 * years) for years in count(2)))


def next_mark(anchor: date, after: date) -> Mark:
    """The first mark that falls later than the local date ``after``: marks already passed are never made up for."""
    return next(mark for mark in marks() if mark.falls_on(anchor) > after)


def is_dropped(due: datetime, now: datetime) -> bool:
    """Whether a milestone that was due at ``due`` comes too late to be sent at ``now``."""
    return now - due > LATEST
