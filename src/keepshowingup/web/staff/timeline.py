"""The letters of a sequence on their days: what the left edge of the composer draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from keepshowingup.core.counting import count_of
from keepshowingup.core.milestones import Mark as Distance
from keepshowingup.core.pictures import Measures
from keepshowingup.core.timing import AfterDays, AfterMinutes, AtMark, OnDate, Timing
from keepshowingup.editorial import reviewing
from keepshowingup.editorial.issues import next_issue_on
from keepshowingup.editorial.models import Approval, Revision, Sequence, Step
from keepshowingup.editorial.pictures import measures_of
from keepshowingup.editorial.timings import timing_of
from keepshowingup.web.staff.counting import gap_words, minute_words
from keepshowingup.web.staff.reading import Reading, read_letter

# The edge is narrow.
UNITS = {"day": "day", "month": "mo", "year": "year"}


@dataclass(frozen=True)
class Mark:
    """One letter on the line. ``gap`` is the time to the next one, in words; empty after the last."""

    step: Step
    unit: str
    number: str
    gap: str
    reading: Reading
    newest: Revision
    approval: Approval | None
    first: bool = False
    last: bool = False


@dataclass(frozen=True)
class Timeline:
    """All living letters of a sequence, in order."""

    marks: tuple[Mark, ...]
    pictures: Mapping[str, Measures]
    """Of the pictures its letters show, by name."""

    @property
    def span(self) -> str:
        """``9 letters over 90 days``; a newsletter's letters have no common start."""
        letters = count_of(len(self.marks), "letter")
        last = max((mark.step.after_days or 0 for mark in self.marks), default=0)
        return f"{letters} over {count_of(last, 'day')}" if last else letters

    @property
    def waiting(self) -> tuple[Mark, ...]:
        """The letters whose newest words wait for a second person."""
        return tuple(mark for mark in self.marks if mark.newest.is_waiting)

    @property
    def sent_back(self) -> tuple[Mark, ...]:
        """The letters that wait for their writers: somebody sent their newest words back."""
        return tuple(mark for mark in self.marks if mark.newest.is_sent_back)

    @property
    def authors(self) -> frozenset[str]:
        """Who wrote the words that wait."""
        return frozenset(mark.newest.author for mark in self.waiting)

    @property
    def blocks(self) -> int:
        """How many findings stand in the way of a start."""
        return sum(mark.reading.blocks for mark in self.waiting)


def timeline_of(sequence: Sequence) -> Timeline:
    """Read the sequence's letters, each with its newest revision and that one's approval."""
    pairs = reviewing.with_newest(sequence)
    if sequence.milestones:
        # Whatever their order was when they were written, they come in the order of their marks.
        pairs.sort(key=lambda pair: (pair[0].mark_months or 0, pair[0].mark_days or 0))
    steps = [step for step, _ in pairs]
    timings = [timing_of(step) for step in steps]
    pictures = measures_of(*(step.body for step in steps))
    marks = []
    for index, (step, revision) in enumerate(pairs):
        timing = timings[index]
        following = timings[index + 1] if index + 1 < len(steps) else None
        unit, number = _on_the_edge(timing)
        marks.append(
            Mark(
                step=step,
                unit=unit,
                number=number,
                gap=_gap(timing, following),
                reading=read_letter(step.subject, step.preheader, step.body, pictures),
                newest=revision,
                approval=revision.approval if revision.is_approved else None,
                first=index == 0,
                last=following is None,
            )
        )
    return Timeline(tuple(marks), pictures)


def _on_the_edge(timing: Timing) -> tuple[str, str]:
    if isinstance(timing, AfterDays):
        return "day", str(timing.days)
    if isinstance(timing, AfterMinutes):
        return "min", str(timing.minutes)
    if isinstance(timing, AtMark):
        number, unit = str(timing.mark).split()
        return UNITS[unit.rstrip("s")], f"{number}+" if timing.yearly else number
    return f"{timing.date:%b}", str(timing.date.day)


def _gap(here: Timing, there: Timing | None) -> str:
    match here, there:
        case AfterDays(days=first), AfterDays(days=second):
            return gap_words(second - first) if second >= first else "before it: set its day"
        case OnDate(date=first_date), OnDate(date=second_date):
            return gap_words((second_date - first_date).days)
        case AfterMinutes(minutes=first), AfterMinutes(minutes=second):
            return minute_words(second - first) if second > first else "at once"
        case AtMark(mark=first_mark), AtMark(mark=second_mark) if second_mark.days:
            return gap_words(second_mark.days - first_mark.days)
        case _, None:
            return ""
    return "then"


def next_day(timeline: Timeline) -> int:
    """The day to propose for one more letter: a week after the last."""
    days = [mark.step.after_days for mark in timeline.marks if mark.step.after_days is not None]
    return max(days) + 7 if days else 0


def next_date(timeline: Timeline, today: dt.date) -> dt.date:
    """The date to propose for one more issue: a week after the last, and not in the past."""
    dates = [mark.step.on_date for mark in timeline.marks if mark.step.on_date is not None]
    return next_issue_on(dates, today)


USUAL_MARKS = (*(Distance(days=n) for n in (1, 7, 30, 60, 90)), *(Distance(months=n) for n in (6, 9, 12, 18)))


def next_mark(timeline: Timeline) -> Distance:
    """The mark to propose for one more letter: the first usual one that has none, else a year after the last."""
    taken = {Distance(mark.step.mark_days or 0, mark.step.mark_months or 0) for mark in timeline.marks}
    last = max((mark.step.mark_months or 0 for mark in timeline.marks), default=0)
    return next((mark for mark in USUAL_MARKS if mark not in taken), Distance(months=last // 12 * 12 + 12))
