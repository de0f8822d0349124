"""Moments on the command line."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.cli.moments import read_moment
from keepshowingup.core.errors import WrongUsage


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23", "2026-11-23T00:00+00:00"),
        ("2026-11-23T09:30", "2026-11-23T09:30+00:00"),
        ("2026-11-23T09:30Z", "2026-11-23T09:30+00:00"),
        ("2026-11-23T09:30+13:00", "2026-11-22T20:30+00:00"),
    ],
)
def test_a_moment_is_utc_unless_it_says_otherwise(text: str, utc: str) -> None:
    assert read_moment(text, "--now") == dt.datetime.fromisoformat(utc)


def test_without_an_offset_it_is_the_wall_time_of_a_zone() -> None:
    assert read_moment("2026-07-01T09:30", "--start", "Europe/Berlin") == dt.datetime(2026, 7, 1, 7, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-02-30", "9999-12-31", "0001-01-01T00:00+13:00"])
def test_what_is_no_moment_or_out_of_all_calendars_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"--now"):
        read_moment(text, "--now")
