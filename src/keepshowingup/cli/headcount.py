"""How many readers a change to a sequence reaches, counted before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Row
from dataclasses import dataclass

from keepshowingup.editorial.planning import StepChange


@dataclass(frozen=True)
class Heads:
    """Readers on their way through the sequence: ``ahead`` have the letter before them, ``past`` behind them."""

    ahead: int
    past: int


def headcounts(slug: str, order: Row[str], changes: Iterable[StepChange]) -> dict[str, Heads]:
    """The heads for each changed letter; none while nobody reads the sequence.

    Nor for milestones: how many are past a mark says something about their dates. A letter that is new at its place is
    behind everybody who has it, or a later one in ``order``, behind them.
    """
    from keepshowingup.cadence.models import Enrolment, PastStep
    from keepshowingup.core.states import EnrolmentState
    from keepshowingup.editorial.models import Sequence

    if Sequence.objects.filter(slug=slug, milestones=True).exists():
        return {}
    reading = Enrolment.objects.filter(sequence__slug=slug, state=EnrolmentState.ACTIVE)
    everybody = reading.count()
    if not everybody:
        return {}
    counts = {}
    for change in changes:
        keys = order[order.index(change.key) :] if change.kind in {"added", "restored"} else [change.key]
        behind = PastStep.objects.filter(enrolment__in=reading, step_key__in=keys)
        past = behind.values("enrolment").distinct().count()
        counts[change.key] = Heads(everybody - past, past)
    return counts
