"""Today: what leaves and what left, what waits for a decision, the next two weeks, and alarms as sentences."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.counting import count_of
from keepshowingup.core.states import DispatchState, EnrolmentState
from keepshowingup.delivery import watching
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.watching import status
from keepshowingup.editorial.commenting import sent_back_to
from keepshowingup.editorial.masthead import masthead_obstacles
from keepshowingup.editorial.models import Feed, Sequence
from keepshowingup.web.staff.outlook import Day, outlook
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.standing import standing_of
from keepshowingup.web.staff.timeline import timeline_of

WEEK = dt.timedelta(days=7)
#: Looks in a row at a feed that brought nothing but trouble.
SILENT_AFTER = 3


@dataclass(frozen=True)
class Figure:
    """A number with its words; ``tone`` colours it when somebody should look."""

    number: int
    label: str
    note: str = ""
    tone: str = ""
    url: str = ""


@dataclass(frozen=True)
class Alarm:
    """A sentence, with a page to go to where there is one."""

    sentence: str
    url: str = ""
    label: str = ""


@require_GET
def show(request: StaffRequest) -> HttpResponse:
    """The staff home."""
    now = settings.CLOCK.now()
    days = outlook(now)
    context = {
        "now": now,
        "figures": figures(now, days),
        "days": days,
        "total": sum(day.letters for day in days),
        "alarms": alarms(now),
        "waiting": waiting_for(request) if request.desk.may["approve"] else [],
        "sent_back": sent_back_to(request.desk.person.email),
        "empty": not Sequence.objects.exists(),
    }
    return render(request, "staff/today.html", context)


def figures(now: dt.datetime, days: list[Day]) -> list[Figure]:
    """Five numbers: today's letters, and the last seven days of what did not go as wished."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    delivery = reverse("staff:delivery")
    letters = Dispatch.objects.filter(enrolment__isnull=False)
    counts = letters.aggregate(
        delivered=Count("pk", filter=Q(state=DispatchState.ACCEPTED, handed_over_at__gte=midnight)),
        under_way=Count("pk", filter=Q(state__in=_UNDER_WAY)),
        returned=Count("pk", filter=Q(state=DispatchState.REFUSED, claimed_at__gte=now - WEEK)),
    )
    in_doubt = in_doubt_letters().count()
    left = Subscriber.objects.filter(state=Subscriber.State.LEFT, left_at__gte=now - WEEK).count()
    late = due_enrolments(now).count()
    still_due = days[0].letters + counts["under_way"]
    return [
        Figure(still_due, "due today", f"{late:,} of them now" if late else "still to come"),
        Figure(counts["delivered"], "delivered so far", "today", "live" if counts["delivered"] else ""),
        Figure(
            in_doubt,
            "held for a decision",
            "may or may not have arrived",
            "wait" if in_doubt else "",
            reverse("staff:doubts"),
        ),
        Figure(
            counts["returned"],
            "returned",
            "in seven days",
            "stop" if counts["returned"] else "",
            f"{delivery}?state=refused",
        ),
        Figure(left, "left", "in seven days"),
    ]


_UNDER_WAY = (DispatchState.CLAIMED, DispatchState.HANDING_OVER, DispatchState.RETRY_AT)


def alarms(now: dt.datetime) -> list[Alarm]:
    """What needs a person, most urgent first. Nothing here means all is well."""
    found = [_for_staff(alarm) for alarm in status(now, settings.CLOCK.real()).alarms]
    held = Enrolment.objects.filter(state=EnrolmentState.HELD).order_by("sequence__title", "due_reason")
    found += [
        Alarm(
            f"{count_of(number, 'reader')} of {title} can't get the next letter, because it could not be made: {why}",
            reverse("staff:composer", args=[slug]),
            "Mend it",
        )
        for title, slug, why, number in held.values_list("sequence__title", "sequence__slug", "due_reason").annotate(
            Count("pk")
        )
    ]
    silent = Feed.objects.filter(failures__gte=SILENT_AFTER)
    found += [
        Alarm(
            f"The feed {feed} could not be read {feed.failures} times in a row: {feed.trouble}",
            reverse("staff:feeds"),
            "See the feeds",
        )
        for feed in silent
    ]
    if Sequence.objects.filter(state=Sequence.State.LIVE).exists():
        lacks = masthead_obstacles(at_terminal=False)
        found += [Alarm(sentence, reverse("staff:masthead"), "Mend it") for sentence in lacks]
    return found


def _for_staff(alarm: watching.Alarm) -> Alarm:
    """Who reads a page may have no terminal: show the letters it is about, or say who can do something."""
    if alarm.letters:
        return Alarm(alarm.what, f"{reverse('staff:delivery')}?state={alarm.letters}", "See which letters")
    return Alarm(f"{alarm.what} {SOMEBODY_ELSE}" if alarm.command else alarm.what)


SOMEBODY_ELSE = "Tell whoever runs the server this is on."


def waiting_for(request: StaffRequest) -> list[tuple[Sequence, str]]:
    """Sequences whose letters this person could approve now, each with what waits."""
    found = []
    for sequence in Sequence.objects.order_by("title"):
        timeline = timeline_of(sequence)
        standing = standing_of(sequence, timeline, request.desk)
        if timeline.waiting and not timeline.blocks and not request.desk.wrote(timeline.authors):
            found.append((sequence, standing.main.label if standing.main else ""))
    return found
