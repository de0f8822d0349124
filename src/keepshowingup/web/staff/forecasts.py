"""When would each letter come? By the same code that sends them, with the clock moved."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.cadence.forecast import forecast
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.timing import load_zone, to_local, to_utc, zone_names
from keepshowingup.web.staff.calendars import months
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.roles import StaffRequest

LONGEST = 400


class Question(forms.Form):
    """Somebody who joins on a day, in a zone, with an hour of their own."""

    start = forms.DateField()
    zone = forms.CharField(max_length=64)
    hour = forms.TimeField()
    days = forms.IntegerField(min_value=1, max_value=LONGEST)


@require_GET
def show(request: StaffRequest, slug: str) -> HttpResponse:
    """The calendar of one invented reader."""
    sequence = find_sequence(slug)
    now = settings.CLOCK.now()
    asked = {"start": now.date().isoformat(), "zone": "Europe/London", "hour": "10:00", "days": "90"}
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
    drawn = months(letters, zone, now, values["days"], start=start)
    return render(request, "staff/forecast.html", context | {"letters": letters, "months": drawn})
