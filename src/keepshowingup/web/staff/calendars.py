"""A reader's days drawn as months: letters in their cells, breaks shaded, clock changes marked."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from keepshowingup.cadence.forecast import ForecastLetter
from keepshowingup.core.shifts import shifts
from keepshowingup.core.timing import DAY, local_date, to_utc
from keepshowingup.web.staff.counting import minute_words


@dataclass
class Cell:
    """A day. ``asked`` is false for the days before and after those that were asked about."""

    date: dt.date
    asked: bool
    today: bool = False
    resting: bool = False
    clocks: str = ""
    letters: list[ForecastLetter] = field(default_factory=list)


@dataclass(frozen=True)
class Month:
    """A month as weeks of seven days, Monday first; None where a week belongs to another month."""

    first: dt.date
    weeks: list[list[Cell | None]]


@dataclass(frozen=True)
class Break:
    """Letters rest from ``since`` to ``until`` (aware); without an end until the reader says."""

    since: dt.datetime
    until: dt.datetime | None


def months(
    letters: Iterable[ForecastLetter],
    zone: ZoneInfo,
    now: dt.datetime,
    days: int,
    *,
    start: dt.datetime | None = None,
    rest: Break | None = None,
) -> list[Month]:
    """The months of the ``days`` local days from ``start`` (``now`` where nothing is said) on, with what is in them."""
    first = local_date(start or now, zone)
    last = first + days * DAY
    by_date: defaultdict[dt.date, list[ForecastLetter]] = defaultdict(list)
    for letter in letters:
        by_date[letter.local.date()].append(letter)
    today, clocks = local_date(now, zone), _clocks(zone, first, last)

    def cell(day: dt.date) -> Cell:
        return Cell(
            day,
            asked=first <= day <= last,
            today=day == today,
            resting=rest is not None and first <= day <= last and _rests(day, zone, rest),
            clocks=clocks.get(day, ""),
            letters=by_date[day],
        )

    grid, found, month = calendar.Calendar(), [], first.replace(day=1)
    while month <= last:
        weeks = grid.monthdatescalendar(month.year, month.month)
        found.append(
            Month(month, [[cell(day) if day.month == month.month else None for day in week] for week in weeks])
        )
        month = (month + 31 * DAY).replace(day=1)
    return found


def _rests(day: dt.date, zone: ZoneInfo, rest: Break) -> bool:
    """Whether the whole rest of the day is a break: on the day it ends letters come again."""
    return local_date(rest.since, zone) <= day and (rest.until is None or day < local_date(rest.until, zone))


def _clocks(zone: ZoneInfo, first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """What the clocks do, by the local day they do it on."""
    since, until = (to_utc(dt.datetime.combine(day, dt.time()), zone) for day in (first, last + DAY))
    return {
        each.first.date(): f"clocks go {'forward' if each.forward else 'back'} "
        f"{minute_words(abs(each.by).seconds // 60)} at {each.first if each.forward else each.last:%H:%M}"
        for each in shifts(zone, since, until)
    }
