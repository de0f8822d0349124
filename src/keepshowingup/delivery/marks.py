"""What a letter of milestones knows of its mark: ``30 days``, as words."""

from __future__ import annotations

from keepshowingup.cadence.course import Course
from keepshowingup.cadence.marks import step_of_key
from keepshowingup.core.milestones import Mark
from keepshowingup.core.timing import AtMark
from keepshowingup.delivery.held import Held
from keepshowingup.letters.dates import say_span


def words_of_mark(held: Held, course: Course, language: str) -> str:
    """Which mark a letter in hand is about, in the language it is written in; empty when nobody can know any more.

    A letter that was made for looking at has its step's own key, and is about the step's first mark.
    """
    steps = course.steps if held.enrolled_at is None else course.of_reader(held.enrolled_at).steps
    first = next((step.timing for step in steps if step.key == held.step_key), None)
    if isinstance(first, AtMark):
        return _say(first.mark, language)
    found = step_of_key(held.step_key, steps, held.enrolled_at) if held.enrolled_at else None
    return _say(found[1], language) if found else ""


def _say(mark: Mark, language: str) -> str:
    # Eighteen months are said as months, as whoever wrote the letter said them.
    years, months = divmod(mark.months, 12)
    return say_span(language, years=0 if months else years, months=mark.months if months else 0, days=mark.days)
