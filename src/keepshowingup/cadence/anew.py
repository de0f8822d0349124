"""A replanning of a whole sequence: what was asked for, what was read for it, and what has been decided so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from keepshowingup.cadence.advancing import Break, rested_since
from keepshowingup.cadence.course import Course
from keepshowingup.cadence.places import house_pace, read_courses
from keepshowingup.cadence.reader import Move
from keepshowingup.core.pace import Pace

ALWAYS = datetime.min.replace(tzinfo=UTC)
# So many plans are given to the database beforehand: as many as a chunk has readers, or it would read plans in vain.
KNOWN = 10_000


class Decision(NamedTuple):
    """A plan as its columns have it, and by what it has moved."""

    plan: tuple[object, ...] = ()
    moves: tuple[Move, ...] = ()
    moved_with: int | None = None  # what had moved it before, together with others


LEAVE = Decision()


@dataclass
class Anew:
    """One replanning of a sequence at ``now``; what was read and decided is kept from chunk to chunk.

    After a rest ``rested`` is the moment (UTC) it began: plans move by it, and what is promised is kept. Otherwise a
    letter whose moment has come is left to be claimed. ``known`` are plans by the word of those who have them, with
    what has moved them last: whatever hangs on them is committed.
    """

    sequence_id: int
    now: datetime
    course: Course
    rested: datetime | None = None
    until: datetime | None = None
    decided: dict[str, Decision | None] = field(default_factory=dict)
    known: dict[str, tuple[object, ...]] = field(default_factory=dict)
    pace: Pace = field(default_factory=house_pace)

    def read_again(self) -> bool:
        """Whether somebody has changed the letters meanwhile. Then nothing is decided any more."""
        course = read_courses([self.sequence_id])[self.sequence_id]
        if course == self.course:
            return False
        self.course, self.decided, self.known = course, {}, {}
        return True

    def keep(self, known: dict[str, tuple[object, ...]]) -> None:
        """Plans that others may be given without being looked at; called when what hangs on them is committed."""
        for word, plan in known.items():
            if len(self.known) < KNOWN:
                self.known[word] = plan

    @property
    def is_shared(self) -> bool:
        """Whether readers can share what is decided."""
        return self.course.rules is not None and not self.course.is_personal

    @property
    def break_(self) -> Break | None:
        """As the planner alone counts it."""
        if self.rested is None:
            return None
        return rested_since(self.rested, self.until or self.now)
