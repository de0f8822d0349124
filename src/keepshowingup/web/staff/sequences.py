"""Sequences: the list, a new one, and what is common to all letters of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from keepshowingup.cadence.replanning import replan_sequence
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.timing import NAMES_OF_DAYS
from keepshowingup.editorial import composing
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.starters import install_milestones
from keepshowingup.editorial.wording import DESCRIPTION_LENGTH, KEY_LENGTH, SIGNATURE_LENGTH, TITLE_LENGTH
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.standing import Standing, standing_of
from keepshowingup.web.staff.timeline import Timeline, timeline_of

MILESTONES = "milestones"
AUDIENCES = [("self", "People for themselves"), ("family", "People close to somebody")]


@dataclass(frozen=True)
class Row:
    """A sequence in the list."""

    sequence: Sequence
    timeline: Timeline
    standing: Standing


class NewSequence(forms.Form):
    """What it takes to begin."""

    title = forms.CharField(max_length=TITLE_LENGTH, error_messages={"required": "Give it a title."})
    open_ended = forms.ChoiceField(choices=[("", ""), ("on", ""), (MILESTONES, "")], required=False)


class Settings(forms.Form):
    """What is common to all letters of a sequence."""

    title = forms.CharField(max_length=TITLE_LENGTH, error_messages={"required": "Give it a title."})
    description = forms.CharField(max_length=DESCRIPTION_LENGTH, required=False)
    signature = forms.CharField(max_length=SIGNATURE_LENGTH, required=False)
    language = forms.CharField(max_length=10)
    audience = forms.ChoiceField(choices=AUDIENCES)
    open_ended = forms.BooleanField(required=False)
    weekdays = forms.MultipleChoiceField(
        choices=[(str(number), name) for number, name in enumerate(NAMES_OF_DAYS, 1)],
        error_messages={"required": "Choose at least one day of the week."},
    )
    window_start = forms.TimeField()
    window_end = forms.TimeField()
    quiet_start = forms.TimeField()
    quiet_end = forms.TimeField()
    too_late_hours = forms.IntegerField(min_value=1, max_value=24 * 365, required=False)


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """Every sequence with where it stands; none yet teaches the three ways to make one."""
    rows = []
    for sequence in Sequence.objects.order_by("title"):
        timeline = timeline_of(sequence)
        rows.append(Row(sequence, timeline, standing_of(sequence, timeline, request.desk)))
    return render(request, "staff/sequences.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
def create(request: StaffRequest) -> HttpResponse:
    """Begin with an empty page."""
    if request.method == "GET":
        return render(request, "staff/sequence_create.html", {"form": NewSequence()})
    form = NewSequence(request.POST)
    if not form.is_valid():
        return _again(request, "staff/sequence_create.html", {"form": form}, _first_fault(form))
    try:
        sequence = _make(form.cleaned_data["title"], form.cleaned_data["open_ended"])
    except KeepShowingUpError as error:
        return _again(request, "staff/sequence_create.html", {"form": form}, error.message, error.status)
    return redirect("staff:composer", slug=sequence.slug)


def _make(title: str, kind: str) -> Sequence:
    slug, now = free_slug(title), settings.CLOCK.now()
    if kind == MILESTONES:
        return install_milestones(now, slug=slug, title=title)
    return composing.create_sequence(slug=slug, title=title, open_ended=bool(kind), now=now)


@require_http_methods(["GET", "POST"])
def change(request: StaffRequest, slug: str) -> HttpResponse:
    """Title, signature, days, hours, whom it is for."""
    sequence = find_sequence(slug)
    names = list(Settings.base_fields)
    context = {"sequence": sequence}
    if request.method == "GET":
        start = {name: getattr(sequence, name) for name in names} | {"weekdays": list(sequence.weekdays)}
        return render(request, "staff/sequence_settings.html", context | {"form": Settings(initial=start)})
    form = Settings(request.POST)
    if not form.is_valid():
        return _again(request, "staff/sequence_settings.html", context | {"form": form}, _first_fault(form))
    values = form.cleaned_data | {"weekdays": "".join(sorted(form.cleaned_data["weekdays"]))}
    try:
        now = settings.CLOCK.now()
        composing.edit_sequence(sequence.pk, now=now, **values)
        if sequence.state == Sequence.State.LIVE:
            replan_sequence(sequence.pk, now)  # other days and hours: everybody's next letter is planned anew
    except KeepShowingUpError as error:
        return _again(request, "staff/sequence_settings.html", context | {"form": form}, error.message, error.status)
    messages.success(request, "Saved.")
    return redirect("staff:composer", slug=sequence.slug)


def free_slug(title: str) -> str:
    """A slug of the title that no sequence has yet."""
    wanted = slugify(title)[: KEY_LENGTH - 4] or "letters"
    taken = set(Sequence.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)


def _first_fault(form: forms.Form) -> str:
    return next((str(faults[0]) for faults in form.errors.values()), "")


def _again(
    request: StaffRequest, template: str, context: dict[str, Any], sentence: str, status: int = 422
) -> HttpResponse:
    return render(request, template, context | {"sentence": sentence}, status=status)
