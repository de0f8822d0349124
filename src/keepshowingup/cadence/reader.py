"""A reader as the calendar sees them: their clock, and their place in each course with what is planned there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.core.conditions import About
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.core.timing import Moment

LONGEST_REASON = 200
NOBODY = About()


class PassedOver(NamedTuple):
    """A letter that was not for the reader when its day came. ``at`` is UTC."""

    step_key: str
    reader_id: int
    at: datetime
    reason: str


@dataclass(frozen=True)
class Move:
    """A plan moves by ``days`` local days, because of what was from ``since`` to ``until`` (UTC)."""

    why: WhyMoved
    days: int
    since: datetime
    until: datetime


@dataclass
class Place:
    """Where one reader stands in one course. ``past`` holds the keys of the steps behind them and since when.

    ``passed_over`` and ``ended`` (UTC) are what planning has found out and nobody has written down yet.
    """

    pk: int
    course: Course
    started_on: date
    enrolled_at: datetime
    moved_days: int = 0
    past: dict[str, datetime] = field(default_factory=dict)
    state: EnrolmentState = EnrolmentState.ACTIVE
    live: bool = True
    step: CourseStep | None = None
    due: datetime | None = None
    promised: datetime | None = None
    last_handed: datetime | None = None
    rested_until: datetime | None = None
    local: str = ""
    reason: str = ""
    moves: list[Move] = field(default_factory=list)  # since it was read
    passed_over: list[PassedOver] = field(default_factory=list)
    ended: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """A dispatch has been claimed for ``step`` and is not settled."""
        return self.due is None and self.step is not None and self.step.key not in self.past

    def wait(self, reason: str) -> None:
        """Nothing is planned."""
        self.step = self.due = self.promised = None
        self.local, self.reason = "", reason

    def move(self, move: Move) -> None:
        """Everything after it comes so many days later."""
        if move.days:
            self.moved_days += move.days
            self.moves.append(move)

    def end(self, state: EnrolmentState, reason: str, now: datetime) -> None:
        """Nothing more comes of it."""
        self.wait(reason)
        self.state, self.ended = state, now

    def promise(self, step: CourseStep, moment: Moment) -> None:
        """The next letter and its moment."""
        self.step, self.due, self.promised = step, moment.utc, moment.utc
        self.local, self.reason = moment.local.isoformat(timespec="seconds"), moment.reason[:LONGEST_REASON]


@dataclass
class Reader:
    """A reader as the calendar sees them: their clock, all their places, and when letters were handed over lately.

    ``letters_a_week`` is how many they chose to get in 7 days at most; None: as they come. ``about`` is only filled
    in where one of their courses asks. ``counted_from`` is the private date they gave, local; None without one.
    """

    pk: int
    zone: ZoneInfo
    hour: time
    places: list[Place] = field(default_factory=list)
    handed: list[datetime] = field(default_factory=list)
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    letters_a_week: int | None = None
    about: About = NOBODY
    counted_from: date | None = None
