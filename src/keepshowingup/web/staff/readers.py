"""Readers, as little of them as is needed: counts, one by exact address, their letters, a break, a way out."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from keepshowingup.audience import preferences
from keepshowingup.audience.leaving import is_suppressed, settle_stop_request
from keepshowingup.audience.leaving import leave as leave_all
from keepshowingup.audience.models import StopRequest, Subscriber
from keepshowingup.audience.tagging import tags_of
from keepshowingup.cadence.explaining import About
from keepshowingup.cadence.forecast import forecast_reader
from keepshowingup.cadence.replanning import resume_reader
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.address import check_address
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.timing import load_zone, to_local
from keepshowingup.delivery import telling
from keepshowingup.delivery.models import Dispatch
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note
from keepshowingup.web.staff.calendars import Break, months
from keepshowingup.web.staff.delivery import row
from keepshowingup.web.staff.roles import StaffRequest

log = logging.getLogger(__name__)
LETTERS_SHOWN = 100
DAYS = 90


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """How many there are in each state."""
    return _counts(request)


def _counts(request: StaffRequest, typed: str = "", sentence: str = "", status: int = 200) -> HttpResponse:
    state = Subscriber.State
    counts = Subscriber.objects.aggregate(
        reading=Count("pk", filter=Q(state=state.ACTIVE, paused_at=None)),
        resting=Count("pk", filter=Q(state=state.ACTIVE, paused_at__isnull=False)),
        asked=Count("pk", filter=Q(state=state.UNCONFIRMED)),
        left=Count("pk", filter=Q(state=state.LEFT)),
    )
    stops = StopRequest.objects.filter(settled_at=None).select_related("subscriber").order_by("created_at")
    context = {"counts": counts, "typed": typed, "sentence": sentence, "stops": stops[:LETTERS_SHOWN]}
    return render(request, "staff/readers.html", context, status=status)


@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """One reader by exact address. A POST: the address is in no URL, history or log."""
    typed = request.POST.get("address", "")
    checked = check_address(typed.strip())
    if not checked.ok:
        return _counts(request, typed, f"That is no address: {checked.reason}", 422)
    reader = Subscriber.objects.filter(email_key=checked.key).first()
    if reader is None:
        return _counts(request, typed, "Nobody reads at that address.", 404)
    log.info("user %s looked up reader %s", request.user.pk, reader.opaque)
    return redirect("staff:reader", opaque=reader.opaque)


@require_GET
def show(request: StaffRequest, opaque: str) -> HttpResponse:
    """A reader's letters and why each came or did not."""
    reader = _find(opaque)
    now = settings.CLOCK.now()
    letters = Dispatch.objects.filter(subscriber=reader).select_related("enrolment__sequence", "notice", "revision")
    context = {
        "reader": reader,
        "resting": reader.is_paused(now),
        "suppressed": is_suppressed(reader.email_key),
        "stop_asked": reader.stop_requests.filter(settled_at=None).exists(),
        "told": tell(reader, now),
        "enrolments": reader.enrolments.select_related("sequence", "next_step").order_by("pk"),
        "rows": [row(dispatch) for dispatch in letters.order_by("-pk")[:LETTERS_SHOWN]],
        "tags": tags_of(reader.pk),
        "consents": reader.consents.order_by("-given_at"),
    }
    return render(request, "staff/reader.html", context)


@dataclass(frozen=True)
class Line:
    """What is told about one letter, with its moment on the reader's clock where it has one."""

    about: str
    sentence: str
    moment: dt.datetime | None
    local: dt.datetime | None


@dataclass
class Part:
    """What is told about one sequence; the first part is about the reader."""

    opening: str = ""
    letters: list[Line] = field(default_factory=list)


def tell(reader: Subscriber, now: dt.datetime) -> list[Part]:
    """Why each letter came when it came, a part for each sequence."""
    zone, parts = load_zone(reader.zone), []
    for told in telling.explain(reader.pk, now):
        if told.about in {About.READER, About.SEQUENCE}:
            parts.append(Part(told.sentence))
        else:
            local = to_local(told.moment, zone) if told.moment else None
            parts[-1].letters.append(Line(told.about, told.sentence, told.moment, local))
    return parts


