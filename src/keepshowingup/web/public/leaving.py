"""Leaving: the page behind every letter's stop link, and the address mail providers post to (RFC 8058)."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext

from keepshowingup.audience.leaving import MISTAKE, leave, take_back
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.notices import owe_goodbye
from keepshowingup.audience.tokens import Purpose, make, read
from keepshowingup.cadence import enrolling, replanning
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import Refused
from keepshowingup.core.states import STAYING
from keepshowingup.editorial.models import Sequence
from keepshowingup.web.public.doors import public_page, show
from keepshowingup.web.public.tongues import say, speak


@public_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button. POST stops all letters before it answers, and answers alike however often it is sent.

    The body is not looked at: one-click (urlencoded or multipart) and the button on the page mean the same. A reader
    who was erased gets the same page; there is nothing left to stop.
    """
    reader = _reader(request, token)
    if request.method != "POST":
        return show(request, "public/unsubscribe.html", {"token": token, "preferences": _preferences(reader)})
    if reader is not None:
        leave(reader.pk, settings.CLOCK.now())
    return _left(request, token, reader)


@public_page
def again(request: HttpRequest, token: str) -> HttpResponse:
    """The way back, right after leaving: start again what is ticked, and stop only the rest."""
    reader = _reader(request, token)
    if request.method != "POST" or reader is None:
        return show(request, "public/unsubscribe.html", {"token": token, "preferences": _preferences(reader)})
    now = settings.CLOCK.now()
    letters = list(_letters(reader))
    kept = {letter.pk for letter in letters if str(letter.sequence_id) in request.POST.getlist("keep")}
    if not kept:
        return _left(request, token, reader, message=gettext("Please tick the letters you would like to get again."))
    try:
        take_back(reader.pk, now)
    except Refused as refused:
        return _left(request, token, reader, message=say(refused.message))
    for letter in letters:
        if letter.pk not in kept:
            enrolling.leave_sequence(reader.pk, letter.sequence_id, now)
    replanning.replan_reader(reader.pk, now)
    return show(request, "public/back.html", {"token": token, "preferences": _preferences(reader)})


@public_page
def note(request: HttpRequest, token: str) -> HttpResponse:
    """One last letter that says it worked, for those who press for it right after leaving."""
    reader = _reader(request, token)
    if request.method != "POST" or reader is None:
        return show(request, "public/unsubscribe.html", {"token": token, "preferences": _preferences(reader)})
    try:
        owe_goodbye(reader.pk, settings.CLOCK.now())
    except Refused as refused:
        return _left(request, token, reader, message=say(refused.message))
    return _left(request, token, reader, noted=True)


def _reader(request: HttpRequest, token: str) -> Subscriber | None:
    opaque = read(Purpose.LEAVE, token)
    if opaque is None:
        raise Http404
    reader = Subscriber.objects.filter(opaque=opaque).first()
    if reader is not None:
        speak(request, reader.language)
    return reader


def _left(
    request: HttpRequest, token: str, reader: Subscriber | None, message: str = "", *, noted: bool = False
) -> HttpResponse:
    """What is shown after leaving; the way back is offered while it is open."""
    if reader is not None:
        reader.refresh_from_db()
    open_still = (
        reader is not None
        and reader.state == Subscriber.State.LEFT
        and reader.confirmed_at is not None
        and reader.left_at is not None
        and reader.left_at > settings.CLOCK.now() - MISTAKE
    )
    context = {
        "token": token,
        "message": message,
        "noted": noted,
        "open_still": open_still,
        "letters": _letters(reader) if reader and open_still else [],
    }
    return show(request, "public/left.html", context)


def _letters(reader: Subscriber) -> list[Enrolment]:
    """What was still coming when the reader left."""
    coming = Enrolment.objects.filter(subscriber=reader, state__in=STAYING)
    return list(coming.exclude(sequence__state=Sequence.State.DRAFT).select_related("sequence").order_by("pk"))


def _preferences(reader: Subscriber | None) -> str:
    return f"/preferences/{make(Purpose.PREFERENCES, reader.opaque)}" if reader else ""
