"""The composer: the letters on their days, the one being written, and what a reader gets, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from keepshowingup.core.pictures import Measures
from keepshowingup.editorial import reviewing
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.people import names_of
from keepshowingup.editorial.pictures import measures_of
from keepshowingup.web.staff import drafts
from keepshowingup.web.staff.beside import beside
from keepshowingup.web.staff.comments import talk_of
from keepshowingup.web.staff.counting import moment_words, plain_list, weekday_words
from keepshowingup.web.staff.finding import find_sequence, find_step, newest_of
from keepshowingup.web.staff.letterform import LetterForm, fields_of
from keepshowingup.web.staff.mergefields import OFFERED
from keepshowingup.web.staff.obstacles import Obstacle, mend
from keepshowingup.web.staff.persona import PERSONAS, Persona, persona_of
from keepshowingup.web.staff.preview import Shown, arrives, see
from keepshowingup.web.staff.reading import Reading, read_letter
from keepshowingup.web.staff.roles import Desk, StaffRequest
from keepshowingup.web.staff.standing import standing_of
from keepshowingup.web.staff.timeline import next_date, next_day, next_mark, timeline_of
from keepshowingup.web.staff.underlining import underlines_of

TABS = (("phone", "Phone"), ("wide", "Wide"), ("dark", "Dark"), ("off", "Images off"), ("text", "Plain text"))


@dataclass(frozen=True)
class Look:
    """The right side: as whom, in which frame, and what stands in the inbox."""

    tab: str
    persona: Persona
    shown: Shown
    arrives: str
    from_name: str
    url: str

    @property
    def title(self) -> str:
        """What the frame is called."""
        return f"The letter as {self.persona.called} gets it"


@require_GET
def show(request: StaffRequest, slug: str) -> HttpResponse:
    """A sequence: its first letter, or the page that teaches how to begin."""
    sequence = find_sequence(slug)
    first = sequence.steps.filter(deleted_at=None).order_by("position").first()
    if first is not None:
        return redirect("staff:letter", step_id=first.pk)
    return render(request, "staff/composer.html", frame(request, sequence, settings.CLOCK.now()))


@require_GET
def letter(request: StaffRequest, step_id: int) -> HttpResponse:
    """One letter in its sequence, with the words as they were last typed."""
    return page(request, find_step(step_id))


def page(request: StaffRequest, step: Step, sentence: str = "", status: int = 200) -> HttpResponse:
    """The composer open at a letter; ``sentence`` says what could not be done."""
    now = settings.CLOCK.now()
    context = frame(request, step.sequence, now)
    mark = next(mark for mark in context["timeline"].marks if mark.step.pk == step.pk)
    draft = drafts.find(request.user, step.pk)
    saved = fields_of(step, mark.newest)
    typed = draft.fields if draft else saved
    form = LetterForm(data=typed) if draft else LetterForm(initial=saved)
    if draft:
        form.is_valid()
    context |= others_at(request, step, typed, now) | talk_of(step)
    context |= side_by_side(step, typed, as_asked(request), now, context["timeline"].pictures) | {
        "mark": mark,
        "step": step,
        "form": form,
        "draft": draft,
        "kept_at": draft.kept_at if draft else None,
        "sentence": sentence,
        "weekdays": weekday_words(step.sequence.weekdays),
    }
    context |= {f"{part}_notes": context["reading"].of(part) for part in ("subject", "preheader")}
    context["editing"] = {
        "underlines": underlines_of(typed["body"], context["reading"], context["look"].shown),
        "fields": [field.row() for field in OFFERED],
    }
    return render(request, "staff/composer.html", context, status=status)


def frame(request: StaffRequest, sequence: Sequence, now: datetime) -> dict[str, Any]:
    """What every page of the composer has around the letter."""
    timeline = timeline_of(sequence)
    return {
        "sequence": sequence,
        "timeline": timeline,
        "standing": standing_of(sequence, timeline, request.desk),
        "obstacles": obstacles_of(sequence, request.desk, now),
        "next_day": next_day(timeline),
        "next_date": next_date(timeline, now.date()),
        "next_mark": next_mark(timeline),
        "tabs": TABS,
    }


def side_by_side(
    step: Step,
    typed: Mapping[str, str],
    asked: tuple[str, Persona],
    now: datetime,
    known: Mapping[str, Measures] | None = None,
) -> dict[str, Any]:
    """What the proofreader says and what a reader sees, of the same words. ``known`` pictures are not asked for."""
    tab, persona = asked
    words = {name: typed.get(name, "") for name in ("subject", "preheader", "body")}
    pictures = measures_of(words["body"], known=known)
    shown = see(words, step, persona, now, pictures)
    reading: Reading = read_letter(words["subject"], words["preheader"], words["body"], pictures)
    moment = arrives(step, persona, now)
    query = f"?reader={persona.key}" + (f"&as={tab}" if tab in {"off", "text"} else "")
    return {
        "reading": reading,
        "beside": beside(step, persona, now),
        "personas": personas_with(persona),
        "look": Look(
            tab=tab,
            persona=persona,
            shown=shown,
            arrives=moment_words(moment.local) if moment else "",
            from_name=masthead().from_name,
            url=reverse("staff:preview", args=[step.pk]) + query,
        ),
    }


def personas_with(persona: Persona) -> list[Persona]:
    """Whom a letter can be shown as: the invented ones, and whoever it is shown as now."""
    return list({known.key: known for known in (*PERSONAS.values(), persona)}.values())


def as_asked(request: StaffRequest) -> tuple[str, Persona]:
    """Which frame and which reader were asked for, in the address or by a button of the form."""
    given = request.POST if request.method == "POST" else request.GET
    tab = given.get("show", "phone")
    return (tab if tab in dict(TABS) else "phone"), persona_of(given.get("reader", ""), request)


def others_at(request: StaffRequest, step: Step, typed: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Who else is at this letter: who saved other words while these were typed, and who is typing."""
    newest = newest_of(step)
    overtaken = typed.get("based_on", "") not in {"", str(newest.number)}
    return {
        "overtaken": names_of([newest.author])[newest.author] if overtaken else "",
        "writing": plain_list(drafts.others_writing(request.user, step.pk, now), "and"),
    }


def obstacles_of(sequence: Sequence, desk: Desk, now: datetime) -> list[Obstacle]:
    """What stands in the way of a start, each with where to mend it; a running sequence has none left."""
    if sequence.state == Sequence.State.LIVE:
        return []
    return [mend(sentence, sequence, desk.may) for sentence in reviewing.obstacles(sequence.pk, now, at_terminal=False)]
