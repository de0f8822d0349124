"""Which kind of letter the steps of a sequence are, and with that their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # folders are read without Django
    from keepshowingup.editorial.folders import FolderSequence
    from keepshowingup.editorial.models import Sequence


def kind_of(sequence: Sequence | FolderSequence) -> str:
    """An issue has a headline, a milestone says how to change the date it counts from, a step is a letter in a row."""
    if sequence.milestones:
        return "milestone"
    return "issue" if sequence.open_ended else "step"
