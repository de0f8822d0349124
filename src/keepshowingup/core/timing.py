"""When a letter comes: a reader's local calendar day and hour, turned into a moment.

Days are counted on calendar dates in the reader's zone, never in hours, so a letter for 10:00 comes at 10:00 on both
sides of a clock change. Everything here only ever moves a letter forward: a time outside the window or inside quiet
hours waits for the next one that is allowed, a time that a clock change leaves out is taken that much later (the rule
of RFC 5545 3.3.5), and of a time that happens twice the first is taken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.milestones import Mark

DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(1, 8))
NAMES_OF_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class AfterDays:
    """``days`` local calendar days after joining, at ``at`` (local) or at the reader's own hour."""

    days: int
    at: time | None = None


@dataclass(frozen=True)
class AfterMinutes:
    """``minutes`` of real time after joining."""

    minutes: int


@dataclass(frozen=True)
class OnDate:
    """On a local calendar date, at ``at`` (local) or at the reader's own hour. Breaks do not move it."""

    date: dt.date
    at: time | None = None


@dataclass(frozen=True)
class AtMark:
    """On a mark of the private date a reader gave, at ``at`` (local) or at the reader's own hour.

    ``yearly``: and again each full year after it. Breaks do not move it.
    """

    mark: Mark
    at: time | None = None
    yearly: bool = False


Timing = AfterDays | AfterMinutes | OnDate | AtMark


