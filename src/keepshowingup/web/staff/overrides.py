"""Reasons an approver gives for letting a blocking finding stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keepshowingup.editorial.reviewing import Override
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
    """A letter that waits, with its findings."""

    mark: Mark
    questions: tuple[Question, ...]


def reviews(marks: Iterable[Mark], typed: Mapping[str, str]) -> list[Review]:
    """The letters that wait, with the reasons typed so far."""
    found = []
    for mark in marks:
        questions = []
        for note in mark.reading.notes:
            name = f"reason-{mark.step.pk}-{note.key}" if note.finding.severity == "block" else ""
            questions.append(Question(note, name, typed.get(name, "").strip() if name else ""))
        found.append(Review(mark, tuple(questions)))
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
