"""What an approver has in front of them: each letter's findings, what changed since the last yes, what was said of it.

And the reasons they give for letting a blocking finding stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keepshowingup.editorial.models import Revision
from keepshowingup.editorial.people import names_of
from keepshowingup.editorial.reviewing import Override
from keepshowingup.editorial.versions import Difference, differences, last_approved, words_now, words_of
from keepshowingup.web.staff.comments import Talk, field_of, talks_of
from keepshowingup.web.staff.reading import Note
from keepshowingup.web.staff.timeline import Mark


@dataclass(frozen=True)
class Question:
    """A finding as an approver sees it; ``name`` is the field for a reason, empty where none is needed."""

    note: Note
    name: str
    reason: str


@dataclass(frozen=True)
class Review:
    """A letter that waits, with its findings, and what changed since it was last approved, if it ever was."""

    mark: Mark
    questions: tuple[Question, ...]
    writer: str
    approved: Revision | None
    changes: tuple[Difference, ...]
    talk: Talk
    comment: str
    """What is typed in its field for a comment."""


def reviews(marks: Iterable[Mark], typed: Mapping[str, str]) -> list[Review]:
    """The letters that wait, with the reasons and the comments typed so far."""
    waiting = list(marks)
    talks = talks_of([mark.step for mark in waiting])
    names = names_of({mark.newest.author for mark in waiting})
    found = []
    for mark in waiting:
        approved = last_approved(mark.step)
        changes = differences(words_of(approved), words_now(mark.step)) if approved else ()
        questions = []
        for note in mark.reading.notes:
            name = f"reason-{mark.step.pk}-{note.key}" if note.finding.severity == "block" else ""
            questions.append(Question(note, name, typed.get(name, "").strip() if name else ""))
        writer = names[mark.newest.author]
        talk, comment = talks[mark.step.pk], typed.get(field_of(mark.step), "")
        found.append(Review(mark, tuple(questions), writer, approved, changes, talk, comment))
    return found


def reasons_given(found: Iterable[Review]) -> list[Override]:
    """One override for each blocking finding that has a reason; an empty field gives none."""
    return [
        Override(
            question.reason,
            step=review.mark.step.key,
            rule=question.note.finding.rule,
            phrase=question.note.finding.phrase,
        )
        for review in found
        for question in review.questions
        if question.reason
    ]
