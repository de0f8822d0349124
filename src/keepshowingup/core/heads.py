"""Whom a change to a running sequence reaches, counted before it is made.

Readers who share where they stand share the answer, so it is worked out once for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from datetime import date, timedelta

from keepshowingup.core.counting import count_of
from keepshowingup.core.editions import Change, Kind, Way
from keepshowingup.core.pace import Pace, first_free_day
from keepshowingup.core.timing import AfterDays, AfterMinutes, AtMark, Timing

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Standing:
    """So many readers with the same letters behind them. ``day`` is their today, counted from joining and moved."""

    number: int
    behind: frozenset[str]
    day: int
    finished: bool = False


@dataclass
class Reach:
    """What one letter's change is to the readers there are: ``past`` have it behind them, or were past its place."""

    ahead: int = 0
    past: int = 0


@dataclass(frozen=True)
class Heads:
    """``readers`` are on their way; ``letters`` has the reach of each change by its letter's key.

    ``crowded`` would get more than one letter within a day if the pace did not spread them; then ``last_on`` is the
    day the last of these letters comes.
    """

    readers: int
    letters: Mapping[str, Reach] = field(default_factory=dict)
    crowded: int = 0
    last_on: date | None = None

    def crowd_words(self, pace: Pace, last_day: str) -> str:
        """The sentence about readers whose letters would come on top of each other; ``last_day`` is it in words."""
        said = f"This would send more than one letter to somebody within a day: {count_of(self.crowded, 'reader')}."
        return f"{said} The pace ({pace}) spreads them; the last of them comes about {last_day}." if last_day else said

    def row(self) -> dict[str, object]:
        """For JSON, and to be kept with the change."""
        return {
            "readers": self.readers,
            "letters": {key: vars(reach) for key, reach in self.letters.items()},
            "crowded": self.crowded,
            "last_on": self.last_on.isoformat() if self.last_on else None,
        }


def count_heads(
    standings: Iterable[Standing],
    after: Row[tuple[str, Timing]],
    changes: Collection[Change],
    way: Way,
    *,
    pace: Pace,
    today: date,
) -> Heads:
    """``after`` are the letters there will be, in the order they are sent, each with its timing."""
    standings = list(standings)
    kinds: dict[str, set[Kind]] = {}
    for change in changes:
        kinds.setdefault(change.key, set()).add(change.kind)
    reaches = {key: Reach() for key in kinds}
    places = {key: place for place, (key, _) in enumerate(after)}
    crowded = 0
    last: date | None = None
    for standing in standings:
        front = max((place for place, (key, _) in enumerate(after) if key in standing.behind), default=-1)
        for key, kind in kinds.items():
            is_past = (
                key in standing.behind
                or standing.finished
                or (kind == {"added"} and places.get(key, len(after)) < front)
            )
            if is_past:
                reaches[key].past += standing.number
            else:
                reaches[key].ahead += standing.number
        if way is Way.NEW_READERS:
            continue
        days = _days_of(standing, after, kinds, way, front, today)
        if _meet(days, kinds):
            crowded += standing.number
            theirs = _last_day([day for day, _ in days], pace, today, standing.day)
            last = max(last or theirs, theirs)
    readers = sum(standing.number for standing in standings if not standing.finished)
    return Heads(readers, reaches, crowded, last)


def _days_of(
    standing: Standing,
    after: Row[tuple[str, Timing]],
    kinds: Mapping[str, set[Kind]],
    way: Way,
    front: int,
    today: date,
) -> list[tuple[int, str]]:
    """The day of each letter that these readers still get, as they count days; what is overdue comes today."""
    days = []
    for place, (key, timing) in enumerate(after):
        new = "added" in kinds.get(key, ())
        if key in standing.behind:
            continue
        if standing.finished and not (new and way is Way.BACKFILL):
            continue
        if place < front and not (new and way is Way.BACKFILL) and "moved" not in kinds.get(key, ()):
            continue
        if isinstance(timing, AfterDays):
            day = timing.days
        elif isinstance(timing, AfterMinutes):
            day = timing.minutes // MINUTES_A_DAY
        elif isinstance(timing, AtMark):
            continue  # a day of the reader's own, which is not asked about
        else:
            day = standing.day + (timing.date - today).days
            if day < standing.day:
                continue
        days.append((max(day, standing.day), key))
    return sorted(days)


def _meet(days: Row[tuple[int, str]], kinds: Mapping[str, set[Kind]]) -> bool:
    """Whether a letter that is new, or newly placed, has a day that another one has too."""
    theirs = [day for day, _ in days]
    return any(kinds.get(key, set()) & {"added", "moved"} and theirs.count(day) > 1 for day, key in days)


def _last_day(wanted: Row[int], pace: Pace, today: date, now_day: int) -> date:
    """When the last of the letters comes that wanted the same day as another, if they are spread by the pace."""
    taken: list[date] = []
    last = today
    for day in wanted:
        free = first_free_day(today + timedelta(days=day - now_day), taken, pace)
        taken.append(free)
        if wanted.count(day) > 1:
            last = max(last, free)
    return last
