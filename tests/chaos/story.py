"""One reader's letters, told step by step: each letter's moment depends on how the one before it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.chaos.plan import STEPS_APART, Reader
from tests.chaos.record import Done


@dataclass
class Life:
    """What one reader did; None where they did not."""

    reader: Reader
    joined: Done
    paused: Done | None = None
    resumed: Done | None = None
    left: Done | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Where they live."""
        return ZoneInfo(self.reader.zone)

    def on(self, moment: datetime) -> date:
        """Their own date."""
        return moment.astimezone(self.zone).date()

    def at_hour(self, day: date) -> datetime:
        """Their hour on a day of theirs, in UTC."""
        return datetime.combine(day, time.fromisoformat(self.reader.hour), self.zone).astimezone(UTC)

    def days_between(self, earlier: datetime, later: datetime) -> int:
        """Midnights of theirs in between; none when ``later`` is not later."""
        return max(0, (self.on(later) - self.on(earlier)).days)

    def back(self) -> tuple[datetime, datetime] | None:
        """When their break is over (UTC), at the earliest and at the latest; None while nobody knows."""
        if self.paused is None:
            return None
        if self.resumed is not None:
            return self.resumed.earliest, self.resumed.latest
        if not self.paused.days:
            return None
        # The same time by their own clock, so many dates later.
        days = timedelta(days=self.paused.days)
        first, last = self.paused.earliest.astimezone(self.zone), self.paused.latest.astimezone(self.zone)
        return (first + days).astimezone(UTC), (last + days).astimezone(UTC)


@dataclass(frozen=True)
class Owed:
    """One letter's moment: not before ``first``, and late from ``last`` on (UTC, calendar)."""

    first: datetime
    last: datetime


class Story:
    """Ask for each step in order with :meth:`owed`, and say with :meth:`handed` when it left."""

    def __init__(self, life: Life, patience: timedelta) -> None:
        """``patience``: how late a letter may be before it moves the ones after it."""
        self._life = life
        self._patience = patience
        self._least = 0  # local days the plan has moved, at least and at most
        self._most = life.days_between(life.joined.earliest, life.joined.latest)
        self._break_to_come = life.paused is not None

    def owed(self, step: int, came_at: datetime | None) -> Owed | None:
        """When this letter is owed; None while a break without an end holds it back.

        ``came_at`` (calendar): when it came, None when it did not. A letter that came before the break was over is
        not moved by it; the first one that did not is, and with it all that follow.
        """
        life, window = self._life, self._window(step)
        if not self._break_to_come or life.paused is None:
            return window
        back = life.back()
        if came_at is not None and (back is None or came_at < back[0]):
            return window
        if back is None:
            return None
        self._break_to_come = False
        longest = life.days_between(life.paused.earliest, back[1])
        if window.first <= life.paused.latest:
            # It was due or on its way when the break began, and may rest from its own moment on.
            longest = max(longest, life.days_between(window.first, back[1]) + 1)
        self._least += life.days_between(life.paused.latest, back[0])
        self._most += longest
        moved = self._window(step)
        return Owed(max(moved.first, back[0]), max(moved.last, back[1]))

    def handed(self, step: int, owed: Owed, at: datetime) -> None:
        """It left at this moment (calendar, as the product has it). A late one may move the plan, up to its own day."""
        if at - owed.first > self._patience:
            day = (self._life.on(at) - self._life.on(self._life.joined.earliest)).days - step * STEPS_APART
            self._most = max(self._most, day)

    def _window(self, step: int) -> Owed:
        life = self._life
        day = life.on(life.joined.earliest) + timedelta(days=step * STEPS_APART)
        return Owed(
            max(life.at_hour(day + timedelta(days=self._least)), life.joined.earliest),
            max(life.at_hour(day + timedelta(days=self._most)), life.joined.latest),
        )