@require_GET
def calendar(request: StaffRequest, opaque: str) -> HttpResponse:
    """The reader's next 90 days, drawn."""
    reader = _find(opaque)
    now, zone = settings.CLOCK.now(), load_zone(reader.zone)
    letters = forecast_reader(reader.pk, now, DAYS)
    rest = Break(reader.paused_at, reader.paused_until) if reader.paused_at else None
    drawn = months(letters, zone, now, DAYS, rest=rest)
    days = [cell for month in drawn for week in month.weeks for cell in week if cell and cell.asked]
    context = {
        "reader": reader,
        "days": DAYS,
        "letters": letters,
        "months": drawn,
        "ends": to_local(reader.paused_until, zone) if reader.paused_until else None,
        "clocks": [f"{cell.date:%A} {cell.date.day} {cell.date:%B}: {cell.clocks}" for cell in days if cell.clocks],
    }
    return render(request, "staff/reader_calendar.html", context)


@require_POST
def pause(request: StaffRequest, opaque: str) -> HttpResponse:
    """A break on the reader's behalf; without a number of days until they say."""
    reader = _find(opaque)
    text = request.POST.get("days", "").strip()
    if text and not (text.isdecimal() and 1 <= int(text) <= 366):
        raise Refused("A break lasts 1 to 366 days, or until they say when the field is empty.")
    preferences.pause(reader.pk, settings.CLOCK.now(), int(text) if text else None)
    log.info("user %s paused reader %s", request.user.pk, reader.opaque)
    messages.success(request, "Their letters rest.")
    return redirect("staff:reader", opaque=opaque)


@require_POST
def tag(request: StaffRequest, opaque: str) -> HttpResponse:
    """Give a tag, or take the one whose button was pressed."""
    reader = _find(opaque)
    give, take = request.POST.get("give", "").strip(), request.POST.get("take", "")
    if retag(reader.pk, settings.CLOCK.now(), give=[give] if give else [], take=[take] if take else []):
        log.info("user %s changed the tags of reader %s", request.user.pk, reader.opaque)
        messages.success(request, "Saved. Their letters follow from now on.")
    return redirect("staff:reader", opaque=opaque)


@require_POST
def resume(request: StaffRequest, opaque: str) -> HttpResponse:
    """The break ends; letters go on, spaced from now."""
    reader = _find(opaque)
    resume_reader(reader.pk, settings.CLOCK.now())
    log.info("user %s resumed reader %s", request.user.pk, reader.opaque)
    messages.success(request, "Their letters go on.")
    return redirect("staff:reader", opaque=opaque)


@require_POST
def settle(request: StaffRequest, opaque: str) -> HttpResponse:
    """Somebody asked to stop mail to this address, and staff have looked. Their letters rest until resumed."""
    reader = _find(opaque)
    who, now = request.desk.person.email, settings.CLOCK.now()
    with transaction.atomic():
        settle_stop_request(reader.pk, who, now)
        note(Entry.What.SETTLED, who=who, about=f"the request to stop letters to reader {reader.opaque}", now=now)
    log.info("user %s settled the stop request for reader %s", request.user.pk, reader.opaque)
    return redirect("staff:reader", opaque=opaque)


@require_http_methods(["GET", "POST"])
def leave(request: StaffRequest, opaque: str) -> HttpResponse:
    """GET asks once more, POST stops everything to this reader."""
    reader = _find(opaque)
    if request.method == "GET":
        return render(request, "staff/reader_leave.html", {"reader": reader})
    now = settings.CLOCK.now()
    with transaction.atomic():
        leave_all(reader.pk, now)
        note(Entry.What.STOPPED_READER, who=request.desk.person.email, about=f"reader {reader.opaque}", now=now)
    log.info("user %s stopped all letters to reader %s", request.user.pk, reader.opaque)
    messages.success(request, "Nothing more goes to this reader.")
    return redirect("staff:reader", opaque=opaque)


def _find(opaque: str) -> Subscriber:
    reader = Subscriber.objects.filter(opaque=opaque).first()
    if reader is None:
        raise NotFound("There is no such reader. They may have been erased.")
    return reader
