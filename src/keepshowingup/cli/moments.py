"""Moments as people write them on the command line."""

from __future__ import annotations

import datetime as dt

from keepshowingup.core.errors import WrongUsage

# Calendars are reckoned with room on both sides: a plan looks years ahead, a zone's offset a day back.
EARLIEST, LATEST = 2000, 2200


def read_moment(text: str, option: str, zone: str = "UTC") -> dt.datetime:
    """An ISO 8601 moment as aware UTC; without an offset it is the wall time of ``zone``.

    Raises :class:`WrongUsage` for what is no moment, and outside the years 2000 to 2200.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"'{text}' is not a moment. Write it like {option} 2026-11-23T09:00.") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise WrongUsage(f"{option} is in the year {moment.year}. Give one between {EARLIEST} and {LATEST}.")
    if moment.tzinfo is not None:
        return moment.astimezone(dt.UTC)
    from keepshowingup.core.timing import load_zone, to_utc

    return to_utc(moment, load_zone(zone))
