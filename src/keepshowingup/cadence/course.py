"""A sequence as the calendar sees it: its steps in order, and what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from keepshowingup.core.care import Exit
from keepshowingup.core.conditions import Condition
from keepshowingup.core.pace import Priority
from keepshowingup.core.timing import Moment, Rules, Timing


@dataclass(frozen=True)
class CourseStep:
    """A step as the calendar sees it. ``ready_since`` is its first approval (UTC); None: it may not be sent yet.

    It is for readers of whom everything in ``only_if`` is true.
    """

    pk: int
    key: str
    subject: str
    timing: Timing
    ready_since: datetime | None
    deleted: bool = False
    backfilled: bool = False  # those who were past its place when it came get it too
    only_if: tuple[Condition, ...] = ()

    @property
    def cannot_leave(self) -> bool:
        """Whether it was taken out, or nobody has approved it: whoever is due for it is planned anew."""
        return self.deleted or self.ready_since is None


@dataclass(frozen=True)
class Course:
    """A sequence as the calendar sees it: its steps in order, deleted ones too, because readers have passed them.

    ``rules`` is None when the sequence's own make no sense; ``fault`` says why, and nothing is planned.
    """

    sequence_id: int
    title: str
    open_ended: bool
    steps: tuple[CourseStep, ...]
    rules: Rules | None
    fault: str = ""
    milestones: bool = False
    # The same as readers have it who keep what they began with, by the moment (UTC) they were enrolled before.
    kept: tuple[tuple[datetime, Course], ...] = ()
    urgent: bool = False
    exits: tuple[Exit, ...] = ()
    then_id: int | None = None
    # Readers by the thousand share day, zone and hour. A course is read anew for each batch, so this stays small.
    moments: dict[tuple[object, ...], Moment] = field(default_factory=dict, compare=False, repr=False)

    @property
    def priority(self) -> Priority:
        """A newsletter gives way to a sequence, both to a mark of the reader's own date, all to help in a crisis."""
        if self.urgent:
            return Priority.CRISIS
        if self.milestones:
            return Priority.MILESTONE
        return Priority.NEWSLETTER if self.open_ended else Priority.SEQUENCE

    @cached_property
    def by_pk(self) -> dict[int, CourseStep]:
        """The steps by primary key."""
        return {step.pk: step for step in self.steps}

    @cached_property
    def all_steps(self) -> tuple[CourseStep, ...]:
        """The steps, also as readers have them who keep what they began with."""
        return self.steps + tuple(step for _, course in self.kept for step in course.steps)

    @cached_property
    def ready_moments(self) -> list[datetime]:
        """Since when steps may be sent, in order: between two of these it is all the same when a step was passed."""
        return sorted({step.ready_since for step in self.all_steps if step.ready_since is not None})

    def of_reader(self, enrolled_at: datetime) -> Course:
        """As somebody has it who was enrolled at that moment."""
        return next((course for until, course in self.kept if enrolled_at < until), self)

    @cached_property
    def has_conditions(self) -> bool:
        """Whether any of its letters is for some readers only."""
        return any(step.only_if for step in self.steps)

    @cached_property
    def asks_about_readers(self) -> bool:
        """Whether planning it needs to know more of a reader than their clock."""
        return self.has_conditions or bool(self.exits)

    @property
    def is_personal(self) -> bool:
        """Whether readers who share a clock and a place in it do not share their plan."""
        return self.milestones or self.asks_about_readers

    def as_if_approved(self) -> Course:
        """The same with every step ready, for a forecast of what is still being written."""
        always = datetime.min.replace(tzinfo=UTC)
        steps = tuple(replace(step, ready_since=step.ready_since or always) for step in self.steps)
        return replace(self, steps=steps, kept=(), moments={})
