"""What a change to a sequence is for whom: letters before and after it, compared as values."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.ordering import staying


class Way(StrEnum):
    """For whom a change is."""

    NOW_ON = "now-on"  # everybody, from where they are
    NEW_READERS = "new-readers"  # who joins after it; the others keep what they began with
    BACKFILL = "backfill"  # everybody, and those who are past a new letter get it too

    @property
    def words(self) -> str:
        """As it is offered to people."""
        return WORDS[self]


WORDS = {
    Way.NOW_ON: "from now on, for everyone",
    Way.NEW_READERS: "only for new readers",
    Way.BACKFILL: "for everyone, and also for those who are past it",
}


def read_way(text: str) -> Way:
    """Raises :class:`WrongUsage` for a word that is none."""
    try:
        return Way(text)
    except ValueError:
        raise WrongUsage(f"'{text}' is no way to make a change. Write {', '.join(Way)}.") from None


Kind = Literal["added", "changed", "moved", "deleted"]


@dataclass(frozen=True)
class Letter:
    """What readers have of a step: whether it is sent at all, its place, its timing and the revision of its words."""

    key: str
    subject: str
    is_there: bool
    timing: Mapping[str, object]
    revision: int | None


@dataclass(frozen=True)
class Change:
    """One letter that is not what it was. ``changed`` are its words; ``moved`` its day or its place in the order."""

    kind: Kind
    key: str
    subject: str


def changes_between(before: Row[Letter], after: Row[Letter]) -> list[Change]:
    """What readers will notice, both in the order letters are sent. A letter nobody is sent yet is not there."""
    was = {letter.key: letter for letter in before if letter.is_there}
    becomes = {letter.key: letter for letter in after if letter.is_there}
    stays = staying([key for key in was if key in becomes], [key for key in becomes if key in was])
    changes = [Change("deleted", key, letter.subject) for key, letter in was.items() if key not in becomes]
    for key, letter in becomes.items():
        old = was.get(key)
        if old is None:
            changes.append(Change("added", key, letter.subject))
            continue
        if letter.revision != old.revision:
            changes.append(Change("changed", key, letter.subject))
        if letter.timing != old.timing or key not in stays:
            changes.append(Change("moved", key, letter.subject))
    return changes
