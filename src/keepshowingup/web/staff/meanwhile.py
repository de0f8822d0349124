"""Two people at one letter: what the other one saved meanwhile, and what may become of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from keepshowingup.core.counting import count_of
from keepshowingup.core.differences import Row, rows_between
from keepshowingup.core.merging import Touch, merge
from keepshowingup.editorial.models import Revision, Step
from keepshowingup.editorial.people import names_of
from keepshowingup.editorial.versions import LABELS, words_of
from keepshowingup.editorial.wording import tidy_line, tidy_text
from keepshowingup.web.staff import drafts
from keepshowingup.web.staff.finding import find_step, newest_of
from keepshowingup.web.staff.letterform import fields_of, of_other_timings, plan_in, said_plan
from keepshowingup.web.staff.roles import StaffRequest

TEXTS = ("subject", "preheader", "body")
SOMEBODY = "Somebody"


@dataclass(frozen=True)
class Part:
    """One part of the letter that at least one of the two changed: what each made of what it was."""

    name: str
    theirs: tuple[Row, ...]
    mine: tuple[Row, ...]
    touches: tuple[Touch, ...]

    @property
    def label(self) -> str:
        """What people call the part."""
        return LABELS[self.name]


@dataclass(frozen=True)
class Meanwhile:
    """What somebody saved while somebody else wrote. ``both`` are the fields with the changes of both."""

    who: str
    at: datetime
    parts: tuple[Part, ...]
    mine: dict[str, str]
    both: dict[str, str]

    @property
    def touches(self) -> int:
        """In how many places both wrote; there ``both`` has one's own words."""
        return sum(len(part.touches) for part in self.parts)

    @property
    def where(self) -> str:
        """``2 places``."""
        return count_of(self.touches, "place")


@dataclass(frozen=True)
class Settled:
    """The fields to go on with: nobody else saved, or only what was not touched here, which is taken over."""

    fields: dict[str, str]
    taken: str = ""


def compare(step: Step, typed: Mapping[str, str]) -> Settled | Meanwhile:
    """What was typed, beside what was saved since it was begun.

    Words that were not touched here follow what is saved, and so does the day; only where both people did something
    is it a question for a person.
    """
    newest = newest_of(step)
    begun = _revision(step, typed.get("based_on", "")) or newest
    saved = _tidy(fields_of(step, newest))
    mine = _tidy(typed)
    base = _base(None if begun.pk == newest.pk else begun, typed, saved)
    up_to_date = {"based_on": saved["based_on"], "based_when": saved["based_when"]}
    if _words(base) == _words(saved) and _plan(base) == _plan(saved):
        return Settled(mine | up_to_date)
    words_settled = _one_of(_words(base), _words(saved), _words(mine))
    plan_settled = _one_of(_plan(base), _plan(saved), _plan(mine))
    if words_settled is not None and plan_settled is not None:
        taken = [
            name for name, of in (("words", _words), ("day", _plan)) if of(mine) == of(base) and of(saved) != of(base)
        ]
        said = f"The {' and the '.join(taken)} somebody else saved meanwhile stay." if taken else ""
        return Settled(mine | words_settled | plan_settled | up_to_date, said)
    merged = {name: merge(base[name], saved[name], mine[name]) for name in TEXTS}
    plans = {of: said_plan(of_fields) for of, of_fields in (("base", base), ("saved", saved), ("mine", mine))}
    days = merge(plans["base"], plans["saved"], plans["mine"])
    rows = [(name, base[name], saved[name], mine[name], merged[name]) for name in TEXTS]
    rows.insert(2, ("when", plans["base"], plans["saved"], plans["mine"], days))
    parts = tuple(
        Part(name, rows_between(was, theirs), rows_between(was, ours), found.touches)
        for name, was, theirs, ours, found in rows
        if not was == theirs == ours
    )
    who = newest.author if newest.pk != begun.pk else ""
    return Meanwhile(
        who=names_of([who])[who] if who else SOMEBODY,
        at=newest.created_at,
        parts=parts,
        mine=mine | up_to_date,
        both=mine | {name: found.text for name, found in merged.items()} | (plan_settled or _plan(mine)) | up_to_date,
    )


def page(request: StaffRequest, step: Step, found: Meanwhile, status: int) -> HttpResponse:
    """The page on which a person decides; nothing was overwritten."""
    hidden = {name: text for name, text in found.both.items() if name not in TEXTS}
    context = {"step": step, "sequence": step.sequence, "meanwhile": found, "hidden": hidden}
    return render(request, "staff/meanwhile.html", context, status=status)


@require_GET
def show(request: StaffRequest, step_id: int) -> HttpResponse:
    """What was saved while one's own draft was begun before; without a question, back to the letter."""
    step = find_step(step_id)
    draft = drafts.find(request.user, step.pk)
    found = compare(step, draft.fields) if draft else None
    if isinstance(found, Meanwhile):
        return page(request, step, found, 200)
    return redirect("staff:letter", step_id=step.pk)


def _revision(step: Step, number: str) -> Revision | None:
    return step.revisions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None


def _base(begun: Revision | None, typed: Mapping[str, str], saved: dict[str, str]) -> dict[str, str]:
    """What the fields showed when the writing began, with the words of an earlier revision where one is given.

    A form that does not say knows of no other day.
    """
    words = _words(saved)
    if begun is not None:
        was = words_of(begun)
        words = {"subject": was.subject, "preheader": was.preheader, "body": was.body}
    try:
        plan = plan_in(typed.get("based_when", ""))
    except ValueError:
        plan = _plan(saved)
    return _tidy(words | plan)


def _one_of(base: dict[str, str], saved: dict[str, str], mine: dict[str, str]) -> dict[str, str] | None:
    """The only one of both versions that says anything new; None where there are two."""
    if mine in (base, saved):
        return saved
    return mine if saved == base else None


def _tidy(fields: Mapping[str, str]) -> dict[str, str]:
    tidied = {name: text.strip() for name, text in fields.items()}
    return tidied | {
        "subject": tidy_line(fields["subject"]),
        "preheader": tidy_line(fields["preheader"]),
        "body": tidy_text(fields["body"]),
    }


def _words(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in TEXTS}


def _plan(fields: Mapping[str, str]) -> dict[str, str]:
    """The day as the fields have it, without what is not shown beside the chosen kind of timing."""
    chosen = fields.get("when", "")
    others = of_other_timings(chosen) | ({"at"} if chosen == "minutes" else set())
    return {name: "" if name in others else fields.get(name, "") for name in drafts.PLAN}
