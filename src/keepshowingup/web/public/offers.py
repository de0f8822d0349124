"""The letters a person may ask for, as the page where they join tells of them: what comes, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.db.models import Prefetch, QuerySet
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from keepshowingup.editorial.models import Sequence, Step

SHOWN = 4
_MERGE_FIELD = re.compile(r"\s*\{\{.*?\}\}|\{%.*?%\}")
_NUMBERS = [
    gettext_lazy("two"),
    gettext_lazy("three"),
    gettext_lazy("four"),
    gettext_lazy("five"),
    gettext_lazy("six"),
    gettext_lazy("seven"),
    gettext_lazy("eight"),
    gettext_lazy("nine"),
    gettext_lazy("ten"),
    gettext_lazy("eleven"),
    gettext_lazy("twelve"),
]


@dataclass(frozen=True)
class Arrival:
    """One line of "what arrives when". ``wait`` is how long after the line before it: far, farther, or empty."""

    when: str
    subject: str
    wait: str = ""


@dataclass(frozen=True)
class Offer:
    """One live sequence. ``summary`` is a sentence; ``more`` says how it goes on after ``arrivals``, or is empty."""

    id: int
    slug: str
    title: str
    description: str
    language: str
    audience: str
    summary: str
    arrivals: tuple[Arrival, ...]
    more: str


def live_offers(today: date) -> list[Offer]:
    """Every sequence that can be joined now, by title."""
    return [_offer(sequence, today) for sequence in _live()]


def offer_for(slug: str, today: date) -> Offer | None:
    """The one at ``/s/<slug>``, if it can be joined."""
    sequence = _live().filter(slug=slug).first()
    return _offer(sequence, today) if sequence else None


def _live() -> QuerySet[Sequence]:
    sent = Step.objects.filter(deleted_at__isnull=True, current__isnull=False).select_related("current")
    # Milestones begin with a date, which a reader gives on their own page.
    return Sequence.objects.filter(state=Sequence.State.LIVE, milestones=False).prefetch_related(
        Prefetch("steps", queryset=sent.order_by("position"))
    )


def _offer(sequence: Sequence, today: date) -> Offer:
    steps = list(sequence.steps.all())
    dated = [step for step in steps if step.on_date]
    if dated:
        coming = [step for step in dated if step.on_date and step.on_date >= today]
        arrivals = tuple(Arrival(_on(step.on_date), _subject(step)) for step in coming[:SHOWN] if step.on_date)
        more = gettext("as they are written") if sequence.open_ended else ""
        summary = gettext("A letter now and then.") if sequence.open_ended else _on_dates(len(coming))
    else:
        days = [step.after_days or 0 for step in steps]
        waits = ["", *(_wait(later - earlier) for earlier, later in pairwise(days))]
        arrivals = tuple(
            Arrival(_after(step), _subject(step), wait) for step, wait in zip(steps[:SHOWN], waits, strict=False)
        )
        last = steps[-1].after_days if len(steps) > SHOWN else None
        more = gettext("until day %(day)s") % {"day": last} if last else ""
        summary = _summary(steps)
    return Offer(
        id=sequence.pk,
        slug=sequence.slug,
        title=sequence.title,
        description=sequence.description,
        language=sequence.language,
        audience=sequence.audience,
        summary=summary,
        arrivals=arrivals,
        more=more,
    )


def _subject(step: Step) -> str:
    """The subject as somebody sees it whose name we do not know."""
    written = step.current.subject if step.current else step.subject
    plain = _MERGE_FIELD.sub("", written).strip(" ,;:-")
    return plain[:1].upper() + plain[1:] or gettext("A letter")


def _after(step: Step) -> str:
    if step.after_days is None:
        return gettext("First day") if step.after_minutes else gettext("At once")
    return gettext("Day %(day)s") % {"day": step.after_days} if step.after_days else gettext("First day")


def _wait(days: int) -> str:
    return "farther" if days > 7 else "far" if days > 3 else ""


def _on(day: date) -> str:
    return date_format(day, gettext("j M"))


def _summary(steps: list[Step]) -> str:
    last = max((step.after_days or 0 for step in steps), default=0)
    if not steps:
        return gettext("Letters now and then.")
    if not last:
        return f"{_count(len(steps))}."
    return gettext("%(letters)s over %(span)s.") % {"letters": _count(len(steps)), "span": _span(last)}


def _on_dates(letters: int) -> str:
    if not letters:
        return gettext("No short letters on set dates.")
    return gettext("%(letters)s on set dates.") % {"letters": _count(letters)}


def _count(letters: int) -> str:
    words = ngettext("one short letter", "%(number)s short letters", letters) % {"number": _number(letters)}
    return words[:1].upper() + words[1:]


def _span(days: int) -> str:
    """90 days are three months, 10 days are ten days: no more exact than people say it."""
    if days < 14:
        return ngettext("one day", "%(number)s days", days) % {"number": _number(days)}
    if days < 56:
        weeks = round(days / 7)
        return ngettext("one week", "%(number)s weeks", weeks) % {"number": _number(weeks)}
    months = round(days / 30.4)
    return ngettext("one month", "%(number)s months", months) % {"number": _number(months)}


def _number(count: int) -> str:
    return str(_NUMBERS[count - 2]) if 2 <= count < len(_NUMBERS) + 2 else str(count)
