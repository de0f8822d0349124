"""A step's timing: from its columns to a value, back, and in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate, Rules, Timing, weekdays_of

if TYPE_CHECKING:  # folders are read without Django
    from keepshowingup.editorial.models import Step

LONGEST_DAYS = 3660  # ten years and a bit
LONGEST_MINUTES = 60 * 24 * 366
LONGEST_HOURS = 24 * LONGEST_DAYS


def timing_of(step: Step) -> Timing:
    """When the step is due; the database holds exactly one of the three."""
    if step.after_days is not None:
        return AfterDays(step.after_days, step.at_time)
    if step.after_minutes is not None:
        return AfterMinutes(step.after_minutes)
    if step.on_date is None:
        raise WrongUsage(f"The step {step.key} has no timing: give it a day, minutes or a date.")
    return OnDate(step.on_date, step.at_time)


def put_timing(step: Step, timing: Timing) -> None:
    """Write the timing into the step's columns; the caller saves."""
    if fault := fault_in_timing(timing):
        raise WrongUsage(fault)
    step.after_days = timing.days if isinstance(timing, AfterDays) else None
    step.after_minutes = timing.minutes if isinstance(timing, AfterMinutes) else None
    step.on_date = timing.date if isinstance(timing, OnDate) else None
    step.at_time = None if isinstance(timing, AfterMinutes) else timing.at


def fault_in_timing(timing: Timing) -> str | None:
    """What is wrong with the numbers of a timing."""
    if isinstance(timing, AfterDays) and not 0 <= timing.days <= LONGEST_DAYS:
        return f"The day {timing.days} is not between 0 and {LONGEST_DAYS}."
    if isinstance(timing, AfterMinutes) and not 0 <= timing.minutes <= LONGEST_MINUTES:
        return f"The minutes {timing.minutes} are not between 0 and {LONGEST_MINUTES} (a year)."
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
    """In words: ``day 3``, ``day 3 at 09:00``, ``90 minutes after joining``, ``on 2026-12-01``. Times are local."""
    if isinstance(timing, AfterMinutes):
        return f"{count_of(timing.minutes, 'minute')} after joining"
    words = f"day {timing.days}" if isinstance(timing, AfterDays) else f"on {timing.date.isoformat()}"
    return f"{words} at {say_time(timing.at)}" if timing.at is not None else words


def say_time(time: dt.time) -> str:
    """``09:00``, or with its seconds when it has some."""
    return time.isoformat("seconds" if time.second else "minutes")
