"""The judge: what should have arrived and when, worked out from the readers' own doings, and what did.

It knows nothing of the engine: its calendar is a date plus a number of days at an hour in a zone, which is what a
reader was promised. The readers of the demonstration confirm before their hour and on any day, so that is all there is.

Between pressing a button and the page's answer hours of this calendar may pass. What falls due meanwhile may come or
not, and what moves by days moves by the fewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from statistics import quantiles
from zoneinfo import ZoneInfo

from keepshowingup.core.clock import Clock
from keepshowingup.core.counting import count_of


@dataclass(frozen=True)
class Arrival:
    """A letter of a sequence in somebody's inbox; ``at`` is real time, UTC."""

    recipient: str
    subject: str
    at: datetime


@dataclass
class Reader:
    """Somebody in the demonstration, what they chose, and what they did when (calendar time, UTC).

    They confirm, resume and begin to leave when they press the button; a break begins, and they have left, when the
    page has answered.
    """

    name: str
    address: str
    zone: ZoneInfo
    part: str
    hour: time
    confirmed_at: datetime | None = None
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    leaves_at: datetime | None = None
    left_at: datetime | None = None

    def local(self, moment: datetime) -> datetime:
        """A moment on this reader's own clock."""
        return moment.astimezone(self.zone)

    @property
    def days_paused(self) -> int:
        """Local days between pause and resume."""
        if self.paused_at is None or self.resumed_at is None:
            return 0
        return (self.local(self.resumed_at).date() - self.local(self.paused_at).date()).days


@dataclass(frozen=True)
class Promise:
    """A letter owed to a reader at a moment (calendar, UTC)."""

    reader: str
    subject: str
    due: datetime


@dataclass
class Verdict:
    """The table's numbers. ``late`` are seconds of real time after the moment, one for each letter that arrived."""

    due: int = 0
    delivered: int = 0
    early: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    after_leaving: list[str] = field(default_factory=list)
    unpromised: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What is off, in sentences; empty when every promise was kept."""
        return self.early + self.lost + self.twice + self.after_leaving + self.unpromised

    def late_quantile(self, percent: int) -> float:
        """Seconds of real time that ``percent`` of the letters were late at most."""
        if len(self.late) < 2:
            return max(self.late, default=0.0)
        return quantiles(self.late, n=100, method="inclusive")[percent - 1]


def promises(reader: Reader, plan: Sequence[tuple[int, str]]) -> list[Promise]:
    """What a reader is owed from a plan of (day, subject), given what they have done so far."""
    return _promised_before(reader.leaves_at or reader.left_at, reader, plan)


def _promised_before(end: datetime | None, reader: Reader, plan: Sequence[tuple[int, str]]) -> list[Promise]:
    if reader.confirmed_at is None:
        return []
    first_day: date = reader.local(reader.confirmed_at).date()
    owed = []
    for day, subject in plan:
        due = _at_hour(first_day + timedelta(days=day), reader)
        if reader.paused_at and due > reader.paused_at:
            if reader.resumed_at is None:
                continue
            due = _at_hour(first_day + timedelta(days=day + reader.days_paused), reader)
        if end is None or due < end:
            owed.append(Promise(reader.address, subject, due))
    return owed


def _at_hour(day: date, reader: Reader) -> datetime:
    return datetime.combine(day, reader.hour, reader.zone).astimezone(UTC)


def judge(
    readers: Sequence[Reader], plan: Sequence[tuple[int, str]], arrivals: Sequence[Arrival], clock: Clock
) -> Verdict:
    """Compare what was owed with what came."""
    verdict = Verdict()
    came: dict[tuple[str, str], list[Arrival]] = {}
    for arrival in arrivals:
        came.setdefault((arrival.recipient, arrival.subject), []).append(arrival)
    owed = {(p.reader, p.subject): p for reader in readers for p in promises(reader, plan)}
    may_come = {(p.reader, p.subject) for reader in readers for p in _promised_before(reader.left_at, reader, plan)}
    names = {reader.address: reader.name for reader in readers}
    verdict.due = len(owed)
    for key, promise in owed.items():
        what = f"'{promise.subject}' to {names[promise.reader]}"
        copies = came.get(key, [])
        if not copies:
            verdict.lost.append(f"{what} was due and never came.")
            continue
        verdict.delivered += 1
        at = clock.calendar_at(copies[0].at)
        if at < promise.due:
            verdict.early.append(f"{what} came {promise.due - at} before its moment.")
        else:
            verdict.late.append(clock.real_between(promise.due, at).total_seconds())
    for (address, subject), number in Counter({key: len(copies) for key, copies in came.items()}).items():
        if number > 1:
            verdict.twice.append(f"'{subject}' to {names.get(address, address)} came {count_of(number, 'time')}.")
    left = {reader.address: reader.left_at for reader in readers if reader.left_at}
    for (address, subject), copies in came.items():
        if address in left and any(clock.calendar_at(copy.at) > left[address] for copy in copies):
            verdict.after_leaving.append(f"'{subject}' came to {names[address]} after leaving.")
        elif (address, subject) not in may_come:
            verdict.unpromised.append(f"'{subject}' came to {names.get(address, address)}, to whom it was not owed.")
    return verdict
