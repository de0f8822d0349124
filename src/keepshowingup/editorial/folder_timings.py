"""When a letter comes, as the fields at the top of its file say it: read and written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from keepshowingup.core.milestones import read_mark
from keepshowingup.core.timing import AfterDays, AfterMinutes, AtMark, OnDate, Timing
from keepshowingup.editorial.fields import Fields
from keepshowingup.editorial.timings import EVERY_YEAR, fault_in_timing, say_time

WHEN = ("day", "minutes", "date", "mark")


def read_timing(fields: Fields) -> Timing | None:
    """The timing the fields give; None, with a fault noted, when they give none or several."""
    given = [name for name in WHEN if name in fields.values]
    if not given:
        sentence = 'Nothing says when it is sent: write day = 3, minutes = 90, date = 2026-12-01 or mark = "30 days".'
        fields.fault("", sentence)
        return None
    if len(given) > 1:
        fields.fault(given[1], f"Both {given[0]} and {given[1]} say when it is sent: keep one.")
        return None
    at = fields.take_time("at")
    day, minutes, date = fields.take_whole("day"), fields.take_whole("minutes"), fields.take_date("date")
    timing: Timing | None = None
    if day is not None:
        timing = AfterDays(day, at)
    elif minutes is not None:
        timing = AfterMinutes(minutes)
        if "at" in fields.values:
            fields.fault("at", "A letter that comes some minutes after joining has no time of day: remove at.")
    elif date is not None:
        timing = OnDate(date, at)
    elif "mark" in fields.values:
        timing = _read_mark(fields, at)
    if timing is not None:
        fields.fault(given[0], fault_in_timing(timing))
    return timing


def timing_rows(timing: Timing) -> Iterator[str]:
    """The lines that say it."""
    if isinstance(timing, AfterDays):
        yield f"day = {timing.days}"
    elif isinstance(timing, AfterMinutes):
        yield f"minutes = {timing.minutes}"
        return
    elif isinstance(timing, AtMark):
        yield f'mark = "{timing.mark}{EVERY_YEAR if timing.yearly else ""}"'
    else:
        yield f"date = {timing.date.isoformat()}"
    if timing.at is not None:
        yield f'at = "{say_time(timing.at)}"'


def _read_mark(fields: Fields, at: dt.time | None) -> AtMark | None:
    text = str(fields.values["mark"])
    said = text.removesuffix(EVERY_YEAR)
    mark = read_mark(said)
    if mark is None:
        fields.fault("mark", f'This is no mark: write it like mark = "30 days", or mark = "2 years{EVERY_YEAR}".')
        return None
    return AtMark(mark, at, yearly=said != text)
