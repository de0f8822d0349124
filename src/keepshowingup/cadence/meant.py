"""Whether a letter is meant for a reader: the conditions of steps and the rules that end a sequence, in planning.

They are asked each time a reader's next letter is planned, and once more at the last look before it is handed over. A
letter that is not for the reader is jumped over. Until its day is over a tag, a date or another language brings it
back; then, or when a later letter has overtaken it, it is behind them for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from keepshowingup.cadence.course import CourseStep
from keepshowingup.cadence.reader import PassedOver, Place, Reader
from keepshowingup.core.care import exit_reached
from keepshowingup.core.conditions import unmet
from keepshowingup.core.states import SkipReason
from keepshowingup.core.timing import local_date

PASSED_OVER = "passed over"
CAME_TO_BE_THEIRS = "it came to be for this reader after its day"


def first_meant(ready: Iterable[CourseStep], place: Place, reader: Reader) -> CourseStep | None:
    """The first of these steps that is for this reader.

    When a sequence has nothing else left than letters that are not for them as things stand, it is the first of those:
    it keeps its day, and is asked about again when that has come. A newsletter waits for its next issue anyway.
    """
    waiting = None
    for step in ready:
        if not unmet(step.only_if, reader.about):
            return step
        waiting = waiting or step
    return None if place.course.open_ended else waiting


def will_come(place: Place, reader: Reader) -> bool:
    """Whether what is planned is for the reader as things stand. What is not takes nobody's day."""
    return place.step is None or not place.step.only_if or not unmet(place.step.only_if, reader.about)


def objection(place: Place, step: CourseStep, reader: Reader, now: datetime) -> SkipReason | None:
    """What a sequence's rules have against handing this letter over at ``now`` (UTC)."""
    if exit_reached(place.course.exits, reader.about.tags, local_date(now, reader.zone)):
        return SkipReason.ENDED
    return SkipReason.NOT_FOR_READER if unmet(step.only_if, reader.about) else None


def pass_over(
    owed: Iterable[CourseStep], place: Place, reader: Reader, own_day: Callable[[CourseStep], date], now: datetime
) -> None:
    """Put behind the reader what is not for them and whose day is over, or which a later letter has overtaken.

    What was planned around until its day was over does not come back from the past either.
    """
    today = local_date(now, reader.zone)
    order = {step.pk: number for number, step in enumerate(place.course.steps)}
    behind = max((order[step.pk] for step in place.course.steps if step.key in place.past), default=-1)
    planned = order[place.step.pk] if place.step else -1
    for step in list(owed):
        if not step.only_if or step.ready_since is None:
            continue
        number = order[step.pk]
        too_late = number < max(behind, planned) and not _is_brought_back(step, reader, own_day)
        why = unmet(step.only_if, reader.about) or (CAME_TO_BE_THEIRS if too_late else "")
        if why and (number < behind or own_day(step) < today):
            place.past[step.key] = now
            place.passed_over.append(PassedOver(step.key, reader.pk, now, f"{PASSED_OVER}: {why}"))


def _is_brought_back(step: CourseStep, reader: Reader, own_day: Callable[[CourseStep], date]) -> bool:
    """Whether its day was over when it was added, or brought back, also for those who were past it."""
    if not step.backfilled or step.ready_since is None:
        return False
    return own_day(step) <= local_date(step.ready_since, reader.zone)
