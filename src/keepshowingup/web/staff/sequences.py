"""Sequences: the list, a new one, and what is common to all letters of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from keepshowingup.cadence import replans
from keepshowingup.core.care import LONGEST_GAP, Care, read_exits, write_exits
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.timing import NAMES_OF_DAYS
from keepshowingup.editorial import composing
from keepshowingup.editorial.caring import care_of, put_care
from keepshowingup.editorial.editing import changing
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.starters import install_milestones
from keepshowingup.editorial.wording import DESCRIPTION_LENGTH, KEY_LENGTH, RULES_LENGTH, SIGNATURE_LENGTH, TITLE_LENGTH
from keepshowingup.web.staff.finding import find_sequence
from keepshowingup.web.staff.looks import look_choices
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


AGAIN = [("never", "No"), ("gap", "After a gap"), ("always", "At any time")]


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
    theme = forms.ChoiceField(choices=look_choices, required=False)
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


class CareForm(forms.Form):
    """When it ends early, what follows, whether it may come again. Only what the form shows is changed."""

    urgent = forms.BooleanField(required=False)
    again = forms.ChoiceField(choices=AGAIN, required=False)
    again_days = forms.IntegerField(min_value=1, max_value=LONGEST_GAP, required=False)
    ends_when = forms.CharField(max_length=RULES_LENGTH, required=False)
    then = forms.CharField(max_length=KEY_LENGTH, required=False)

    def clean(self) -> dict[str, Any]:
        """A gap says how long."""
        values = super().clean() or self.cleaned_data
        if values.get("again") == "gap" and not values.get("again_days") and "again_days" not in self.errors:
            self.add_error("again_days", "Say after how many days it may come again.")
        return values

    def care(self) -> Care:
        """What was chosen. Raises :class:`WrongUsage` for rules that can't be read."""
        values = self.cleaned_data
        return Care(
            urgent=values["urgent"],
            again_after_days={"gap": values["again_days"], "always": 0}.get(values["again"]),
            ends_when=read_exits(values["ends_when"]),
            then=values["then"],
        )

    @classmethod
    def showing(cls, care: Care) -> CareForm:
        """The form with what is kept."""
        days = care.again_after_days
        return cls(
            initial={
                "urgent": care.urgent,
                "again": "never" if days is None else "gap" if days else "always",
                "again_days": days or None,
                "ends_when": write_exits(care.ends_when),
                "then": care.then,
            }
        )


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
    slug, now = composing.free_slug(title), settings.CLOCK.now()
    if kind == MILESTONES:
        return install_milestones(now, language=masthead().language, slug=slug, title=title)
    return composing.create_sequence(slug=slug, title=title, open_ended=bool(kind), now=now)


@require_http_methods(["GET", "POST"])
def change(request: StaffRequest, slug: str) -> HttpResponse:
    """Title, signature, days, hours, whom it is for."""
    sequence = find_sequence(slug)
    names = list(Settings.base_fields)
    others = Sequence.objects.exclude(pk=sequence.pk).order_by("title")
    context = {"sequence": sequence, "others": others, "again": AGAIN}
    if request.method == "GET":
        start = {name: getattr(sequence, name) for name in names} | {"weekdays": list(sequence.weekdays)}
        context |= {"form": Settings(initial=start), "care": CareForm.showing(care_of(sequence))}
        return render(request, "staff/sequence_settings.html", context)
    form, care = Settings(request.POST), CareForm(request.POST)
    context |= {"form": form, "care": care}
    if not (form.is_valid() and care.is_valid()):
        return _again(request, "staff/sequence_settings.html", context, _first_fault(form) or _first_fault(care))
    values = form.cleaned_data | {"weekdays": "".join(sorted(form.cleaned_data["weekdays"]))}
    try:
        now = settings.CLOCK.now()
        with changing(sequence.pk, by=request.desk.person.email, now=now):
            composing.edit_sequence(sequence.pk, now=now, **values)
            put_care(sequence.pk, care.care())
        if sequence.state == Sequence.State.LIVE:
            replans.after_change(sequence.pk, now)  # other days and hours: everybody's next letter is planned anew
    except KeepShowingUpError as error:
        return _again(request, "staff/sequence_settings.html", context, error.message, error.status)
    messages.success(request, "Saved.")
    return redirect("staff:composer", slug=sequence.slug)


def _first_fault(form: forms.Form) -> str:
    return next((str(faults[0]) for faults in form.errors.values()), "")


def _again(
    request: StaffRequest, template: str, context: dict[str, Any], sentence: str, status: int = 422
) -> HttpResponse:
    return render(request, template, context | {"sentence": sentence}, status=status)
