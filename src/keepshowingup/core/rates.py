"""How fast letters may leave: a rate as a value, and a meter that says when the next one may.

The rule is the generic cell rate algorithm (ITU-T I.371, annex A), in the form that hands out moments: who may not
leave now is told once when it may. All of a meter's past is one moment, ``free_at``, at which it would be as good as
new if nobody came any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property

MICROSECOND = timedelta(microseconds=1)
AT_ONCE = timedelta()


@dataclass(frozen=True)
class Rate:
    """``letters`` in every ``seconds``, evenly spaced; after a pause up to ``burst`` of them at once.

    In any stretch of ``t`` seconds it lets ``t * letters / seconds + burst`` letters leave at most.
    """

    letters: float
    seconds: float = 1
    burst: int = 1

    def __post_init__(self) -> None:
        if not (self.letters > 0 and self.seconds > 0 and self.burst >= 1):
            raise ValueError("a rate lets at least one letter leave, in some time")

    @cached_property
    def _microseconds(self) -> Fraction:
        # By way of the text, so that 0.1 is a tenth.
        return 1_000_000 * Fraction(str(self.seconds)) / Fraction(str(self.letters))

    def lasts(self, count: int) -> timedelta:
        """How long ``count`` letters take, rounded up once for all of them: nothing is lost letter by letter."""
        return -(-count * self._microseconds.numerator // self._microseconds.denominator) * MICROSECOND

    @cached_property
    def ahead(self) -> timedelta:
        """By how much a letter may leave before its place in an even row."""
        return (self.burst - 1) * self._microseconds.numerator // self._microseconds.denominator * MICROSECOND

    def fitting(self, time: timedelta) -> int:
        """How many letters of an even row begin within ``time``, both ends included."""
        if time < AT_ONCE:
            return 0
        return time // MICROSECOND * self._microseconds.denominator // self._microseconds.numerator + 1

    @property
    def evenly(self) -> Rate:
        """The same without a burst."""
        return replace(self, burst=1)


class Meter:
    """A rate in use. Moments are aware; they may go back between two calls, the rate holds all the same."""

    def __init__(self, rate: Rate, free_at: datetime | None = None) -> None:
        """``free_at`` is what an earlier meter said, None when nobody has passed yet."""
        self.rate = rate
        self._base = free_at
        self._since_base = 0

    @property
    def free_at(self) -> datetime | None:
        """What to keep for the next meter of this rate."""
        return self._base and self._base + self.rate.lasts(self._since_base)

    def earliest(self, now: datetime) -> datetime:
        """When a letter that comes at ``now`` could leave."""
        free_at = self.free_at
        return now if free_at is None else max(now, free_at - self.rate.ahead)

    def take(self, now: datetime) -> datetime:
        """Give the next place to a letter that comes at ``now``; when it leaves."""
        moment = self.earliest(now)
        free_at = self.free_at
        if free_at is None or free_at < now:
            self._base, self._since_base = now, 0
        self._since_base += 1
        return moment

    def room(self, now: datetime, until: datetime) -> int:
        """How many letters that come at ``now`` would leave by ``until``."""
        free_at = self.free_at
        base = now if free_at is None else max(now, free_at)
        return self.rate.fitting(until - base + self.rate.ahead)
