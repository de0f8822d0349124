"""A change to a sequence before it is made: the letters there will be, and which of them are not what they were."""

from __future__ import annotations

from dataclasses import dataclass

from keepshowingup.core.editions import Change, Way
from keepshowingup.core.timing import AtMark, Timing
from keepshowingup.editorial.folders import FolderSequence
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.moving import moved
from keepshowingup.editorial.planning import Plan
from keepshowingup.editorial.reviewing import with_newest
from keepshowingup.editorial.timings import timing_of


@dataclass(frozen=True)
class Foreseen:
    """``after`` are all letters in the order they will be sent, each with its timing."""

    after: tuple[tuple[str, Timing], ...]
    changes: tuple[Change, ...]

    @property
    def counts_marks(self) -> bool:
        """Whether they are milestones: nobody is sent one whose mark has been, and heads are not counted."""
        return any(isinstance(timing, AtMark) for _, timing in self.after)

    @property
    def ways(self) -> list[Way]:
        """The ways that make sense, the usual one first: those past a letter's place can only be sent a new one."""
        has_new_letter = any(change.kind == "added" for change in self.changes) and not self.counts_marks
        return [way for way in Way if way is not Way.BACKFILL or has_new_letter]


def by_folder(plan: Plan, folder: FolderSequence) -> Foreseen:
    """What applying the folder will have changed once its words are approved."""
    return Foreseen(tuple((step.key, step.timing) for step in folder.steps), plan.changes)


def by_approval(sequence: Sequence) -> Foreseen:
    """What a yes to all that waits changes."""
    letters = with_newest(sequence)
    waiting = [step for step, newest in letters if newest.is_waiting]
    changes = [Change("changed" if step.current_id else "added", step.key, step.subject) for step in waiting]
    return Foreseen(_letters([step for step, _ in letters]), tuple(changes))


def by_deleting(step: Step) -> Foreseen:
    """What taking a letter out changes."""
    others = [other for other in _sent(step.sequence) if other.pk != step.pk]
    return Foreseen(_letters(others), (Change("deleted", step.key, step.subject),))


def by_timing(step: Step, timing: Timing) -> Foreseen:
    """What another day changes."""
    after = tuple((key, timing if key == step.key else own) for key, own in _letters(_sent(step.sequence)))
    return Foreseen(after, (Change("moved", step.key, step.subject),))


def by_moving(step: Step, places: int) -> Foreseen:
    """What another place in the order changes; ``places`` down, or up when negative."""
    steps = list(step.sequence.steps.filter(deleted_at=None).order_by("position", "pk"))
    after = [(other, timing) for other, timing in moved(steps, step, places) if other.current_id is not None]
    others = [other for other, timing in after if other.pk == step.pk or timing != timing_of(other)]
    return Foreseen(
        tuple((other.key, timing) for other, timing in after),
        tuple(Change("moved", other.key, other.subject) for other in others),
    )


def _sent(sequence: Sequence) -> list[Step]:
    """The letters readers get, in order; those that nobody has approved are no letters yet."""
    return list(sequence.steps.filter(deleted_at=None, current__isnull=False).order_by("position", "pk"))


def _letters(steps: list[Step]) -> tuple[tuple[str, Timing], ...]:
    return tuple((step.key, timing_of(step)) for step in steps)
