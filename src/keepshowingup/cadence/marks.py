"""The marks of the date a reader gave: which letters are still to come, and when each would be in time.

Nothing is sent for a mark that had passed, that very day included, when the date was given, nor for one that fell
into the reader's break. A letter that comes every year has a key of its own for each year and each date.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from keepshowingup.cadence.course import CourseStep
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.milestones import LONGEST_YEARS, Mark, is_dropped, mark_key
from keepshowingup.core.timing import AtMark, starts_at, to_utc

# What a letter for a mark is called wherever staff see one of a reader: its name would tell the date.
A_MARK = "A letter about a date of their own"


def owed_marks(place: Place, reader: Reader) -> Iterator[CourseStep]:
    """The letters still owed for marks, as steps of this reader's own, in the order of their days.

    A mark that has a letter of its own is not also that of a letter that comes every year.
    """
    if reader.counted_from is None:
        return
    steps = [step for step in place.course.steps if not step.deleted]
    own = {step.timing.mark.months for step in steps if isinstance(step.timing, AtMark) and not step.timing.yearly} - {
        0
    }
    coming = (_to_come(step, place, reader.counted_from, own) for step in steps)
    for _, step in heapq.merge(*coming, key=lambda each: each[0]):
        if step.key in place.past:
            continue
        if place.rested_until is not None and _own_moment(step, reader) <= place.rested_until:
            continue
        yield step


def times_of(timing: AtMark) -> Iterator[tuple[Mark, int]]:
    """Its marks in order, each with the number of its year; 0 where it comes only once."""
    if not timing.yearly:
        yield timing.mark, 0
        return
    for year in range(timing.mark.months // 12, LONGEST_YEARS + 1):
        yield Mark(months=12 * year), year


def step_of_key(key: str, steps: Iterable[CourseStep], since: datetime) -> tuple[CourseStep, Mark] | None:
    """Which step a reader's letter was made of, and its mark; ``since`` (UTC) is when they gave the date.

    None where the date is another by now. Deleted steps count too: the letter may have been claimed before.
    """
    for step in steps:
        if not isinstance(step.timing, AtMark):
            continue
        for mark, year in times_of(step.timing):
            if key == mark_key(step.key, since, year):
                return step, mark
    return None


def own_wall(timing: AtMark, reader: Reader) -> datetime:
    """The mark's own time by the reader's clock (naive), whatever hours and pace allow."""
    assert reader.counted_from is not None
    return starts_at(timing, started_on=reader.counted_from, hour=reader.hour)


def has_passed(due_local: str, due: datetime, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a planned letter about a mark would come too late at ``now`` (UTC).

    It is late by its mark's own time, which is kept beside it as ``due_local``: the pace may have moved ``due``.
    """
    return is_dropped(to_utc(datetime.fromisoformat(due_local), zone) if due_local else due, now)


def _own_moment(step: CourseStep, reader: Reader) -> datetime:
    assert isinstance(step.timing, AtMark)
    return to_utc(own_wall(step.timing, reader), reader.zone)


def wait_out_the_break(place: Place, reader: Reader, now: datetime) -> None:
    """Remember how far a reader's break has come: marks up to there are not made up for when it ends."""
    if reader.paused_at is not None:
        until = min(now, reader.paused_until or now)
        place.rested_until = max(place.rested_until or until, until)


def _to_come(step: CourseStep, place: Place, start: date, own: set[int]) -> Iterator[tuple[date, CourseStep]]:
    timing = step.timing
    if not isinstance(timing, AtMark):
        return
    for mark, year in times_of(timing):
        day = mark.falls_on(start)
        if day <= place.started_on or (timing.yearly and mark.months in own):
            continue
        key = mark_key(step.key, place.enrolled_at, year)
        yield day, replace(step, key=key, timing=replace(timing, mark=mark, yearly=False))
