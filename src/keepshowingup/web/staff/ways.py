"""The question before a change to a running sequence: whom it reaches, and for whom it is to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from keepshowingup.cadence.headcounts import NEWLY_COUNTING, NOT_COUNTED, heads_of
from keepshowingup.cadence.places import house_pace
from keepshowingup.core.counting import count_of
from keepshowingup.core.editions import Way, read_way
from keepshowingup.core.errors import Refused
from keepshowingup.core.heads import Heads
from keepshowingup.editorial.foreseen import Foreseen
from keepshowingup.editorial.models import Sequence

LABELS = {
    Way.NOW_ON: "From now on, for everyone",
    Way.NEW_READERS: "Only for new readers",
    Way.BACKFILL: "Also for those who are past it",
}


@dataclass(frozen=True)
class Choice:
    """One of the ways with what it means in numbers."""

    way: Way
    label: str
    says: str
    heads: Heads | None
    crowd: str

    @property
    def key(self) -> str:
        """The value of its button."""
        return str(self.way)

    @property
    def counted(self) -> dict[str, object]:
        """The head-counts, to be kept with the change; empty where heads are not counted."""
        return self.heads.row() if self.heads else {}


def is_asked(sequence: Sequence) -> bool:
    """Whether somebody would notice a change: the sequence has been started and has readers."""
    return sequence.activated_at is not None and sequence.enrolments.exists()


def choices_for(sequence: Sequence, foreseen: Foreseen, now: datetime) -> list[Choice]:
    """The ways that make sense for this change, the usual one first."""
    found = []
    for way in foreseen.ways:
        heads = heads_of(sequence.pk, foreseen.after, foreseen.changes, way, now)
        if heads is None:
            says = NEWLY_COUNTING if way is Way.NEW_READERS else NOT_COUNTED
            found.append(Choice(way, LABELS[way], says, heads, ""))
        else:
            found.append(Choice(way, LABELS[way], _says(foreseen, heads, way), heads, _crowd(heads)))
    return found


def chosen(choices: list[Choice], posted: QueryDict) -> Choice:
    """The answer. Raises :class:`Refused` where it wants a yes that was not given."""
    way = read_way(posted.get("way", str(Way.NOW_ON)))
    choice = next((each for each in choices if each.way is way), choices[0])
    if choice.crowd and not posted.get("more_than_one"):
        raise Refused(f"{choice.crowd} Tick the box below if that is meant.")
    return choice


def _says(foreseen: Foreseen, heads: Heads, way: Way) -> str:
    """``41 will get the new letter, 7 are past it and get nothing.``"""
    if way is Way.NEW_READERS:
        return f"{count_of(heads.readers, 'reader')} who are here keep what they began with. Nothing changes for them."
    sentences = []
    for change in {change.key: change for change in foreseen.changes}.values():
        reach = heads.letters[change.key]
        past = f"{reach.past:,} {'is' if reach.past == 1 else 'are'} past it"
        letter = f"“{change.subject}”"
        if change.kind == "deleted":
            sentences.append(f"{reach.ahead:,} will not get {letter}, {reach.past:,} had it or were past it.")
        elif change.kind == "added" and way is Way.BACKFILL:
            sentences.append(f"{reach.ahead:,} will get {letter} on its day; {past} and get it too, one letter a day.")
        elif change.kind == "added":
            sentences.append(f"{reach.ahead:,} will get the new letter {letter}, {past} and get nothing.")
        elif change.kind == "changed":
            sentences.append(f"{reach.ahead:,} will get the new words of {letter}, {past} and get nothing.")
        else:
            sentences.append(f"{reach.ahead:,} will get {letter} at its new place, {past} and get nothing.")
    return " ".join(sentences)


def _crowd(heads: Heads) -> str:
    if not heads.crowded:
        return ""
    last_on = heads.last_on
    return heads.crowd_words(house_pace(), f"{last_on:%a} {last_on.day} {last_on:%b}" if last_on else "")
