"""The real letter, made of the words as they stand in the fields, for the frame beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from keepshowingup.cadence.places import rules_of
from keepshowingup.core.errors import KeepShowingUpError, WrongUsage
from keepshowingup.core.pictures import Measures
from keepshowingup.core.timing import Moment, load_zone, moment_of
from keepshowingup.delivery import preparing, stationery
from keepshowingup.editorial.kinds import kind_of
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Step
from keepshowingup.editorial.pictures import measures_of
from keepshowingup.editorial.timings import timing_of
from keepshowingup.letters.compile import CompiledLetter, compile_letter
from keepshowingup.letters.compose import RenderedLetter
from keepshowingup.letters.compose import render as render_letter
from keepshowingup.letters.cutoff import cut_off
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.themes import choose_theme
from keepshowingup.web.staff import drafts
from keepshowingup.web.staff.finding import find_step, newest_of
from keepshowingup.web.staff.persona import Persona, persona_of
from keepshowingup.web.staff.roles import StaffRequest

PICTURES = "/pictures/"
COMPILING = 10.0
"""Seconds of the processor's time for a letter of a hundred thousand characters and all its styles; one takes 0.02."""


def letter_policy(*, images: bool = True) -> str:
    """What a letter may do in its frame, which is sandboxed as well: style itself inline, and show our own pictures."""
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src 'self'" if images else "img-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "sandbox",
        )
    )


@dataclass(frozen=True)
class Shown:
    """A letter as somebody sees it, or the sentence that says why it can't be made, and in which part and line."""

    letter: RenderedLetter | None
    preheader: str = ""
    fault: str = ""
    part: str = ""
    line: int | None = None


@require_GET
@xframe_options_sameorigin
def show(request: StaffRequest, step_id: int) -> HttpResponse:
    """The letter itself: ``?reader=`` says as whom, ``?as=text`` shows its plain-text part, ``?as=off`` no images.

    With ``?saved=1`` it is the frozen letter an approver says yes to, not what somebody is typing.
    """
    step = find_step(step_id)
    persona, now = persona_of(request.GET.get("reader", ""), request), settings.CLOCK.now()
    draft = drafts.find(request.user, step.pk)
    if draft is None or request.GET.get("saved"):
        shown = _render(stationery.in_look(newest_of(step), theme_for(step, persona)), step, persona, now)
    else:
        shown = see(draft.fields, step, persona, now, measures_of(draft.fields["body"]))
    if shown.letter is None or request.GET.get("as") == "text":
        response = render(request, "staff/plain_letter.html", {"shown": shown})
    else:
        # The desk may be open under another name of this host than readers know.
        response = HttpResponse(shown.letter.html.replace(stationery.hosted_pictures(), PICTURES))
    response.headers["Content-Security-Policy"] = letter_policy(images=request.GET.get("as") != "off")
    return response


def see(words: dict[str, str], step: Step, persona: Persona, now: datetime, pictures: Mapping[str, Measures]) -> Shown:
    """Compile the words (subject, preheader, body) and render them for the persona; nothing is saved.

    ``pictures`` are the measures of those that the body shows, by name.
    """
    try:
        with cut_off(COMPILING):
            letter = compile_letter(
                kind_of(step.sequence),
                subject=words["subject"],
                preheader=words["preheader"],
                body=words["body"],
                language=step.sequence.language,
                theme=theme_for(step, persona),
                pictures=pictures,
            )
    except LetterError as error:
        return Shown(None, fault=error.message, part=error.part, line=error.line)
    except KeepShowingUpError as error:
        return Shown(None, fault=error.message)
    return _render(letter, step, persona, now)


def _render(letter: CompiledLetter, step: Step, persona: Persona, now: datetime) -> Shown:
    moment = arrives(step, persona, now)
    try:
        values = preparing.values_for(persona.reader(), step, moment.utc if moment else now, joined_at=now)
        with cut_off():
            # The preview line has no place of its own in a rendered letter: rendered as a subject it has its values.
            line = render_letter(replace(letter, subject=letter.preheader), values).subject
            return Shown(render_letter(letter, values), line)
    except KeepShowingUpError as error:
        return Shown(None, fault=error.message)


def theme_for(step: Step, persona: Persona) -> str:
    """How the letter looks to the persona."""
    return choose_theme((persona.theme, step.sequence.theme, masthead().theme))


def arrives(step: Step, persona: Persona, now: datetime) -> Moment | None:
    """When the letter would come to the persona if they joined now; None where the calendar has no answer."""
    zone = load_zone(persona.zone)
    try:
        return moment_of(
            timing_of(step),
            started_on=now.astimezone(zone).date(),
            enrolled_at=now,
            zone=zone,
            hour=persona.hour,
            rules=rules_of(step.sequence),
            not_before=now,
        )
    except WrongUsage:
        return None
