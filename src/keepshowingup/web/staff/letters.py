"""Writing: save a letter, keep what is typed, add, move, delete, send a test."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from keepshowingup.cadence import replans
from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError, NotFound, Refused, WrongUsage
from keepshowingup.core.milestones import Mark, read_mark
from keepshowingup.core.timing import AfterDays, AtMark, OnDate, Timing
from keepshowingup.editorial import composing
from keepshowingup.editorial.caring import put_conditions
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.revising import locked_step
from keepshowingup.editorial.timings import say_timing, timing_of
from keepshowingup.web.staff import changes, composer, drafts, meanwhile
from keepshowingup.web.staff.finding import find_sequence, find_step, newest_of
from keepshowingup.web.staff.letterform import LetterForm, fields_of, of_other_timings
from keepshowingup.web.staff.persona import Persona, find_persona
from keepshowingup.web.staff.reading import even_lines, replace
from keepshowingup.web.staff.roles import StaffRequest
from keepshowingup.web.staff.timeline import next_date, next_day, next_mark, timeline_of
from keepshowingup.web.staff.underlining import underlines_of
from keepshowingup.web.staff.ways import is_asked


@require_POST
def save(request: StaffRequest, step_id: int) -> HttpResponse:
    """Save the letter; what can't be saved comes back with a sentence, and nothing typed is lost."""
    step = find_step(step_id)
    now = settings.CLOCK.now()
    typed = drafts.keep(request.user, step.pk, request.POST, now).fields
    form = LetterForm(data=typed)
    if not form.is_valid():
        return composer.page(request, step, form.sentence(), status=422)
    try:
        with transaction.atomic():
            step = locked_step(step.pk)  # of two who save at one moment the second sees what the first has saved
            found = meanwhile.compare(step, typed)
            if isinstance(found, meanwhile.Meanwhile):
                return meanwhile.page(request, step, found, status=409)
            form = LetterForm(data=found.fields)
            if not form.is_valid():
                return composer.page(request, step, form.sentence(), status=422)
            said = _edit(step, form, request.desk.person.email)
        timing = form.timing()
        asks = changes.make(request, step, changes.query_of(timing)) if timing != timing_of(step) else None
    except KeepShowingUpError as error:
        return composer.page(request, step, error.message, status=error.status)
    drafts.drop(request.user, step.pk)
    if found.taken:
        messages.info(request, found.taken)
    if said or asks is None:
        messages.success(request, said or "The day is changed. The words are as they were.")
    return asks or _back(step, *composer.as_asked(request))


def _edit(step: Step, form: LetterForm, author: str) -> str:
    """Save the words, which then wait for approval; what came of it, in words. Their day is another change."""
    values, now = form.cleaned_data, settings.CLOCK.now()
    conditions = put_conditions(step.pk, read_conditions(values["only_if"]))
    if conditions and step.sequence.state == Sequence.State.LIVE:
        replans.after_change(step.sequence_id, now)
    words = (values["subject"].strip(), values["preheader"].strip(), values["body"].replace("\r\n", "\n").rstrip())
    if words != (step.subject, step.preheader, step.body.rstrip()):
        composing.edit_step(
            step.pk,
            subject=words[0],
            preheader=words[1],
            body=words[2],
            author=author,
            now=now,
        )
        return "Saved. A second person approves it before it goes out."
    if conditions:
        return "For whom it is has changed. The words are as they were."
    return "Nothing had changed." if form.timing() == timing_of(step) else ""


@require_POST
def keep_draft(request: StaffRequest, step_id: int) -> HttpResponse:
    """Keep what is typed and show it as a letter.

    ``mend`` names a finding to replace by its suggestion, ``find`` a real reader to show the letter as.
    """
    step = find_step(step_id)
    now = settings.CLOCK.now()
    typed = {name: request.POST.get(name, "") for name in drafts.FIELDS}
    if mend := request.POST.get("mend"):
        typed |= replace(typed["subject"], typed["preheader"], typed["body"], mend)
    if _same(typed, fields_of(step, newest_of(step))):
        drafts.drop(request.user, step.pk)
        kept_at = ""
    else:
        kept_at = drafts.keep(request.user, step.pk, typed, now).kept_at.isoformat()
    (tab, persona), sentence = composer.as_asked(request), ""
    if find := request.POST.get("find", "").strip():
        try:
            persona = find_persona(find, request)
        except NotFound as nobody:
            sentence = nobody.message
    if request.headers.get("Accept") != "application/json":
        if sentence:
            messages.error(request, sentence)
        return _back(step, tab, persona)
    context = composer.side_by_side(step, typed, (tab, persona), now) | {"step": step, "found": sentence}
    return JsonResponse(
        {
            "kept": bool(kept_at),
            "kept_at": kept_at,
            "meanwhile": render_to_string(
                "staff/_meanwhile.html", context | composer.others_at(request, step, typed, now)
            ),
            "made": context["look"].shown.letter is not None,
            "parts": {
                name: render_to_string(f"staff/_{name}.html", context, request=request)
                for name in ("findings", "inbox", "arrives", "weight", "beside", "reader", "nobody")
            }
            | {
                f"{part}-remarks": render_to_string(
                    "staff/_remarks.html", context | {"notes": context["reading"].of(part)}, request=request
                )
                for part in ("subject", "preheader")
            },
            "told": context["reading"].told,
            "underlines": underlines_of(typed["body"], context["reading"], context["look"].shown),
            "url": context["look"].url,
            "title": context["look"].title,
            "fields": {name: even_lines(typed[name]) for name in ("subject", "preheader", "body")} if mend else {},
        }
    )


