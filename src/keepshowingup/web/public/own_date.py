"""A reader's own date: giving one, giving another, counting no more, or resting everything. No reason is asked.

The page never shows a date that was given, nor how far it is from there.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.counting import is_counting, milestones_for
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.delivery.own_date import change_date
from keepshowingup.web.public.doors import public_page, show, whose_page
from keepshowingup.web.public.tongues import say


class _Unclear(Exception):
    """What was sent says nothing that could be done; a sentence in the page's language."""


@public_page
def own_date(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what can be done, POST does the one thing its button says."""
    reader = whose_page(request, token)
    if request.method != "POST":
        return _page(request, token, reader)
    try:
        done = _act(request, reader)
    except _Unclear as unclear:
        return _page(request, token, reader, message=str(unclear), status=422)
    except KeepShowingUpError as error:
        return _page(request, token, reader, message=say(error.message), status=422)
    return show(request, "public/own_date_done.html", {"token": token, "done": done})


def date_context(reader: Subscriber) -> dict[str, Any]:
    """Whether a date is counted from, and whether one could be; without the date."""
    reading = reader.state == Subscriber.State.ACTIVE
    return {
        "counting": reading and is_counting(reader.pk),
        "may_count": reading and milestones_for(reader) is not None,
        "today": local_date(settings.CLOCK.now(), load_zone(reader.zone)).isoformat(),
    }


def _act(request: HttpRequest, reader: Subscriber) -> str:
    now = settings.CLOCK.now()
    match request.POST.get("do"):
        case "date":
            change_date(reader.pk, _day(request.POST.get("date", "")), now)
            return gettext("From tomorrow on, short notes come counted from the date you gave us.")
        case "stop":
            change_date(reader.pk, None, now)
            return gettext("Nothing is counted any more, and the date is erased.")
        case "pause":
            pause(reader.pk, now, None)
            return gettext("All letters rest until you say.")
    raise _Unclear(gettext("Please press one of the buttons below."))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise _Unclear(gettext("Please give us a whole date, like 2026-11-01.")) from error


def _page(
    request: HttpRequest, token: str, reader: Subscriber, *, message: str = "", status: int = 200
) -> HttpResponse:
    context = {"token": token, "message": message, **date_context(reader)}
    return show(request, "public/own_date.html", context, status=status)
