"""How much a reader gets: so many letters a local day, so many in any 7 local days, across everything they receive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from keepshowingup.core.errors import WrongUsage

DAY = timedelta(days=1)
WEEK = 7


class Priority(IntEnum):
    """Who waits least when two letters want the same day: the smaller number."""

    CRISIS = 0
    MILESTONE = 1
    SEQUENCE = 2
    NEWSLETTER = 3


@dataclass(frozen=True)
class Pace:
    """At most ``per_day`` letters on a local day and ``per_week`` in any 7 local days in a row."""

    per_day: int = 1
    per_week: int = 3

    def __post_init__(self) -> None:
        if self.per_day < 1 or self.per_week < 1:
            raise WrongUsage("At least one letter a day and one a week must be allowed, or nothing would ever come.")

    def at_most(self, a_week: int | None) -> Pace:
        """This pace, or the slower one of a reader who chose to get so many letters in 7 days."""
        if a_week is None or a_week >= self.per_week:
            return self
        return Pace(min(self.per_day, a_week), a_week)

    def __str__(self) -> str:
        return f"at most {self.per_day} a day and {self.per_week} in 7 days"


def first_free_day(wanted: date, taken: Iterable[date], pace: Pace) -> date:
    """The first day from ``wanted`` on that can have one more letter beside those on the days ``taken``.

    ``taken`` names a day once per letter on it, past or planned, in any order.
    """
    letters = Counter(taken)
    day = wanted
    while not _is_free(day, letters, pace):
        day += DAY
    return day


def _is_free(day: date, letters: Counter[date], pace: Pace) -> bool:
    if letters[day] >= pace.per_day:
        return False
    near = {offset: count for each, count in letters.items() if abs(offset := (each - day).days) < WEEK}
    if sum(near.values()) < pace.per_week:
        return True
    weeks = (range(first, first + WEEK) for first in range(1 - WEEK, 1))
    return all(sum(near.get(offset, 0) for offset in week) < pace.per_week for week in weeks)
