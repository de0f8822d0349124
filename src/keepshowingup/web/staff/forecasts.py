"""When would each letter come? By the same code that sends them, with the clock moved."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.cadence.forecast import ForecastLetter, forecast
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.timing import load_zone, to_local, to_utc, zone_names
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.roles import StaffRequest

LONGEST = 400


class Question(forms.Form):
    """Somebody who joins on a day, in a zone, with an hour of their own."""

    start = forms.DateField()
    zone = forms.CharField(max_length=64)
    hour = forms.TimeField()
    days = forms.IntegerField(min_value=1, max_value=LONGEST)


@dataclass(frozen=True)
class Cell:
    """A day of the calendar with the letters that come on it."""

    date: dt.date
    letters: list[ForecastLetter]
    inside: bool


@dataclass(frozen=True)
class Month:
    """A month as weeks of seven days, Monday first."""

    first: dt.date
    weeks: list[list[Cell]]


@require_GET
def show(request: StaffRequest, slug: str) -> HttpResponse:
    """The calendar of one invented reader."""
    sequence = find_sequence(slug)
    now = settings.CLOCK.now()
    asked = {"start": now.date().isoformat(), "zone": "Europe/London", "hour": "10:00", "days": "120"}
    asked |= {name: request.GET[name] for name in asked if request.GET.get(name)}
    form = Question(asked)
    context = {"sequence": sequence, "asked": asked, "zones": zone_names()}
    if not form.is_valid():
        sentence = "Write the day like 2026-12-01, the hour like 08:30, and 1 to 400 days."
        return render(request, "staff/forecast.html", context | {"sentence": sentence}, status=422)
    values = form.cleaned_data
    try:
        zone = load_zone(values["zone"])
        # The day is one in the reader's zone, at this time of day there.
        start = to_utc(dt.datetime.combine(values["start"], to_local(now, zone).time()), zone)
        letters = forecast(sequence.pk, zone=values["zone"], hour=values["hour"], start=start, days=values["days"])
    except KeepShowingUpError as error:
        return render(request, "staff/forecast.html", context | {"sentence": error.message}, status=error.status)
    return render(request, "staff/forecast.html", context | {"letters": letters, "months": months(letters)})


def months(letters: list[ForecastLetter]) -> list[Month]:
    """The months from the first letter to the last."""
    by_date: dict[dt.date, list[ForecastLetter]] = {}
    for letter in letters:
        by_date.setdefault(letter.local.date(), []).append(letter)
    firsts = sorted({date.replace(day=1) for date in by_date})
    grid = calendar.Calendar()
    return [
        Month(
            first,
            [
                [
                    Cell(date, by_date.get(date, []) if date.month == first.month else [], date.month == first.month)
                    for date in week
                ]
                for week in grid.monthdatescalendar(first.year, first.month)
            ],
        )
        for first in firsts
    ]