def _same(typed: dict[str, str], saved: dict[str, str]) -> bool:
    def tidy(fields: dict[str, str]) -> dict[str, str]:
        kept = {
            name: text.replace("\r\n", "\n").rstrip() for name, text in fields.items() if not name.startswith("based_")
        }
        hidden = of_other_timings(kept["when"])
        return {name: text for name, text in kept.items() if name not in hidden}

    return tidy(typed) == tidy(saved)


@require_POST
def discard(request: StaffRequest, step_id: int) -> HttpResponse:
    """Let go of what was typed and not saved."""
    step = find_step(step_id)
    drafts.drop(request.user, step.pk)
    messages.info(request, "Back to the saved letter.")
    return _back(step, *composer.as_asked(request))


@require_POST
def add(request: StaffRequest, slug: str) -> HttpResponse:
    """One more letter, with words that ask to be replaced."""
    sequence = find_sequence(slug)
    now = settings.CLOCK.now()
    timeline = timeline_of(sequence)
    timing: Timing
    if sequence.open_ended:
        timing = OnDate(next_date(timeline, now.date()))
    elif sequence.milestones:
        timing = AtMark(_mark(request.POST.get("mark", ""), next_mark(timeline)))
    else:
        timing = AfterDays(_day(request.POST.get("day", ""), next_day(timeline)))
    step = composing.add_step(
        sequence.pk,
        subject="A letter without a subject yet",
        preheader="",
        body='Good {{ part_of_day }} {{ first_name | default("friend") }},\n\nStart here.',
        timing=timing,
        author=request.desk.person.email,
        now=now,
    )
    return redirect("staff:letter", step_id=step.pk)


def _day(text: str, proposed: int) -> int:
    if not text.strip():
        return proposed
    if not text.strip().isdecimal():
        raise WrongUsage(f"'{text}' is not a day. Write a number: 0 is the day they join.")
    return int(text)


def _mark(text: str, proposed: Mark) -> Mark:
    if not text.strip():
        return proposed
    if (mark := read_mark(text)) is None:
        raise WrongUsage(f"'{text}' is no mark. Write it like 30 days, 9 months or 2 years.")
    return mark


@require_POST
def move(request: StaffRequest, step_id: int) -> HttpResponse:
    """So many ``places`` down the line, up when negative; ``at`` is the letter somebody is writing meanwhile."""
    step = find_step(step_id)
    at = request.POST.get("at", "")
    before = _timings(step.sequence)
    asks = changes.make(request, step, urlencode({"what": "move", "places": request.POST.get("places", "")}))
    if asks is None:
        after = _timings(step.sequence)
        for pk, timing in after.items():
            # What is typed into a letter is about its words; saving it must not bring the old day back.
            if timing != before[pk] and (draft := drafts.find(request.user, pk)):
                fields = draft.fields | LetterForm.fields_for(timing)
                drafts.keep(request.user, pk, fields, settings.CLOCK.now())
        words = say_timing(after[step.pk])
        messages.success(request, f"“{step.subject}” comes {'on ' * words.startswith('day')}{words} now.")
    return asks or _back(find_step(int(at)) if at.isdecimal() else step, *composer.as_asked(request))


def _timings(sequence: Sequence) -> dict[int, Timing]:
    return {step.pk: timing_of(step) for step in sequence.steps.filter(deleted_at=None)}


@require_http_methods(["GET", "POST"])
def delete(request: StaffRequest, step_id: int) -> HttpResponse:
    """GET says whom it touches, POST takes the letter out of the sequence."""
    step = find_step(step_id)
    if request.method == "GET" and is_asked(step.sequence):
        return redirect(f"{reverse('staff:change', args=[step.pk])}?what=delete")
    waiting = step.sequence.enrolments.filter(state="active", next_step=step).count()
    if request.method == "GET":
        context = {"step": step, "waiting": waiting, "people": count_of(waiting, "reader")}
        return render(request, "staff/letter_delete.html", context)
    if asks := changes.make(request, step, "what=delete"):
        return asks
    drafts.drop(request.user, step.pk)
    messages.success(request, f"“{step.subject}” is out of the sequence.")
    return redirect("staff:composer", slug=step.sequence.slug)


@require_POST
def test(request: StaffRequest, step_id: int) -> HttpResponse:
    """Send the saved letter to the person at the desk, to nobody else."""
    from keepshowingup.delivery.testing import send_test

    step = find_step(step_id)
    try:
        send_test(step.pk, request.desk.person.email, settings.CLOCK.now())
    except Refused as error:
        return composer.page(request, step, error.message, status=error.status)
    messages.success(request, f"A test of “{step.subject}” is on its way to {request.desk.person.email}.")
    return _back(step, *composer.as_asked(request))


def _back(step: Step, tab: str = "", persona: Persona | None = None) -> HttpResponse:
    asked = {"show": tab, "reader": persona.key if persona else ""}
    query = urlencode({name: value for name, value in asked.items() if value not in {"", "phone", "maya"}})
    return redirect(reverse("staff:letter", args=[step.pk]) + (f"?{query}" if query else ""))
