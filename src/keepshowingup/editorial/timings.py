"""A step's timing: from its columns to a value, back, and in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.milestones import Mark, fault_in_mark
from keepshowingup.core.timing import EVERY_DAY, AfterDays, AfterMinutes, AtMark, OnDate, Rules, Timing, weekdays_of

if TYPE_CHECKING:  # folders are read without Django
    from keepshowingup.editorial.models import Step

LONGEST_DAYS = 3660  # ten years and a bit
LONGEST_MINUTES = 60 * 24 * 366
EVERY_YEAR = ", then every year"
LONGEST_HOURS = 24 * LONGEST_DAYS


def timing_of(step: Step) -> Timing:
    """When the step is due; the database holds exactly one of the ways to say it."""
    if step.after_days is not None:
        return AfterDays(step.after_days, step.at_time)
    if step.after_minutes is not None:
        return AfterMinutes(step.after_minutes)
    if step.mark_days is not None or step.mark_months is not None:
        return AtMark(Mark(step.mark_days or 0, step.mark_months or 0), step.at_time, step.every_year)
    if step.on_date is None:
        raise WrongUsage(f"The step {step.key} has no timing: give it a day, minutes, a date or a mark.")
    return OnDate(step.on_date, step.at_time)


def put_timing(step: Step, timing: Timing) -> None:
    """Write the timing into the step's columns; the caller saves."""
    fault = fault_in_timing(timing) or fault_in_kind(timing, milestones=step.sequence.milestones)
    if fault:
        raise WrongUsage(fault)
    step.after_days = timing.days if isinstance(timing, AfterDays) else None
    step.after_minutes = timing.minutes if isinstance(timing, AfterMinutes) else None
    step.on_date = timing.date if isinstance(timing, OnDate) else None
    mark = timing.mark if isinstance(timing, AtMark) else Mark()
    step.mark_days, step.mark_months = mark.days or None, mark.months or None
    step.every_year = isinstance(timing, AtMark) and timing.yearly
    step.at_time = None if isinstance(timing, AfterMinutes) else timing.at


def fault_in_timing(timing: Timing) -> str | None:
    """What is wrong with the numbers of a timing."""
    if isinstance(timing, AfterDays) and not 0 <= timing.days <= LONGEST_DAYS:
        return f"The day {timing.days} is not between 0 and {LONGEST_DAYS}."
    if isinstance(timing, AfterMinutes) and not 0 <= timing.minutes <= LONGEST_MINUTES:
        return f"The minutes {timing.minutes} are not between 0 and {LONGEST_MINUTES} (a year)."
    if isinstance(timing, AtMark):
        return fault_in_mark(timing.mark, yearly=timing.yearly)
    return None


def fault_in_kind(timing: Timing, *, milestones: bool) -> str | None:
    """Why a letter of this timing can't stand in the sequence: marks belong to milestones, and nothing else does."""
    if milestones and not isinstance(timing, AtMark):
        return "Its letters are timed from the reader's own date: write a mark, such as 30 days."
    if not milestones and isinstance(timing, AtMark):
        return "Only a sequence of milestones counts from the reader's own date: write a day, minutes or a date."
    return None


def fault_in_milestones(*, open_ended: bool, audience: str, weekdays: str) -> str | None:
    """Why a sequence of milestones can't be like this."""
    if open_ended:
        return "A sequence is a newsletter or milestones, not both: its letters have dates, or count from the reader's."
    if audience != "self":
        return "Milestones are for people themselves: nobody gets a counter for somebody else's date."
    if len(set(weekdays)) < len(EVERY_DAY):
        return "A mark may fall on any day, and late ones are dropped: let milestones come on every day of the week."
    return None


def fault_in_lateness(hours: int | None) -> str | None:
    """What is wrong with the hours after which a letter is too late; None hours are never."""
    if hours is not None and not 0 <= hours <= LONGEST_HOURS:
        return f"The hours after which a letter is too late are not between 0 and {LONGEST_HOURS} (ten years)."
    return None


def check_hours(weekdays: str, window: tuple[dt.time, dt.time], quiet: tuple[dt.time, dt.time]) -> None:
    """Raises :class:`WrongUsage` where the days (ISO digits) and local hours leave no moment for a letter."""
    Rules(weekdays_of(weekdays), window, quiet)


def say_timing(timing: Timing) -> str:
    """In words: ``day 3 at 09:00``, ``90 minutes after joining``, ``on 2026-12-01``, ``30 days from their date``.

    Times are local.
    """
    if isinstance(timing, AfterMinutes):
        return f"{count_of(timing.minutes, 'minute')} after joining"
    if isinstance(timing, AtMark):
        words = f"{timing.mark} from their date{EVERY_YEAR if timing.yearly else ''}"
    else:
        words = f"day {timing.days}" if isinstance(timing, AfterDays) else f"on {timing.date.isoformat()}"
    return f"{words} at {say_time(timing.at)}" if timing.at is not None else words


def say_time(time: dt.time) -> str:
    """``09:00``, or with its seconds when it has some."""
    return time.isoformat("seconds" if time.second else "minutes")
