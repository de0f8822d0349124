"""Changing a running sequence: the page that asks first, what was changed before, and undoing it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from keepshowingup.cadence import replans
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.core.timing import Timing
from keepshowingup.delivery import undoing
from keepshowingup.editorial import composing
from keepshowingup.editorial.editing import changing, find_edit
from keepshowingup.editorial.foreseen import Foreseen, by_deleting, by_moving, by_timing
from keepshowingup.editorial.models import Edit, Step
from keepshowingup.editorial.timings import say_timing, timing_of
from keepshowingup.web.staff.finding import find_sequence, find_step
from keepshowingup.web.staff.letterform import TimingForm
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.ways import choices_for, chosen, is_asked


@dataclass(frozen=True)
class Asked:
    """A change that is asked for: in words, foreseen, and the verb that makes it."""

    title: str
    says: str
    button: str
    foreseen: Foreseen
    make: Callable[[datetime], object]


@require_http_methods(["GET", "POST"])
def change(request: StaffRequest, step_id: int) -> HttpResponse:
    """GET says whom another day, another place or a deletion reaches, and asks for whom; POST does it."""
    step = find_step(step_id)
    sequence, now = step.sequence, settings.CLOCK.now()
    asked = _read(step, request.GET)
    choices = choices_for(sequence, asked.foreseen, now)
    context = {"sequence": sequence, "step": step, "asked": asked, "choices": choices, "way": choices[0].key}
    if request.method == "GET":
        return render(request, "staff/change.html", context)
    try:
        choice = chosen(choices, request.POST)
    except Refused as refused:
        context |= {"sentence": refused.message, "way": request.POST.get("way", "")}
        return render(request, "staff/change.html", context, status=refused.status)
    with changing(sequence.pk, by=request.desk.person.email, now=now, way=choice.way, heads=choice.counted):
        asked.make(now)
    replans.after_change(sequence.pk, now)
    messages.success(request, f"Done, {choice.way.words}. It can be undone until its first letter goes.")
    return redirect("staff:changes", slug=sequence.slug)


def make(request: StaffRequest, step: Step, query: str) -> HttpResponse | None:
    """Make the change at once where nobody would notice; else the way to the page that asks.

    ``query`` is what the page reads: ``what=move&places=-1``.
    """
    if is_asked(step.sequence):
        return redirect(f"{reverse('staff:change', args=[step.pk])}?{query}")
    now = settings.CLOCK.now()
    with changing(step.sequence_id, by=request.desk.person.email, now=now):
        _read(step, QueryDict(query)).make(now)
    return None


def query_of(timing: Timing) -> str:
    """A timing as the page that asks reads it."""
    query = QueryDict(mutable=True)
    query.update({"what": "day", **TimingForm.fields_for(timing)})
    return query.urlencode()


def _read(step: Step, query: QueryDict) -> Asked:
    name = f"“{step.subject}”"
    match query.get("what"):
        case "delete":
            return Asked(
                "Take this letter out",
                f"{name} is deleted: who waits for it gets the one after it instead, on its own day.",
                "Delete this letter",
                by_deleting(step),
                lambda now: composing.delete_step(step.pk, now=now),
            )
        case "move":
            places = _places(query.get("places", ""))
            return Asked(
                "Another place in the order",
                f"{name} moves {count_of(abs(places), 'place')} {'up' if places < 0 else 'down'}. "
                "The days stay: the letters change places on them.",
                "Move this letter",
                by_moving(step, places),
                lambda now: composing.move_step(step.pk, places, now=now),
            )
        case "day":
            form = TimingForm(data=query)
            if not form.is_valid():
                raise WrongUsage(form.sentence())
            timing = form.timing()
            return Asked(
                "Another day",
                f"{name} comes {say_timing(timing)} instead of {say_timing(timing_of(step))}.",
                "Change the day",
                by_timing(step, timing),
                lambda now: composing.set_timing(step.pk, timing, now=now),
            )
    raise WrongUsage("Nothing here says what to change. Go back to the letter and press its button again.")


def _places(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,3}", text):
        raise WrongUsage("A letter moves so many places up or down. Go back and press its button again.")
    return int(text)


@dataclass(frozen=True)
class Row:
    """One change that was made, with why it can't be undone."""

    edit: Edit
    words: list[str]
    for_whom: str
    why_not: str


@require_GET
def index(request: StaffRequest, slug: str) -> HttpResponse:
    """What was changed while readers were on it, how far their plans are, and Undo while there is one."""
    sequence = find_sequence(slug)
    rows = [
        Row(edit, _words(edit), FOR_WHOM.get(edit.way, edit.way), undoing.why_not(edit))
        for edit in sequence.edits.all()[:50]
    ]
    context = {"sequence": sequence, "rows": rows, "progress": replans.progress_of(sequence.pk)}
    return render(request, "staff/changes.html", context)


FOR_WHOM = {"now-on": "for everyone", "new-readers": "for new readers", "backfill": "for everyone, also those past it"}
_VERBS = {"added": "new", "changed": "other words", "moved": "another day or place", "deleted": "taken out"}


def _words(edit: Edit) -> list[str]:
    return [f"“{change['subject']}”: {_VERBS[change['kind']]}" for change in edit.changes] or ["other hours or days"]


@require_POST
def undo(request: StaffRequest, edit_id: int) -> HttpResponse:
    """Take the newest change back."""
    edit = find_edit(edit_id)
    now = settings.CLOCK.now()
    try:
        undoing.undo(edit.pk, by=request.desk.person.email, now=now)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "Undone. The letters are as they were before.")
    return redirect("staff:changes", slug=edit.sequence.slug)


@require_GET
def progress(request: StaffRequest, slug: str) -> JsonResponse:
    """How far the readers' plans are, for the bar on the page."""
    found = replans.progress_of(find_sequence(slug).pk)
    return JsonResponse({"done": found.done, "total": found.total} if found else {"done": 1, "total": 1})
