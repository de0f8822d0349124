"""The next 90 days as counts per day, for everybody or for the readers of one sequence."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.cadence.ahead import Ahead, letters_ahead
from keepshowingup.core.counting import count_of
from keepshowingup.core.timing import DAY, NAMES_OF_DAYS
from keepshowingup.editorial.models import Sequence
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.roles import StaffRequest

DAYS = 90
TALL, WIDE = 160, 10
# What took this long to count is shown again for as long; both in seconds.
SLOW, KEPT = 2.0, 600


@dataclass(frozen=True)
class Bar:
    """A day of the chart, in units of its drawing."""

    date: dt.date
    letters: int
    x: int
    y: float
    height: float

    @property
    def said(self) -> str:
        """``1,412 letters``."""
        return count_of(self.letters, "letter")


@dataclass(frozen=True)
class Week:
    """Monday to Sunday, in words; empty outside of the days that were asked about."""

    monday: dt.date
    counts: list[str]
    total: str


@dataclass(frozen=True)
class Counted:
    """When it was counted (calendar, UTC), and what came out."""

    at: dt.datetime
    ahead: Ahead


@require_GET
def show(request: StaffRequest) -> HttpResponse:
    """A bar for each day, and a table with a row for each week. ``?sequence=`` counts one sequence only."""
    slug = request.GET.get("sequence", "")
    sequence = find_sequence(slug) if slug else None
    counted = _count(settings.CLOCK.now(), sequence.pk if sequence else None)
    days = counted.ahead.on_days(sequence.pk if sequence else None)
    first = min([counted.at.date(), *days])
    dates = [first + n * DAY for n in range((counted.at.date() - first).days + DAYS)]
    bars, most = _bars(dates, days), max(days.values(), default=0)
    context = {
        "sequence": sequence,
        "sequences": Sequence.objects.exclude(state=Sequence.State.DRAFT).order_by("title"),
        "counted": counted,
        "total": sum(days.values()),
        "letters": count_of(sum(days.values()), "letter"),
        "readers": count_of(counted.ahead.readers, "reader"),
        "names": [name[:3] for name in NAMES_OF_DAYS],
        "most": f"{most:,}",
        "busiest": next((bar.date for bar in bars if bar.letters == most), None),
        "bars": bars,
        "months": [bar for bar in bars if bar.date.day == 1 or bar is bars[0]],
        "width": len(dates) * WIDE,
        "weeks": _weeks(dates, days),
    }
    return render(request, "staff/ahead.html", context)


def _count(now: dt.datetime, sequence_id: int | None) -> Counted:
    key = f"ahead-{sequence_id}"
    kept: Counted | None = cache.get(key)
    if kept is not None:
        return kept
    began = time.monotonic()
    counted = Counted(now, letters_ahead(now, DAYS, sequence_id))
    if time.monotonic() - began > SLOW:
        cache.set(key, counted, KEPT)
    return counted


def _bars(dates: list[dt.date], days: dict[dt.date, int]) -> list[Bar]:
    most = max(days.values(), default=0) or 1
    bars = []
    for number, day in enumerate(dates):
        letters = days.get(day, 0)
        # A single letter beside thousands is still a bar one can see.
        height = max(2.0, round(TALL * letters / most, 1)) if letters else 0.0
        bars.append(Bar(day, letters, number * WIDE, TALL - height, height))
    return bars


def _weeks(dates: list[dt.date], days: dict[dt.date, int]) -> list[Week]:
    monday, weeks = dates[0] - dates[0].weekday() * DAY, []
    while monday <= dates[-1]:
        week = [monday + n * DAY for n in range(7)]
        counts = [f"{days.get(day, 0):,}" if dates[0] <= day <= dates[-1] else "" for day in week]
        weeks.append(Week(monday, counts, f"{sum(days.get(day, 0) for day in week):,}"))
        monday += 7 * DAY
    return weeks
