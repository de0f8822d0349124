"""What a letter of milestones knows of its mark: ``30 days``, as words."""

from __future__ import annotations

from collections.abc import Iterable

from keepshowingup.cadence.marks import times_of
from keepshowingup.core.milestones import mark_key
from keepshowingup.core.timing import AtMark
from keepshowingup.delivery.held import Held
from keepshowingup.editorial.models import Step
from keepshowingup.editorial.timings import timing_of

Timed = tuple[str, AtMark]
"""A step's own key and its timing."""


def timed_steps(sequence_id: int) -> tuple[Timed, ...]:
    """The steps of a sequence of milestones, deleted ones too: a letter may have been claimed before."""
    steps = Step.objects.filter(sequence=sequence_id).defer("body").order_by("position", "pk")
    return tuple((step.key, timing) for step in steps if isinstance(timing := timing_of(step), AtMark))


def words_of_mark(held: Held, steps: Iterable[Timed]) -> str:
    """Which mark a letter in hand is about; empty when that can't be known any more.

    A letter that was made for looking at has its step's own key, and is about the step's first mark.
    """
    for key, timing in steps:
        if held.step_key == key:
            return str(timing.mark)
        if held.enrolled_at is None:
            continue
        for mark, year in times_of(timing):
            if held.step_key == mark_key(key, held.enrolled_at, year):
                return str(mark)
    return ""
