"""Freezing a letter's words: what was written becomes a compiled revision, one writer after the other."""

from __future__ import annotations

from datetime import datetime

from keepshowingup.core.errors import NotFound, WrongUsage
from keepshowingup.editorial.kinds import kind_of
from keepshowingup.editorial.models import Edition, Revision, Sequence, Step
from keepshowingup.editorial.pictures import hold_pictures
from keepshowingup.editorial.timings import say_timing, timing_of
from keepshowingup.editorial.wording import (
    BODY_LENGTH,
    SUBJECT_LENGTH,
    fault_in_line,
    fault_in_text,
    tidy_line,
    tidy_text,
)
from keepshowingup.letters.compile import compile_looks


def revise(
    step: Step, sequence: Sequence, *, subject: str, preheader: str, body: str, author: str, now: datetime
) -> Revision:
    """The revision of these words: the newest when they are its own, else a new one, compiled.

    Inside a transaction that holds the sequence. Raises :class:`WrongUsage` for words that can't be kept and
    :class:`keepshowingup.letters.errors.LetterError` for words that make no letter.
    """
    words = tidy_line(subject), tidy_line(preheader), tidy_text(body)
    for fault in (
        fault_in_line("subject", words[0], SUBJECT_LENGTH, needed=True),
        fault_in_line("preheader", words[1], SUBJECT_LENGTH),
        fault_in_text("letter's text", words[2], BODY_LENGTH, needed=True),
    ):
        if fault:
            raise WrongUsage(fault)
    if not author.strip():
        raise WrongUsage("Say who wrote it: without an author nobody else can approve it.")
    newest = step.revisions.first()
    if newest is not None and words == (step.subject, step.preheader, step.body):
        return newest
    step.subject, step.preheader, step.body = words
    step.save(update_fields=["subject", "preheader", "body"])
    return refreeze(step, sequence, author=author, now=now)


def refreeze(step: Step, sequence: Sequence, *, author: str, now: datetime) -> Revision:
    """A new revision of a letter's words as they stand, compiled in the sequence's language and every look there is."""
    letter, looks = compile_looks(
        kind_of(sequence),
        subject=step.subject,
        preheader=step.preheader,
        body=step.body,
        language=sequence.language,
        pictures=hold_pictures(step.body, now=now),
    )
    newest = step.revisions.first()
    revision = Revision.objects.create(
        step=step,
        number=newest.number + 1 if newest else 1,
        subject=letter.subject,
        preheader=letter.preheader,
        body=step.body,
        html=letter.html,
        text=letter.text,
        author=author.strip(),
        created_at=now,
        written=written_in(step),
    )
    Edition.objects.bulk_create(Edition(revision=revision, theme=theme, html=html) for theme, html in looks.items())
    return revision


def written_in(step: Step) -> dict[str, str]:
    """What people wrote beside the letter's body: its lines as typed, when it comes in words, and for whom."""
    return {
        "subject": step.subject,
        "preheader": step.preheader,
        "when": say_timing(timing_of(step)),
        "only_if": step.only_if,
    }


def locked_sequence(sequence_id: int) -> Sequence:
    """The sequence, held until the transaction ends: two writers come one after the other."""
    sequence = Sequence.objects.select_for_update().filter(pk=sequence_id).first()
    if sequence is None:
        raise NotFound("There is no such sequence. See: keepshowingup sequence list")
    return sequence


def locked_step(step_id: int, *, deleted: bool = False) -> Step:
    """The letter, with its sequence held; a deleted one only where that is asked for."""
    step = Step.objects.filter(pk=step_id).first()
    if step is None or (step.deleted_at is not None and not deleted):
        raise NotFound("There is no such letter, or it was deleted.")
    sequence = locked_sequence(step.sequence_id)
    step = Step.objects.get(pk=step_id)
    step.sequence = sequence
    return step
