"""Letters that may or may not have arrived: what is known of each, and somebody's word about it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import WrongUsage
from keepshowingup.delivery.deciding import decide
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.web.staff.delivery import ON_A_PAGE, row
from keepshowingup.web.staff.roles import StaffRequest

log = logging.getLogger(__name__)
DONE = {
    Decision.What.ARRIVED: "It counts as delivered.",
    Decision.What.SEND_AGAIN: "It leaves again in a moment.",
    Decision.What.LET_BE: "It stays as it is, and nobody is asked again.",
}


@dataclass(frozen=True)
class Doubt:
    """A letter in doubt with what is known of it, in sentences."""

    row: dict[str, object]
    known: tuple[str, ...]


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """The letters nobody has decided about, oldest first."""
    found = in_doubt_letters().select_related("subscriber", "enrolment__sequence", "notice", "revision")
    found = found.defer("revision__html", "revision__text", "revision__body").prefetch_related("events", "decisions")
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "doubts": [Doubt(row(letter), what_is_known(letter)) for letter in page],
        "resends": settings.UNKNOWN_POLICY == "resend",
        "choices": Decision.What.choices,
    }
    return render(request, "staff/doubts.html", context)


@require_POST
def settle(request: StaffRequest, letter_id: int) -> HttpResponse:
    """It arrived, send it again, or let it be: by the word of who is signed in."""
    said = request.POST.get("what", "")
    if said not in Decision.What.values:
        raise WrongUsage("Say what is right: it arrived, send it again, or let it be.")
    what = Decision.What(said)
    decide(letter_id, what, request.desk.person.email, settings.CLOCK)
    log.info("user %s decided about letter %d: %s", request.user.pk, letter_id, what.value)
    messages.success(request, DONE[what])
    return redirect("staff:doubts")


def what_is_known(letter: Dispatch) -> tuple[str, ...]:
    """The sentences somebody needs to decide. Addresses are in none of them."""
    known = [f"{letter.reason[:1].upper()}{letter.reason[1:].replace('_', ' ')}."]
    if letter.due_local:
        known.append(f"Planned for {letter.due_local.replace('T', ', ')} by the reader's clock.")
    if letter.attempts > 1:
        known.append(f"The mail server was asked {count_of(letter.attempts, 'time')}.")
    known += [
        f"{decision.decided_at:%-d %B, %H:%M} UTC: {decision.get_what_display()}, by {decision.by}."
        for decision in letter.decisions.all()
    ]
    known += [
        f"{event.received_at:%-d %B, %H:%M} UTC: {event.provider} said {event.kind} {event.status}".rstrip() + "."
        for event in letter.events.all()
    ]
    return (*known, f"Message-ID {letter.message_id}")
