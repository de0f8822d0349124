"""A reader's own page: settings, a break, which letters, all of what we keep, and being forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy, ngettext

from keepshowingup.audience import leaving
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.preferences import change, pause
from keepshowingup.cadence import enrolling, replanning
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.rounds import may_begin_again
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.states import STAYING, EnrolmentState
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Sequence
from keepshowingup.letters.themes import theme_labels
from keepshowingup.letters.words import choose_language, language_names
from keepshowingup.web.public.confirming import masked, said_day, said_when, say_clock
from keepshowingup.web.public.doors import public_page, show, whose_page
from keepshowingup.web.public.download import everything_about
from keepshowingup.web.public.forms import OWN_TIME, PARTS_OF_DAY, LookForm, SettingsForm, parts_of_day
from keepshowingup.web.public.joining import zone_context
from keepshowingup.web.public.own_date import date_context
from keepshowingup.web.public.tongues import TONGUES, say, spoken
from keepshowingup.web.public.zones import country_of, place_of

PACES = (
    ("", gettext_lazy("As they come"), gettext_lazy("in their own rhythm")),
    ("2", gettext_lazy("Two a week"), gettext_lazy("at most")),
    ("1", gettext_lazy("One a week"), gettext_lazy("at most")),
)
BREAKS = {
    "7": gettext_lazy("A week"),
    "14": gettext_lazy("Two weeks"),
    "30": gettext_lazy("A month"),
    "": gettext_lazy("Until I say"),
}


@public_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the page, POST does the one thing its button says."""
    reader = whose_page(request, token)
    if request.method != "POST":
        return _page(request, token, reader)
    act = ACTS.get(request.POST.get("do", ""))
    if act is None:
        return _page(request, token, reader, message=gettext("Please press one of the buttons below."), status=422)
    try:
        return act(request, token, reader, settings.CLOCK.now())
    except KeepShowingUpError as error:
        reader.refresh_from_db()
        return _page(request, token, reader, message=say(error.message), wrong=True, status=error.status)


