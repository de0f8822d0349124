"""How many letters a new sending address may carry on each day, until the big mailbox providers know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

# Google advises to begin with "low volumes to engaged users" and to grow slowly (Email sender guidelines). Twilio
# SendGrid publishes the schedule it uses itself: what an address may carry grows by a factor of 1.4 each day, over
# six weeks ("IP warmup schedule"). Its first day is far above what a community sends, so ours begins lower.
FIRST_DAY = 50
GROWTH = 1.4
DAYS = 42


@dataclass(frozen=True)
class Ramp:
    """A daily allowance that grows from ``start`` on. Days are days in UTC, by the machines' clocks.

    With ``table`` the days are as written there; else the first is ``first_day`` and each next one ``growth`` times as
    many. When the table, or six weeks, are over there is no limit any more, unless there is a ``ceiling``: that stays
    for good, which suits a provider's own daily quota.
    """

    start: date
    first_day: int = FIRST_DAY
    growth: float = GROWTH
    table: tuple[int, ...] = ()
    ceiling: int | None = None

    def __post_init__(self) -> None:
        if (
            min(self.table or (self.first_day,)) < 1
            or self.growth < 1
            or (self.ceiling is not None and self.ceiling < 1)
        ):
            raise ValueError("a ramp begins with at least one letter and does not fall")

    def allowance(self, day: date) -> int | None:
        """The most letters on ``day``; 0 before the start, None when as many as there are."""
        number = (day - self.start).days
        if number < 0:
            return 0
        if number >= (len(self.table) or DAYS):
            return self.ceiling
        letters = self.table[number] if self.table else round(self.first_day * self.growth**number)
        return letters if self.ceiling is None else min(letters, self.ceiling)


def day_of(now: datetime) -> date:
    """The day, in UTC, on which a letter that leaves at ``now`` (aware) counts."""
    return now.astimezone(UTC).date()


def next_day(now: datetime) -> datetime:
    """When the day after ``now`` begins (UTC), and with it a new allowance."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), UTC)
