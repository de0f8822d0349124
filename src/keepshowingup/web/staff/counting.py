"""Spans, days and names said in words."""

from __future__ import annotations

import datetime as dt

from keepshowingup.core.counting import count_of
from keepshowingup.core.timing import NAMES_OF_DAYS


def gap_words(days: int) -> str:
    """The time between two letters: ``the same day``, ``1 day``, ``2 weeks``, ``9 days``."""
    if days <= 0:
        return "the same day"
    if days % 7 == 0:
        return count_of(days // 7, "week")
    return count_of(days, "day")


def minute_words(minutes: int) -> str:
    """A short span: ``10 minutes``, ``2 hours``, ``1 hour 30 minutes``; 0 is ``at once``."""
    hours, rest = divmod(minutes, 60)
    parts = [count_of(hours, "hour")] * bool(hours) + [count_of(rest, "minute")] * bool(rest)
    return " ".join(parts) or "at once"


def weekday_words(weekdays: str) -> str:
    """ISO weekday digits in words: ``any day``, ``Monday to Saturday``, ``Monday, Thursday``."""
    days = sorted({int(digit) for digit in weekdays if digit in "1234567"})
    if len(days) in {0, 7}:
        return "any day"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{NAMES_OF_DAYS[days[0] - 1]} to {NAMES_OF_DAYS[days[-1] - 1]}"
    return ", ".join(NAMES_OF_DAYS[day - 1] for day in days)


def moment_words(moment: dt.datetime) -> str:
    """A local moment as people read it: ``Tue 24 Nov, 08:30``."""
    return f"{moment:%a} {moment.day} {moment:%b}, {moment:%H:%M}"


def plain_list(names: list[str], last: str = "or") -> str:
    """``Ruth``, ``Ruth or Sam``, ``Ruth, Sam or Ada``; ``last`` stands before the last."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"
