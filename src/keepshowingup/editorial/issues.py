"""An article as the next issue of a newsletter: a letter with a date, which waits for a second person's yes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction

from keepshowingup.core.drafting import draft
from keepshowingup.core.errors import Refused
from keepshowingup.core.timing import OnDate
from keepshowingup.editorial.composing import add_step, set_timing
from keepshowingup.editorial.models import Article, Sequence, Step
from keepshowingup.editorial.revising import locked_step

BETWEEN = timedelta(days=7)


def next_issue_on(dates: Iterable[date], today: date) -> date:
    """The date to propose for one more issue: a week after the last of these, and not before tomorrow."""
    return max([today + timedelta(days=1), *(each + BETWEEN for each in dates)])


def add_issue(sequence: Sequence, article: Article, *, author: str, now: datetime) -> Step:
    """The article's beginning as one more issue, with a link to the rest where it is longer than a letter.

    Nobody has approved it, and until somebody does it is not sent. Raises :class:`Refused` where no letter can be made.
    """
    letters = draft(article.text)
    if not letters:
        raise Refused(f"No letter can be made of '{article.title}': no text is left without its headings and residue.")
    body = letters[0].markdown
    if article.source_url and len(letters) > 1:
        body += f"\n\n[Read the whole article]({article.source_url})"
    return add_step(
        sequence.pk,
        timing=OnDate(next_issue_on(_dates(sequence), now.date())),
        subject=letters[0].subject,
        preheader=letters[0].preheader,
        body=body,
        author=author,
        now=now,
    )


def move_on(now: datetime) -> int:
    """Give issues of feeds another day whose day came before anybody approved them; answers how many.

    Approved afterwards they would be of a day that is past, and nobody would get them.
    """
    late = Step.objects.filter(feed_items__isnull=False, on_date__lte=now.date(), deleted_at=None, current=None)
    moved = 0
    for step in late.exclude(revisions__approval__isnull=False).distinct().order_by("on_date", "pk"):
        with transaction.atomic():
            held = locked_step(step.pk)
            # Somebody may have said yes, or chosen another day, since we looked.
            if held.on_date != step.on_date or held.revisions.filter(approval__isnull=False).exists():
                continue
            set_timing(held.pk, OnDate(next_issue_on(_dates(held.sequence), now.date()), held.at_time), now=now)
            moved += 1
    return moved


def _dates(sequence: Sequence) -> list[date]:
    dates = sequence.steps.filter(deleted_at=None).values_list("on_date", flat=True)
    return [each for each in dates if each is not None]