@dataclass(frozen=True)
class Rules:
    """What a sequence allows. All times are local; each span includes its start and not its end.

    A span whose end is before its start goes over midnight. A window with equal ends is the whole day; quiet hours
    with equal ends are none. ``weekdays`` are ISO numbers (1 is Monday) of the local day a letter leaves on. Letters
    older than ``too_late`` are skipped. Raises :class:`WrongUsage` where no moment of the week is left.
    """

    weekdays: frozenset[int] = EVERY_DAY
    window: tuple[time, time] = (time(8), time(21))
    quiet: tuple[time, time] = (time(21), time(8))
    too_late: timedelta | None = None
    # The first moments of each stretch of the day that is allowed, in order.
    openings: tuple[time, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise WrongUsage("No day of the week is left for letters. Choose at least one, from 1 (Monday) to 7.")
        starts = {self.window[0], self.quiet[1]}
        openings = tuple(sorted(start for start in starts if self.opens_at(start)))
        if not openings:
            raise WrongUsage("Quiet hours cover the whole window. Make the window longer or the quiet hours shorter.")
        object.__setattr__(self, "openings", openings)

    def opens_at(self, at: time) -> bool:
        """Whether this local time of day is inside the window and outside quiet hours."""
        in_window = self.window[0] == self.window[1] or _within(at, self.window)
        return in_window and not self.is_quiet_at(at)

    def is_quiet_at(self, at: time) -> bool:
        """Whether this local time of day is inside quiet hours."""
        return self.quiet[0] != self.quiet[1] and _within(at, self.quiet)

    def allow(self, local: datetime) -> bool:
        """Whether a letter may leave at this local wall time (naive)."""
        return local.isoweekday() in self.weekdays and self.opens_at(local.time())


@dataclass(frozen=True)
class Moment:
    """When a letter leaves: in UTC, as the reader's clock shows it (naive), and why then, in words."""

    utc: datetime
    local: datetime
    reason: str


@cache
def zone_names() -> tuple[str, ...]:
    """Every zone there is, sorted."""
    return tuple(sorted(resources.files("tzdata").joinpath("zones").read_text().split()))


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone by its IANA name, read from the package ``tzdata`` and never from the machine.

    Two machines with different system zones would otherwise promise a reader two different mornings. Raises
    :class:`WrongUsage` for a name that is none.
    """
    if name not in zone_names():
        raise WrongUsage(f"There is no time zone '{name}'. Write it like Europe/London or America/New_York.")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A wall time (naive) as a moment: the first of two, and one that does not exist as much later as the gap."""
    # PEP 495: with fold=0 a time inside a gap is read with the offset from before it.
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_local(utc: datetime, zone: ZoneInfo) -> datetime:
    """What the reader's clock shows at a moment (naive)."""
    return utc.astimezone(zone).replace(tzinfo=None, fold=0)


def local_date(utc: datetime, zone: ZoneInfo) -> date:
    """The reader's calendar date at a moment."""
    return utc.astimezone(zone).date()


def local_days_between(earlier: datetime, later: datetime, zone: ZoneInfo) -> int:
    """How many local midnights lie between two moments; 0 when ``later`` is not later."""
    return max(0, (local_date(later, zone) - local_date(earlier, zone)).days)


def is_allowed(moment: datetime, zone: ZoneInfo, rules: Rules) -> bool:
    """Whether a letter may leave at this moment (aware) by its reader's clock."""
    return rules.allow(to_local(moment, zone))


def is_too_late(due: datetime, now: datetime, too_late_hours: int | None) -> bool:
    """Whether a letter that was due at ``due`` is too old to be sent at ``now``. Without a limit it never is."""
    return too_late_hours is not None and now - due > timedelta(hours=too_late_hours)


def starts_at(timing: AfterDays | OnDate | AtMark, *, started_on: date, hour: time, moved_days: int = 0) -> datetime:
    """The wall time (naive) a day, date or mark stands for, before any rule is applied."""
    if isinstance(timing, OnDate):
        return datetime.combine(timing.date, timing.at or hour)
    if isinstance(timing, AtMark):
        return datetime.combine(timing.mark.falls_on(started_on), timing.at or hour)
    return datetime.combine(started_on + timedelta(days=timing.days + moved_days), timing.at or hour)


def moment_of(
    timing: Timing,
    *,
    started_on: date,
    enrolled_at: datetime,
    zone: ZoneInfo,
    hour: time,
    rules: Rules,
    moved_days: int = 0,
    not_before: datetime | None = None,
) -> Moment:
    """The moment a letter leaves.

    ``started_on`` is the local date of day 0, and for a mark the date it is counted from; ``hour`` is the reader's own
    (local), ``moved_days`` how far breaks have moved this reader's plan. Nothing is planned before ``not_before``
    (aware): when the hour has passed on that very day the letter leaves at the next allowed moment; when the day
    itself has passed, at its hour on the first day on which that is still to come.
    """
    day = _Day(zone, rules, hour)
    why = _say(timing, hour, moved_days)
    if isinstance(timing, AfterMinutes):
        first = day.reached(_after_minutes(timing, enrolled_at, zone, moved_days), why)
    else:
        day = replace(day, hour=timing.at or hour)
        first = day.wanted(starts_at(timing, started_on=started_on, hour=hour, moved_days=moved_days), why)
    if not_before is None or first.utc >= not_before:
        return first
    floor = to_local(not_before, zone)
    if floor.date() <= first.local.date():
        return day.reached(not_before, f"{first.reason}; {first.local:%H:%M} had passed, so as soon as allowed")
    why = f"{why}; that day had passed, so at {day.usual:%H:%M} on a later one"
    at_its_hour = day.wanted(datetime.combine(floor.date(), day.usual), why)
    if at_its_hour.utc >= not_before:
        return at_its_hour
    return day.wanted(datetime.combine(floor.date() + DAY, day.usual), why)


def _after_minutes(timing: AfterMinutes, enrolled_at: datetime, zone: ZoneInfo, moved_days: int) -> datetime:
    reached = enrolled_at.astimezone(UTC) + timedelta(minutes=timing.minutes)
    return to_utc(to_local(reached, zone) + moved_days * DAY, zone) if moved_days else reached


def _say(timing: Timing, hour: time, moved_days: int) -> str:
    if isinstance(timing, AfterMinutes):
        words = f"{count_of(timing.minutes, 'minute')} after joining"
    else:
        day = _say_day(timing)
        words = f"{day} at {timing.at:%H:%M}" if timing.at else f"{day} at the reader's hour {hour:%H:%M}"
    if moved_days and isinstance(timing, AfterDays | AfterMinutes):
        words += f", the plan has moved {moved_days} day{'s' if moved_days != 1 else ''}"
    return words


def _say_day(timing: AfterDays | OnDate | AtMark) -> str:
    if isinstance(timing, AtMark):
        return "a mark of their own date"  # which one would tell the date
    return f"day {timing.days}" if isinstance(timing, AfterDays) else f"on {timing.date}"


@dataclass(frozen=True)
class _Day:
    """One reader's days under one set of rules: turns wishes into moments that are allowed."""

    zone: ZoneInfo
    rules: Rules
    hour: time

    @property
    def usual(self) -> time:
        """The time of day letters come at: the hour, or the first one after it that is allowed."""
        return self._opening(datetime.combine(date.min, self.hour)).time()

    def wanted(self, wish: datetime, reason: str) -> Moment:
        """The first allowed moment for a wall time that is wished for; a later day keeps the time of day."""
        local = self._opening(wish)
        if local != wish:
            reason += self._outside(wish, local)
        if local.isoweekday() not in self.rules.weekdays:
            local = self._letter_day(local)
            reason += _moved_to(local)
        utc = to_utc(local, self.zone)
        shown = to_local(utc, self.zone)
        if shown != local:
            reason += f"; {local:%H:%M} does not exist that day, so {shown:%H:%M}"
        return self.reached(utc, reason)

    def reached(self, utc: datetime, reason: str) -> Moment:
        """This moment if it is allowed, else the first one after it that is."""
        local = to_local(utc, self.zone)
        if self.rules.allow(local):
            return Moment(utc, local, reason)
        opening = self._opening(local)
        if opening.isoweekday() not in self.rules.weekdays:
            opening = self._letter_day(datetime.combine(opening.date(), self.usual))
            reason += _moved_to(opening)
        else:
            reason += self._outside(local, opening)
        later = to_utc(opening, self.zone)
        if later < utc:  # the clock went back over the opening: it is the second of the two that is still to come
            later = opening.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return self.reached(later, reason)

    def _opening(self, local: datetime) -> datetime:
        """This wall time if the hours allow it, else the start of the next stretch that does. Any weekday."""
        if self.rules.opens_at(local.time()):
            return local
        for opening in self.rules.openings:
            if opening > local.time():
                return datetime.combine(local.date(), opening)
        return datetime.combine(local.date() + DAY, self.rules.openings[0])

    def _outside(self, wish: datetime, opening: datetime) -> str:
        where = "in the quiet hours" if self.rules.is_quiet_at(wish.time()) else "outside the hours for letters"
        return f"; {wish:%H:%M} is {where}, so {opening:%H:%M}"

    def _letter_day(self, local: datetime) -> datetime:
        while local.isoweekday() not in self.rules.weekdays:
            local += DAY
        return local


def _moved_to(day: datetime) -> str:
    return f"; moved to {NAMES_OF_DAYS[day.weekday()]}, the next day for letters"


def _within(at: time, span: tuple[time, time]) -> bool:
    start, end = span
    return start <= at < end if start <= end else at >= start or at < end


def weekdays_of(digits: Iterable[str]) -> frozenset[int]:
    """``"12345"``, the form in the database, as ISO weekdays. Raises :class:`WrongUsage` for anything but 1 to 7."""
    days = frozenset(int(digit) if digit in "1234567" else 0 for digit in digits)
    if 0 in days:
        raise WrongUsage(f"'{''.join(digits)}' are no days of the week. Write 12345 for Monday to Friday.")
    return days
