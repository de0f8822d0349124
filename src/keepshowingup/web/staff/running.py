"""Starting, pausing and resuming a sequence: each first says how many people it touches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from keepshowingup.cadence import replans, starting
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial.models import Sequence
from keepshowingup.web.staff.composer import obstacles_of
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.standing import readers_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Switch:
    """One of the three: its words, with {people} for the head-count, and the verb."""

    title: str
    says: str
    button: str
    done: str
    tone: str
    verb: Callable[..., object]


@require_http_methods(["GET", "POST"])
def start(request: StaffRequest, slug: str) -> HttpResponse:
    """The letters begin for those who joined, and for everybody who joins from now on."""
    return _turn(
        request,
        slug,
        Switch(
            title="Start these letters",
            says="{people} will get these letters on their days, and everybody who joins from now on.",
            button="Start for {people}",
            done="These letters are live.",
            tone="main",
            verb=starting.activate,
        ),
    )


@require_http_methods(["GET", "POST"])
def pause(request: StaffRequest, slug: str) -> HttpResponse:
    """Nothing more goes out until somebody resumes."""
    return _turn(
        request,
        slug,
        Switch(
            title="Pause these letters",
            says="{people} will get nothing from this sequence until it is resumed. They are not told. "
            "When it goes on, letters keep their distance from each other, never two at once.",
            button="Pause for {people}",
            done="These letters are paused.",
            tone="danger",
            verb=starting.pause,
        ),
    )


@require_http_methods(["GET", "POST"])
def resume(request: StaffRequest, slug: str) -> HttpResponse:
    """The letters go on, spaced from now, never two at once."""
    return _turn(
        request,
        slug,
        Switch(
            title="Resume these letters",
            says="{people} will get their next letter on its day, counted on from now. Never two at once.",
            button="Resume for {people}",
            done="These letters are live again.",
            tone="main",
            verb=starting.resume,
        ),
    )


def _turn(request: StaffRequest, slug: str, switch: Switch) -> HttpResponse:
    sequence = find_sequence(slug)
    people = count_of(readers_of(sequence), "reader")
    starts = sequence.state == Sequence.State.DRAFT and switch.verb is starting.activate
    obstacles = obstacles_of(sequence, request.desk, settings.CLOCK.now()) if starts else []
    context = {
        "sequence": sequence,
        "title": switch.title,
        "says": switch.says.format(people=people),
        "button": switch.button.format(people=people),
        "tone": switch.tone,
        "obstacles": obstacles,
    }
    if request.method == "GET":
        return render(request, "staff/switch.html", context)
    try:
        switch.verb(sequence.pk, settings.CLOCK.now(), by=request.desk.person.email)
    except KeepShowingUpError as error:
        return render(request, "staff/switch.html", context | {"sentence": error.message}, status=error.status)
    log.info("user %s: %s, sequence %s", request.user.pk, switch.title.lower(), sequence.pk)
    if replans.progress_of(sequence.pk) is not None:
        # Very many readers: the worker goes on with them, and the letters are live when it is done.
        messages.info(request, "Readers are being planned. The letters go on by themselves when that is done.")
        return redirect("staff:changes", slug=sequence.slug)
    messages.success(request, switch.done)
    return redirect("staff:composer", slug=sequence.slug)