def _save(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    form = SettingsForm(request.POST)
    if not form.is_valid():
        return _page(request, token, reader, form=form, status=422)
    wanted = form.cleaned_data
    moved_zone = wanted["zone"] != reader.zone
    moved = change(
        reader.pk,
        first_name=wanted["first_name"],
        zone=wanted["zone"],
        hour=wanted["hour"],
        country=country_of(wanted["zone"]) if moved_zone else None,
    )
    if moved:
        replanning.replan_reader(reader.pk, now)
    return _done(request, token, reader, gettext("Saved."))


def _look(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    form = LookForm(request.POST)
    if not form.is_valid():
        return _page(request, token, reader, message=gettext("Please choose how letters should look."), status=422)
    wanted = form.cleaned_data
    # Somebody who reads es-MX and leaves "Español" ticked has not asked for another Spanish.
    same = choose_language([reader.language]) == wanted["language"]
    change(reader.pk, theme=wanted["theme"], language=None if same else wanted["language"])
    translation.activate(wanted["language"] if wanted["language"] in TONGUES else spoken())
    return _done(request, token, reader, gettext("Saved. The next letter looks like that."))


def _pause(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    days = request.POST.get("days", "")
    if days not in BREAKS:
        return _page(request, token, reader, message=gettext("Please choose how long the break should be."), status=422)
    until = pause(reader.pk, now, int(days) if days else None)
    if until is None:
        return _done(request, token, reader, gettext("Letters rest until you say."))
    said = gettext("Letters rest until %(day)s.") % {"day": said_day(until, reader.zone)}
    return _done(request, token, reader, said)


def _resume(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    replanning.resume_reader(reader.pk, now)
    leaving.settle_stop_request(reader.pk, "the reader", now)
    return _done(request, token, reader, gettext("Letters are coming again, one at a time."))


def _letters(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    # Only what the page showed is changed: what began since is not stopped by a box that was never there.
    shown, kept = set(request.POST.getlist("shown")), set(request.POST.getlist("keep"))
    for letters in _choices(reader):
        wanted = str(letters["id"]) in kept
        if str(letters["id"]) not in shown or wanted == letters["coming"]:
            continue
        if wanted:
            enrolling.enrol(reader.pk, letters["id"], now)
        else:
            enrolling.leave_sequence(reader.pk, letters["id"], now)
    return _done(request, token, reader, gettext("Saved."))


def _often(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    wanted = request.POST.get("a_week", "")
    if wanted not in {number for number, *_ in PACES}:
        return _page(
            request, token, reader, message=gettext("Please choose how often letters should come."), status=422
        )
    replanning.choose_pace(reader.pk, int(wanted) if wanted else None, now)
    return _done(request, token, reader, gettext("Saved. Letters that were planned have moved to fit."))


def _leave(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    leaving.leave(reader.pk, now)
    return _done(request, token, reader, gettext("You will get no more letters from us."))


def _download(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    answer = JsonResponse(everything_about(reader), json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


def _ask_to_erase(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    return show(request, "public/erase.html", {"token": token, "address": masked(reader.email)})


def _erase(request: HttpRequest, token: str, reader: Subscriber, now: datetime) -> HttpResponse:
    leaving.erase(reader.pk, now)
    return show(request, "public/erased.html", {"token": ""})


ACTS = {
    "save": _save,
    "look": _look,
    "pause": _pause,
    "resume": _resume,
    "letters": _letters,
    "often": _often,
    "leave": _leave,
    "download": _download,
    "erase": _ask_to_erase,
    "erase-now": _erase,
}


def _coming(reader: Subscriber) -> str:
    words = ngettext(
        "They come at %(clock)s, %(place)s time.", "They come at %(clock)s, %(place)s time.", reader.hour.hour
    )
    return words % {"clock": say_clock(reader.hour), "place": place_of(reader.zone)}


def _done(request: HttpRequest, token: str, reader: Subscriber, message: str) -> HttpResponse:
    reader.refresh_from_db()
    return _page(request, token, reader, message=message)


def _choices(reader: Subscriber) -> list[dict[str, Any]]:
    """The letters this reader gets, and the others they may start."""
    rounds = Enrolment.objects.filter(subscriber=reader).select_related("sequence").order_by("round")
    theirs = {e.sequence_id: e for e in rounds}  # the last round stands for all of them
    today = local_date(settings.CLOCK.now(), load_zone(reader.zone))
    offered = {s.pk: s for s in Sequence.objects.filter(state=Sequence.State.LIVE)}
    offered |= {pk: e.sequence for pk, e in theirs.items() if e.state in STAYING}
    # Milestones have a place of their own on the page: they begin with a date.
    offered = {pk: sequence for pk, sequence in offered.items() if not sequence.milestones}
    return [
        {
            "id": pk,
            "title": sequence.title,
            "language": sequence.language,
            "coming": pk in theirs and theirs[pk].state in STAYING,
            "next": _next(theirs[pk], reader) if pk in theirs else "",
        }
        for pk, sequence in sorted(offered.items(), key=lambda item: item[1].title)
        if pk not in theirs
        or theirs[pk].state in {*STAYING, EnrolmentState.LEFT}
        or may_begin_again(theirs[pk], sequence.again_after_days, reader.zone, today)
    ]


def _next(enrolment: Enrolment, reader: Subscriber) -> str:
    if enrolment.due_at is None or enrolment.state != EnrolmentState.ACTIVE or reader.paused_at:
        return ""
    return said_when(enrolment.due_at, reader.zone)


def _page(
    request: HttpRequest,
    token: str,
    reader: Subscriber,
    *,
    message: str = "",
    wrong: bool = False,
    form: SettingsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = settings.CLOCK.now()
    said = form.data if form else {}
    part = next((part for part, hour in PARTS_OF_DAY.items() if hour == reader.hour), OWN_TIME)
    zone = said.get("zone", reader.zone) if form and "zone" not in form.errors else reader.zone
    paused = reader.is_paused(now)
    context = {
        "token": token,
        "reader": reader,
        "address": masked(reader.email),
        "form": form,
        "message": message,
        "wrong": wrong or bool(form) or status >= 400,
        "reading": reader.state == Subscriber.State.ACTIVE,
        "suppressed": reader.state == Subscriber.State.SUPPRESSED,
        "paused": paused,
        "paused_until": said_day(reader.paused_until, reader.zone) if paused and reader.paused_until else "",
        "breaks": BREAKS.items(),
        "parts_of_day": parts_of_day(),
        "part": said.get("when", part),
        "own_time": OWN_TIME,
        "paces": PACES,
        "a_week": str(reader.letters_a_week or ""),
        "hour": said.get("hour", reader.hour.strftime("%H:%M")),
        "first_name": said.get("first_name", reader.first_name),
        "letters": _choices(reader),
        "looks": theme_labels().items(),
        "languages": language_names().items(),
        "speaks": choose_language([reader.language, masthead().language]),
        **date_context(reader),
        "coming": _coming(reader),
        **zone_context(zone, now),
    }
    return show(request, "public/preferences.html", context, status=status)
