"""The page a confirmation link opens. A mail scanner that follows the link changes nothing: a person presses."""

from __future__ import annotations

from datetime import datetime, time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext, ngettext

from keepshowingup.audience.joining import find_invitation
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence import enrolling
from keepshowingup.cadence.rounds import last_round
from keepshowingup.core.errors import Refused
from keepshowingup.core.timing import load_zone
from keepshowingup.web.public.doors import public_page, show
from keepshowingup.web.public.tongues import say, speak
from keepshowingup.web.public.zones import place_of


@public_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, POST confirms and says when the first letter comes."""
    now = settings.CLOCK.now()
    if request.method != "POST":
        invitation = find_invitation(token, now)
        speak(request, invitation.language)
        return show(request, "public/confirm.html", {"token": token, "address": masked(invitation.subscriber.email)})
    try:
        confirmed = enrolling.confirm(token, now)
    except Refused as refused:
        return show(request, "public/refused.html", {"message": say(refused.message)}, status=refused.status)
    reader = Subscriber.objects.get(pk=confirmed.subscriber_id)
    speak(request, reader.language)
    enrolment = last_round(reader.pk, confirmed.sequence_id) if confirmed.sequence_id is not None else None
    context = {
        "token": token,
        "first_letter": said_when(enrolment.due_at, reader.zone) if enrolment and enrolment.due_at else "",
        "preferences": f"/preferences/{make(Purpose.PREFERENCES, reader.opaque)}",
    }
    return show(request, "public/confirmed.html", context)


def masked(address: str) -> str:
    """Enough of an address for its owner, and not for somebody looking over a shoulder: ``m•••@example.org``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def said_when(moment: datetime, zone: str) -> str:
    """A moment as the reader's own wall shows it: Tuesday 24 November, about 8:30, Santiago time."""
    local = moment.astimezone(load_zone(zone))
    # One o'clock is the only hour that is singular, in languages in which hours are counted.
    words = ngettext("%(day)s, about %(clock)s, %(place)s time", "%(day)s, about %(clock)s, %(place)s time", local.hour)
    return words % {"day": said_day(moment, zone), "clock": say_clock(local.time()), "place": place_of(zone)}


def said_day(moment: datetime, zone: str) -> str:
    """The local date of a moment: Thursday 3 December, jueves 3 de diciembre."""
    return date_format(moment.astimezone(load_zone(zone)), gettext("l j F"))


def say_clock(clock: time) -> str:
    """An hour of the day as both languages write it: 8:30."""
    return f"{clock.hour}:{clock.minute:02d}"
