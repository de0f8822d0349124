"""Finding what an address names, or saying that there is nothing."""

from __future__ import annotations

from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Revision, Sequence, Step


def find_sequence(slug: str) -> Sequence:
    """The sequence of that slug. Raises :class:`NotFound`."""
    sequence = Sequence.objects.filter(slug=slug).select_related("article").first()
    if sequence is None:
        raise NotFound("There is no such sequence. It may have been renamed.")
    return sequence


def find_step(step_id: int) -> Step:
    """A living letter with its sequence. Raises :class:`NotFound`, also for a deleted one."""
    step = Step.objects.filter(pk=step_id, deleted_at=None).select_related("sequence__article").first()
    if step is None:
        raise NotFound("There is no such letter. Somebody may have deleted it.")
    return step


def newest_of(step: Step) -> Revision:
    """The letter's newest words, compiled. Every letter has some: it is made with them."""
    return step.revisions.select_related("approval").latest("number")
