"""Whose turn it is: which letters may leave now, by which door, and when the others' moment comes.

A letter passes a door (a transport) and perhaps a gate (its recipient's domain), and each may have a rate of its own.
Moments that doors and gates hand out separately do not go together: a thousand letters to a slow domain would use up
the door's next moments long before they can leave, and would all leave on top of somebody else's. So:

- Only a letter that leaves within ``in_hand`` is charged to its door and its gate.
- Any other joins the queue of the one that is in its way, at no cost to the other, and is told its moment once. When it
  comes back it goes before newcomers, by whichever door is free, and still no faster than the rates: an outage that
  makes everybody late makes no burst.
- An urgent letter leaves now, and whoever comes later pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from keepshowingup.core.rates import Meter, Rate
from keepshowingup.core.shares import Shares
from keepshowingup.core.warmup import Ramp, day_of, next_day

# Machines' clocks may differ by this much before we take it that one of them was set back.
SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Limit:
    """How much may pass: a rate, an allowance for each day, or both."""

    rate: Rate | None = None
    ramp: Ramp | None = None

    def __bool__(self) -> bool:
        return self.rate is not None or self.ramp is not None


@dataclass(frozen=True)
class Past:
    """What a bucket remembers. Moments are aware, real time; ``used`` counts the letters of ``day`` (UTC)."""

    free_at: datetime | None = None
    queue_until: datetime | None = None
    day: date | None = None
    used: int = 0
    asked_at: datetime | None = None


class Asking(NamedTuple):
    """A letter that asks to leave: by one of ``doors``, through ``gate`` (both are names of buckets; "" is no gate).

    ``promised``: it was told its moment, and this is it. ``urgent``: it does not wait.
    """

    doors: tuple[str, ...]
    gate: str = ""
    promised: bool = False
    urgent: bool = False


@dataclass(frozen=True)
class Leave:
    """It leaves by ``door``, not before ``at``."""

    door: str
    at: datetime


@dataclass(frozen=True)
class Wait:
    """It asks again at ``at``. ``reason`` is a phrase for staff."""

    at: datetime
    reason: str
    promised: bool = True


class Bucket:
    """A limit with its past, while a chunk of letters passes at ``now``. Whoever has it in hand must have it alone."""

    def __init__(self, limit: Limit, past: Past, now: datetime) -> None:
        self._now = now
        self._today = day_of(now)
        self._allowance = limit.ramp.allowance(self._today) if limit.ramp else None
        self._used = past.used if past.day == self._today else 0
        self._leaving = self._queue = None
        if limit.rate:
            # A clock was set back? Then what was said by it goes back too, or everybody would wait for it.
            back = max(past.asked_at - now, timedelta()) if past.asked_at else timedelta()
            back = back if back > SKEW else timedelta()
            self._leaving = Meter(limit.rate, past.free_at and past.free_at - back)
            self._queue = Meter(limit.rate.evenly, past.queue_until and past.queue_until - back)

    @property
    def past(self) -> Past:
        """What to remember."""
        free_at = self._leaving.free_at if self._leaving else None
        queue_until = self._queue.free_at if self._queue else None
        return Past(free_at, queue_until, self._today, self._used, self._now)

    @property
    def is_used_up(self) -> bool:
        """Whether the day allows no more letters."""
        return self._allowance is not None and self._used >= self._allowance

    @property
    def is_queued(self) -> bool:
        """Whether somebody was promised a moment that has not come: newcomers go behind them."""
        return self._queue is not None and self._queue.earliest(self._now) > self._now

    def passes(self, until: datetime, *, promised: bool) -> bool:
        """Whether a letter could pass by ``until``."""
        return (promised or not self.is_queued) and not self.is_used_up and self.moment <= until

    @property
    def moment(self) -> datetime:
        """When the next letter could pass, queue or not."""
        return self._leaving.earliest(self._now) if self._leaving else self._now

    @property
    def queue_end(self) -> datetime:
        """When a letter would pass that joined the queue now."""
        return self._queue.earliest(self.moment) if self._queue else self._now

    def take(self, at: datetime) -> None:
        """A letter passes at ``at``."""
        self._used += 1
        if self._leaving:
            self._leaving.take(at)

    def join(self) -> datetime:
        """A letter joins the queue; its moment."""
        return self._queue.take(self.moment) if self._queue else self._now

    def room(self, until: datetime) -> int | None:
        """How many newcomers could pass by ``until``; None when as many as there are."""
        left = None if self._allowance is None else max(0, self._allowance - self._used)
        if self.is_queued:
            return 0
        if self._leaving is None:
            return left
        fits = self._leaving.room(self._now, until)
        return fits if left is None else min(fits, left)


def take_turns(
    letters: Sequence[Asking], buckets: Mapping[str, Bucket], shares: Shares, now: datetime, in_hand: timedelta
) -> list[Leave | Wait]:
    """What becomes of each of ``letters``, in order. Doors and gates without a bucket have no limit.

    ``now`` is real time, aware. A letter that leaves does so within ``in_hand`` of it. ``buckets`` are changed.
    """
    return [_turn(letter, buckets, shares, now, now + in_hand) for letter in letters]


def _turn(
    letter: Asking, buckets: Mapping[str, Bucket], shares: Shares, now: datetime, until: datetime
) -> Leave | Wait:
    gate = buckets.get(letter.gate)
    if letter.urgent:
        return _leave_now(letter, gate, buckets, shares, now)
    if gate and not gate.passes(until, promised=letter.promised):
        return Wait(gate.join(), "its domain takes only so many at a time")
    doors = shares.first_choice(letter.doors)
    able = [name for name in doors if name not in buckets or buckets[name].passes(until, promised=letter.promised)]
    if not able:
        return _join_a_door([buckets[name] for name in doors], now)
    name = shares.pick(able)
    door = buckets.get(name)
    at = max(bucket.moment for bucket in (gate, door) if bucket) if gate or door else now
    if door:
        # For the moment it asks, not the one it leaves: a gate that holds it for a second must not stop the door.
        door.take(now)
    if gate:
        gate.take(at)
    return Leave(name, at)


def _leave_now(
    letter: Asking, gate: Bucket | None, buckets: Mapping[str, Bucket], shares: Shares, now: datetime
) -> Leave:
    doors = shares.first_choice(letter.doors)
    # Within the day's allowance where there is one left; without it rather than not at all.
    name = shares.pick([name for name in doors if name not in buckets or not buckets[name].is_used_up] or doors)
    for bucket in (gate, buckets.get(name)):
        if bucket:
            bucket.take(now)
    return Leave(name, now)


def _join_a_door(doors: Sequence[Bucket], now: datetime) -> Wait:
    """All doors are taken for longer than a letter is kept in hand: join the shortest queue, or come tomorrow."""
    today = [door for door in doors if not door.is_used_up]
    if not today:
        return Wait(next_day(now), "the day's allowance of the warm-up is used up", promised=False)
    shortest = min(today, key=lambda door: door.queue_end)
    return Wait(shortest.join(), "the transport takes only so many at a time")
