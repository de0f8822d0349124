"""Every letter ends with help for right now, and the list of it does not grow stale unseen."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

import pytest

from keepshowingup.core.errors import Refused
from keepshowingup.editorial import help_now
from keepshowingup.letters.compose import HelpNow

NONE = Path("no-such-file.toml")
OWN = """
notice = "No emergency service."
[[unknown]]
label = "Our desk"
number = "555 0100"
how = "call"
hours = "office hours"
for = "anybody"
url = "https://harbour.example"
source_url = "https://harbour.example/help"
reviewed_on = 2026-11-01
reviewed_by = "Ruth"
"""


def test_each_seeded_country_has_its_lines() -> None:
    numbers = {
        country: [line.number for line in help_now.lines_for(country, NONE)]
        for country in ["US", "CA", "GB", "IE", "AU", "NZ"]
    }
    assert numbers == {
        "US": ["988", "1-800-662-4357"],
        "CA": ["988"],
        "GB": ["116 123", "0300 123 6600"],
        "IE": ["116 123", "1800 459 459"],
        "AU": ["13 11 14", "1800 250 015"],
        "NZ": ["1737"],
    }


@pytest.mark.parametrize("country", ["", "XX", "DE"])
def test_an_unknown_country_is_pointed_to_a_directory_and_the_emergency_number(country: str) -> None:
    lines = help_now.lines_for(country, NONE)
    assert [line.number for line in lines] == ["findahelpline.com", "your local emergency number"]
    assert help_now.notice(NONE) == "This is not an emergency service."


def test_a_country_may_be_written_in_small_letters() -> None:
    assert help_now.lines_for("nz", NONE) == help_now.lines_for("NZ", NONE)


def test_the_operators_own_file_wins_as_a_whole(tmp_path: Path) -> None:
    own = tmp_path / "help_now.toml"
    own.write_text(OWN)
    assert help_now.lines_for("US", own) == (HelpNow("Our desk", "555 0100", "call", "office hours"),)
    own.write_text(OWN.replace("555 0100", "555 01234"))
    assert help_now.lines_for("US", own)[0].number == "555 01234"


def test_after_180_days_the_lines_must_be_looked_at_again() -> None:
    fresh = dt.datetime(2027, 5, 21, 23, 59, tzinfo=dt.UTC)
    assert help_now.obstacles(fresh, NONE) == []
    (sentence,) = help_now.obstacles(fresh + dt.timedelta(minutes=1), NONE)
    assert "more than 180 days ago" in sentence
    assert "US SAMHSA National Helpline (2026-11-22)" in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN.replace('notice = "No emergency service."', ""), "has no notice"),
        (OWN.replace("unknown", "US"), "no lines for an unknown country"),
        (OWN.replace('reviewed_by = "Ruth"', ""), "has no reviewed_by"),
        (OWN.replace("2026-11-01", '"1 November"'), "has no date"),
        (OWN + "[[USA]]\n", "'USA' is no country"),
        ("notice =", "can't be read"),
    ],
)
def test_a_faulty_file_stands_in_the_way_of_a_start(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "help_now.toml"
    own.write_text(text)
    with pytest.raises(Refused, match=said):
        help_now.read_book(own)
    (sentence,) = help_now.obstacles(dt.datetime(2026, 11, 23, tzinfo=dt.UTC), own)
    assert said in sentence


def test_a_letter_never_goes_without_help(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = tmp_path / "help_now.toml"
    own.write_text("notice =")
    with caplog.at_level(logging.ERROR):
        assert help_now.lines_for("CA", own)[0].number == "988"
    assert "the shipped help lines" in caplog.text
