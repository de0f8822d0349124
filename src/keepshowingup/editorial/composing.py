"""Writing sequences: drafting one from an article, adding, editing, moving and deleting its letters.

Every letter's newest words are a compiled, frozen revision. An edit that changes a word makes a new one, which nobody
has approved yet; until somebody does, a live sequence goes on sending ``Step.current``. Moving a letter, giving it
another day or deleting it takes effect at once: the caller replans the readers of a live sequence afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence as Row
from datetime import datetime, time

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from keepshowingup.core.drafting import DEFAULT_CADENCE, draft
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.timing import AfterDays, Timing
from keepshowingup.editorial.models import Article, Comment, Revision, Sequence, Step
from keepshowingup.editorial.moving import moved
from keepshowingup.editorial.revising import locked_sequence, locked_step, refreeze, revise
from keepshowingup.editorial.timings import check_hours, fault_in_lateness, fault_in_milestones, put_timing, timing_of
from keepshowingup.editorial.wording import (
    DESCRIPTION_LENGTH,
    KEY_LENGTH,
    SIGNATURE_LENGTH,
    TITLE_LENGTH,
    fault_in_audience,
    fault_in_key,
    fault_in_language,
    fault_in_line,
    fault_in_text,
    fault_in_theme,
    tidy_line,
    tidy_text,
)
from keepshowingup.letters.compile import LetterError

log = logging.getLogger(__name__)


def create_sequence(
    *,
    slug: str,
    title: str,
    now: datetime,
    description: str = "",
    signature: str = "",
    language: str = "en",
    audience: str = "self",
    open_ended: bool = False,
    milestones: bool = False,
    article: Article | None = None,
) -> Sequence:
    """An empty sequence, a draft, with the usual days and hours. That it is one of ``milestones`` never changes.

    Raises :class:`WrongUsage` for words that can't be used, :class:`Refused` for a slug that is taken.
    """
    if fault := fault_in_key("slug", slug):
        raise WrongUsage(fault)
    sequence = Sequence(
        slug=slug,
        title=title,
        description=description,
        signature=signature,
        language=language,
        audience=audience,
        open_ended=open_ended,
        milestones=milestones,
        article=article,
        created_at=now,
    )
    _check(sequence)
    try:
        with transaction.atomic():
            sequence.save()
    except IntegrityError as taken:
        raise Refused(f"There is a sequence {slug} already. Choose another slug.") from taken
    return sequence


def edit_sequence(
    sequence_id: int,
    *,
    title: str,
    description: str,
    signature: str,
    language: str,
    audience: str,
    open_ended: bool,
    weekdays: str,
    window_start: time,
    window_end: time,
    quiet_start: time,
    quiet_end: time,
    too_late_hours: int | None,
    now: datetime,
    theme: str = "",
) -> Sequence:
    """Change what is common to all letters. Times are local to each reader, ``weekdays`` are ISO digits (1 is Monday).

    Another language, or a newsletter made of a row of letters, is another layout around the same words: each letter
    gets a new revision, to be approved anew. Another theme is not: each letter was frozen in all of them.
    Raises :class:`WrongUsage` for words that can't be used and hours that leave no moment for a letter.
    """
    with transaction.atomic():
        sequence = locked_sequence(sequence_id)
        layout = sequence.language, sequence.open_ended
        sequence.title, sequence.description, sequence.signature = title, description, signature
        sequence.language, sequence.audience, sequence.open_ended = language, audience, open_ended
        sequence.weekdays, sequence.too_late_hours = weekdays, too_late_hours
        sequence.theme = theme
        sequence.window_start, sequence.window_end = window_start, window_end
        sequence.quiet_start, sequence.quiet_end = quiet_start, quiet_end
        _check(sequence)
        sequence.save()
        if (language, open_ended) != layout:
            for step in sequence.steps.all():
                if newest := step.revisions.first():
                    same_words = refreeze(step, sequence, author=newest.author, now=now)
                    Comment.objects.filter(revision=newest, sends_back=True, resolved_at=None).update(
                        revision=same_words
                    )
    return sequence


def _check(sequence: Sequence) -> None:
    """Tidy a sequence's words in place. Raises :class:`WrongUsage` for what can't be used."""
    sequence.title = tidy_line(sequence.title)
    sequence.description = tidy_text(sequence.description)
    sequence.signature = tidy_line(sequence.signature)
    for fault in (
        fault_in_line("title", sequence.title, TITLE_LENGTH, needed=True),
        fault_in_text("description", sequence.description, DESCRIPTION_LENGTH),
        fault_in_line("signature", sequence.signature, SIGNATURE_LENGTH),
        fault_in_language(sequence.language),
        fault_in_theme(sequence.theme),
        fault_in_audience(sequence.audience),
        fault_in_lateness(sequence.too_late_hours),
    ):
        if fault:
            raise WrongUsage(fault)
    if sequence.milestones and (
        fault := fault_in_milestones(
            open_ended=sequence.open_ended, audience=sequence.audience, weekdays=sequence.weekdays
        )
    ):
        raise WrongUsage(fault)
    check_hours(
        sequence.weekdays,
        (sequence.window_start, sequence.window_end),
        (sequence.quiet_start, sequence.quiet_end),
    )


def draft_sequence(
    article_id: int, *, slug: str, title: str, author: str, now: datetime, cadence: Row[int] | None = None
) -> Sequence:
    """A draft sequence from an article, one letter a section, on the days of ``cadence`` after joining.

    Nothing is rewritten, approved or sent. Raises :class:`NotFound` without the article and :class:`Refused` when no
    letter can be made of it; then nothing is kept.
    """
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        raise NotFound("There is no such article. See: keepshowingup article import FILE")
    letters = draft(article.text, tuple(cadence) if cadence is not None else DEFAULT_CADENCE)
    if not letters:
        raise Refused(f"No letter can be made of '{article.title}': no text is left without its headings and residue.")
    with transaction.atomic():
        sequence = create_sequence(slug=slug, title=title, now=now, language=article.language, article=article)
        for letter in letters:
            try:
                add_step(
                    sequence.pk,
                    key=_free_key(sequence, slugify(letter.subject)),
                    timing=AfterDays(letter.day),
                    subject=letter.subject,
                    preheader=letter.preheader,
                    body=letter.markdown,
                    author=author,
                    now=now,
                )
            except (LetterError, WrongUsage) as error:
                raise Refused(f"Letter {letter.position} of the draft can't be made. {error.message}") from error
    return sequence


def add_step(
    sequence_id: int,
    *,
    timing: Timing,
    subject: str,
    preheader: str,
    body: str,
    author: str,
    now: datetime,
    key: str = "",
    position: int | None = None,
) -> Step:
    """A new letter with its first revision, last in the sequence unless ``position`` says otherwise.

    Without ``key`` it gets the next free one (``letter-4``). The key of a deleted letter brings that letter back:
    readers who had it do not get it again. Raises :class:`Refused` for a key in use and for words that make no letter.
    """
    with transaction.atomic():
        sequence = locked_sequence(sequence_id)
        if key and (fault := fault_in_key("key", key)):
            raise WrongUsage(fault)
        step = Step.objects.filter(sequence=sequence, key=key).first() if key else None
        if step is not None and step.deleted_at is None:
            raise Refused(f"The sequence {sequence.slug} has a letter with the key {key} already. Choose another key.")
        if step is None:
            step = Step(sequence=sequence, key=key or _free_key(sequence, f"letter-{sequence.steps.count() + 1}"))
        last = sequence.steps.filter(deleted_at=None).order_by("-position").first()
        step.position = position if position is not None else (last.position + 1 if last else 1)
        step.deleted_at = None
        put_timing(step, timing)
        step.save()
        revise(step, sequence, subject=subject, preheader=preheader, body=body, author=author, now=now)
    return step


def edit_step(
    step_id: int,
    *,
    subject: str,
    preheader: str,
    body: str,
    author: str,
    now: datetime,
    timing: Timing | None = None,
) -> Revision:
    """Give a letter these words, and another timing where one is given; answers with its newest revision.

    Words that are as they were make no new revision and keep their approval. Raises :class:`Refused` for words that
    make no letter.
    """
    with transaction.atomic():
        step = locked_step(step_id)
        if timing is not None:
            put_timing(step, timing)
            step.save()
        return revise(step, step.sequence, subject=subject, preheader=preheader, body=body, author=author, now=now)


def move_step(step_id: int, places: int, *, now: datetime) -> Step:
    """Move a letter ``places`` down the sequence, or up when negative: the letters change places on their days."""
    with transaction.atomic():
        step = locked_step(step_id)
        steps = list(Step.objects.filter(sequence=step.sequence, deleted_at=None).order_by("position", "pk"))
        for number, (other, timing) in enumerate(moved(steps, step, places), 1):
            if (other.position, timing_of(other)) != (number, timing):
                other.position = number
                put_timing(other, timing)
                other.save()
    log.info("step %s moved in sequence %s at %s", step.pk, step.sequence_id, now.isoformat())
    step.refresh_from_db()
    return step


def set_timing(step_id: int, timing: Timing, *, now: datetime) -> Step:
    """Give a letter another day, minutes or date. Its words and their approval stay."""
    with transaction.atomic():
        step = locked_step(step_id)
        if timing != timing_of(step):
            put_timing(step, timing)
            step.save()
            log.info("step %s has a new timing at %s", step.pk, now.isoformat())
    return step


def delete_step(step_id: int, *, now: datetime) -> None:
    """Take a letter out. Its key stays taken, so that bringing it back never sends it twice to anybody."""
    with transaction.atomic():
        step = locked_step(step_id)
        step.deleted_at = now
        step.save(update_fields=["deleted_at"])


def restore_step(step_id: int, *, now: datetime) -> Step:
    """Bring a deleted letter back to its place; nothing happens to one that is there."""
    with transaction.atomic():
        step = locked_step(step_id, deleted=True)
        if step.deleted_at is not None:
            step.deleted_at = None
            step.save(update_fields=["deleted_at"])
            log.info("step %s is back at %s", step.pk, now.isoformat())
    return step


def free_slug(title: str) -> str:
    """A slug of the title that no sequence has yet."""
    wanted = slugify(title)[: KEY_LENGTH - 4] or "letters"
    taken = set(Sequence.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)


def _free_key(sequence: Sequence, wanted: str) -> str:
    """A key like ``wanted`` that no letter of the sequence has, or ever had."""
    stem = wanted[: KEY_LENGTH - 5].strip("-") or "letter"
    taken = set(sequence.steps.values_list("key", flat=True))
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    return key
