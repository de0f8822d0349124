"""The next two weeks: how many letters leave on each day, as planned now.

A reader's next letter is counted on the day it is planned for; those after it as many days later as their steps say.
Pace and days of rest can still move a later one, so the far end is an outlook; the near end is the plan itself.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import TruncDate

from keepshowingup.cadence.due import due_enrolments
from keepshowingup.editorial.models import Sequence, Step

DAYS = 14


@dataclass(frozen=True)
class Day:
    """One bar. ``height`` is a percentage of the tallest."""

    date: dt.date
    letters: int
    height: int


def outlook(now: dt.datetime) -> list[Day]:
    """Letters per UTC day for the 14 days that begin today."""
    first = now.date()
    last = first + dt.timedelta(days=DAYS - 1)
    letters: Counter[dt.date] = Counter()
    after = _steps_by_sequence()
    # What will be due by the end of the last day: one grouped query, however many readers there are.
    horizon = dt.datetime.combine(last, dt.time.max, tzinfo=dt.UTC)
    planned = (
        due_enrolments(horizon)
        .order_by()
        .values_list("sequence_id", "next_step_id", TruncDate("due_at", tzinfo=dt.UTC))
        .annotate(readers=Count("pk"))
    )
    for sequence_id, step_id, planned_for, readers in planned:
        day = max(planned_for, first)  # what is late leaves today
        letters[day] += readers
        for date in _later_dates(after.get(sequence_id, []), step_id, day):
            if date <= last:
                letters[date] += readers
    tallest = max(letters.values(), default=0)
    dates = [first + dt.timedelta(days=offset) for offset in range(DAYS)]
    return [Day(date, letters[date], _height(letters[date], tallest)) for date in dates]


def _steps_by_sequence() -> dict[int, list[Step]]:
    steps: dict[int, list[Step]] = {}
    rows = Step.objects.filter(sequence__state=Sequence.State.LIVE, deleted_at=None, current__isnull=False)
    for step in rows.select_related("sequence").defer("body", "sequence__description").order_by("position"):
        steps.setdefault(step.sequence_id, []).append(step)
    return steps


def _later_dates(steps: list[Step], step_id: int | None, day: dt.date) -> list[dt.date]:
    """When the letters after ``step_id`` would come to somebody who gets that one on ``day``."""
    place = next((index for index, step in enumerate(steps) if step.pk == step_id), None)
    if place is None:
        return []
    here = steps[place]
    dates = []
    for step in steps[place + 1 :]:
        if step.on_date is not None:
            dates.append(max(step.on_date, day))
        elif step.after_days is not None and here.after_days is not None:
            wanted = day + dt.timedelta(days=step.after_days - here.after_days)
            dates.append(_allowed(wanted, step.sequence.weekdays))
    return dates


def _allowed(date: dt.date, weekdays: str) -> dt.date:
    for offset in range(7):
        if str((date + dt.timedelta(days=offset)).isoweekday()) in weekdays:
            return date + dt.timedelta(days=offset)
    return date


def _height(letters: int, tallest: int) -> int:
    # A single letter beside thousands is still a bar one can see.
    return max(2, round(100 * letters / tallest)) if letters else 0
