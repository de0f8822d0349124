"""When a zone's clocks change, and what that does to the times of day in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Shift:
    """A change of a zone's offset from UTC, at ``at`` (aware, UTC), from ``before`` to ``after``."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def by(self) -> timedelta:
        """How far the clocks jump; negative where they go back."""
        return self.after - self.before

    @property
    def forward(self) -> bool:
        """Whether the wall times from :attr:`first` up to :attr:`last` do not exist; else they happen twice."""
        return self.by > timedelta()

    @property
    def first(self) -> datetime:
        """The first wall time (naive) that does not exist, or that happens twice."""
        return (self.at + min(self.before, self.after)).replace(tzinfo=None)

    @property
    def last(self) -> datetime:
        """The wall time (naive) that ends them; it exists once."""
        return self.first + abs(self.by)


def shifts(zone: ZoneInfo, since: datetime, until: datetime) -> list[Shift]:
    """The changes after ``since`` up to ``until`` (aware), in order; two that undo each other within a day are none."""
    found = []
    day = since
    while day < until:
        low, high = day, min(day + DAY, until)
        old, new = _offset(low, zone), _offset(high, zone)
        if old != new:
            while high - low > SECOND:
                middle = low + timedelta(seconds=(high - low) // SECOND // 2)
                low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
            found.append(Shift(high, old, new))
        day += DAY
    return found


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
