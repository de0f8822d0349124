"""Comments on a letter, and sending one back instead of approving it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.editorial.models import Comment, Revision, Step
from keepshowingup.editorial.revising import locked_step
from keepshowingup.editorial.wording import fault_in_text, tidy_text
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note

log = logging.getLogger(__name__)

LONGEST = 2000
LONGEST_QUOTE = 500


def comment(step_id: int, text: str, *, author: str, now: datetime, quote: str = "") -> Comment:
    """Say something about a letter, or about the words ``quote`` in it. Raises :class:`Refused` without a word."""
    with transaction.atomic():
        step = locked_step(step_id)
        return _say(step, _newest(step), text, author, now, quote)


def send_back(step_id: int, text: str, *, author: str, now: datetime) -> Comment:
    """Say what to rework in the newest words of a letter, instead of approving them.

    Raises :class:`Refused` for one's own words, for words that are approved, and without a comment.
    """
    with transaction.atomic():
        step = locked_step(step_id)
        newest = _newest(step)
        if newest.author.strip().casefold() == author.strip().casefold():
            raise Refused("You wrote these words: change them instead of sending them back.")
        if newest.is_approved:
            raise Refused("These words are approved already. Write a comment, or change them.")
        if not tidy_text(text):
            raise Refused("Say what to rework: without a comment nobody knows why the letter came back.")
        said = _say(step, newest, text, author, now, "", sends_back=True)
        note(
            Entry.What.SENT_BACK,
            who=author,
            about=f"letter “{step.subject}” of {step.sequence.slug}",
            now=now,
            reason=said.text,
            details={"step": step.pk, "revision": newest.number},
        )
    return said


def ask_again(step_id: int, *, by: str, now: datetime) -> int:
    """Ask for a yes to words that were sent back, as they are; answers how many sendings back that resolves."""
    with transaction.atomic():
        newest = _newest(locked_step(step_id))
        return newest.comments.filter(sends_back=True, resolved_at=None).update(resolved_at=now, resolved_by=by.strip())


def resolve(comment_id: int, *, by: str, now: datetime) -> Comment:
    """What was asked for is done, or needs no doing."""
    found = find_comment(comment_id)
    Comment.objects.filter(pk=found.pk, resolved_at=None).update(resolved_at=now, resolved_by=by.strip())
    found.refresh_from_db()
    return found


def reopen(comment_id: int) -> Comment:
    """It is not done after all."""
    found = find_comment(comment_id)
    Comment.objects.filter(pk=found.pk).update(resolved_at=None, resolved_by="")
    found.refresh_from_db()
    return found


def find_comment(comment_id: int) -> Comment:
    """The comment, on a letter that is there. Raises :class:`NotFound`."""
    found = Comment.objects.filter(pk=comment_id, step__deleted_at=None).select_related("step", "revision").first()
    if found is None:
        raise NotFound("There is no such comment, or its letter was deleted.")
    return found


def sent_back_to(author: str) -> list[Comment]:
    """Why letters came back whose newest words are ``author``'s, oldest first; none that was resolved."""
    found = Comment.objects.filter(
        sends_back=True, resolved_at=None, step__deleted_at=None, revision__author__iexact=author
    ).select_related("step__sequence", "revision")
    newest = dict(Revision.objects.filter(step__comments__in=found).order_by("number").values_list("step", "number"))
    return [said for said in found if newest[said.step_id] == said.revision.number]


def _say(
    step: Step, newest: Revision, text: str, author: str, now: datetime, quote: str, *, sends_back: bool = False
) -> Comment:
    words, place = tidy_text(text), tidy_text(quote).strip()
    for fault in (
        fault_in_text("comment", words, LONGEST, needed=True),
        fault_in_text("quoted place", place, LONGEST_QUOTE),
    ):
        if fault:
            raise Refused(fault)
    said = Comment.objects.create(
        step=step, revision=newest, author=author.strip(), said_at=now, text=words, quote=place, sends_back=sends_back
    )
    log.info("comment %s on letter %s", said.pk, step.pk)
    return said


def _newest(step: Step) -> Revision:
    return step.revisions.select_related("approval").latest("number")
