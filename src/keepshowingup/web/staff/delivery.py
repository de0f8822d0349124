"""What went out, what did not, and why. Letters are named by reader number, never by address."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from keepshowingup.cadence.marks import A_MARK
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.telling import outcome_sentence
from keepshowingup.web.staff.roles import StaffRequest

ON_A_PAGE = 50
TONES = {
    DispatchState.ACCEPTED: "live",
    DispatchState.UNKNOWN: "wait",
    DispatchState.RETRY_AT: "wait",
    DispatchState.REFUSED: "stop",
}
WORDS = {
    DispatchState.CLAIMED: "about to leave",
    DispatchState.HANDING_OVER: "leaving",
    DispatchState.RETRY_AT: "to be tried again",
    DispatchState.ACCEPTED: "delivered",
    DispatchState.REFUSED: "returned",
    DispatchState.SKIPPED: "not sent",
    DispatchState.UNKNOWN: "held for a decision",
}


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """Newest first; ``?state=`` shows one state."""
    state = request.GET.get("state", "")
    found = Dispatch.objects.select_related("subscriber", "enrolment__sequence", "notice", "revision")
    found = found.defer("revision__html", "revision__text", "revision__body")
    if state in set(DispatchState):
        found = found.filter(state=state)
    else:
        state = ""
    pages = Paginator(found.order_by("-pk"), ON_A_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "rows": [row(dispatch) for dispatch in shown],
        "state": state,
        "states": [(key.value, words) for key, words in WORDS.items()],
    }
    return render(request, "staff/delivery.html", context)


def row(dispatch: Dispatch) -> dict[str, object]:
    """A letter as a line of the list."""
    state = DispatchState(dispatch.state)
    enrolment = dispatch.enrolment
    return {
        "dispatch": dispatch,
        "letter": _name(dispatch),
        "sequence": enrolment.sequence if enrolment else None,
        "word": WORDS[state],
        "tone": TONES.get(state, ""),
        "says": outcome_sentence(dispatch),
        "at": dispatch.handed_over_at or dispatch.claimed_at,
    }


def _name(dispatch: Dispatch) -> str:
    """What the letter is called here; one about a reader's own date has no name, because that would tell the date."""
    if dispatch.enrolment and dispatch.enrolment.sequence.milestones:
        return A_MARK
    if dispatch.revision:
        return dispatch.revision.subject
    return dispatch.notice.get_kind_display() if dispatch.notice else ""
