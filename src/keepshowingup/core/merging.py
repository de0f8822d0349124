"""What two people made of one text, put together where they did not write in the same sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from keepshowingup.core.differences import Change, changes_between

# Looked for by its end, so that no run of dots or quotes is read twice.
_END = re.compile(r"[.!?…][\"”\u2019')\]]*[^\S\n]+|\n+")


@dataclass(frozen=True)
class Touch:
    """A place that both changed, each in another way: what it was, and what each made of it."""

    base: str
    theirs: str
    mine: str


@dataclass(frozen=True)
class Merged:
    """Both texts in one. Where they touch it has ``mine``, and ``touches`` has every such place, in order."""

    text: str
    touches: tuple[Touch, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it has everything of both."""
        return not self.touches


def merge(base: str, theirs: str, mine: str) -> Merged:
    """Put two versions of ``base`` together, sentence by sentence.

    Changes touch when they are in the same sentence, or when something was put in right where the other one wrote.
    What both changed alike is no touch.
    """
    was = sentences(base)
    versions = sentences(theirs), sentences(mine)
    edits = [changes_between(was, version)[0] for version in versions]
    text: list[str] = []
    touches: list[Touch] = []
    at = 0
    for start, end, of_theirs, of_mine in _places(*edits):
        text += was[at:start]
        said = [_stretch(start, end, of_theirs, versions[0], was), _stretch(start, end, of_mine, versions[1], was)]
        text.append(said[1] if of_mine else said[0])
        if of_theirs and of_mine and said[0] != said[1]:
            touches.append(Touch("".join(was[start:end]), *said))
        at = end
    text += was[at:]
    return Merged("".join(text), tuple(touches))


def sentences(text: str) -> list[str]:
    """The text cut after its sentences and lines; joined again it is the text."""
    cuts = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if end > start]


def _places(
    theirs: Sequence[Change], mine: Sequence[Change]
) -> list[tuple[int, int, tuple[Change, ...], tuple[Change, ...]]]:
    """Where the base was changed, from the first to the last: changes that touch are one place."""
    changes = sorted(
        [(change.start, change.end, 0, change) for change in theirs]
        + [(change.start, change.end, 1, change) for change in mine],
        key=lambda found: found[:3],
    )
    places: list[tuple[int, int, tuple[list[Change], list[Change]]]] = []
    for start, end, whose, change in changes:
        if places and _touch(places[-1][0], places[-1][1], start, end):
            first, last, both = places.pop()
            both[whose].append(change)
            places.append((first, max(last, end), both))
        else:
            both = ([], [])
            both[whose].append(change)
            places.append((start, end, both))
    return [(start, end, tuple(both[0]), tuple(both[1])) for start, end, both in places]


def _touch(first: int, last: int, start: int, end: int) -> bool:
    """Whether a change from ``start`` touches the place before it; what is put in has no length of its own."""
    return start < last or (start == last and (first == last or start == end))


def _stretch(start: int, end: int, changes: Sequence[Change], version: Sequence[str], was: Sequence[str]) -> str:
    """What one of them made of a stretch of the base."""
    said: list[str] = []
    at = start
    for change in changes:
        said += was[at : change.start]
        said += version[change.first : change.last]
        at = change.end
    return "".join([*said, *was[at:end]])
