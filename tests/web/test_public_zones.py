from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.timing import load_zone
from keepshowingup.web.public.zones import MAIN_ZONES, country_of, guess_zone, is_zone, place_of, zone_groups


def test_every_zone_offered_is_one_the_calendar_knows() -> None:
    offered = [zone for _, zones in zone_groups() for zone in zones]
    assert len(offered) > 400
    for zone in offered:
        load_zone(zone.name)
    assert all(zones for _, zones in zone_groups())


@pytest.mark.parametrize(
    ("language", "zone"),
    [
        ("es-CL,es;q=0.9", "America/Santiago"),
        ("de-AT", "Europe/Vienna"),
        ("en-US,en;q=0.5", "America/New_York"),
        ("zh-Hant-TW", "Asia/Taipei"),
        ("en, fr-FR;q=0.8", "Europe/Paris"),
        ("en", ""),
        ("", ""),
        ("*", ""),
        ("en-ZZ", ""),
        ("en-001", ""),
    ],
)
def test_the_browsers_language_hints_at_a_zone(language: str, zone: str) -> None:
    assert guess_zone(language) == zone


@given(st.text(max_size=400))
def test_any_header_is_taken_calmly(header: str) -> None:
    guess = guess_zone(header)
    assert guess == "" or is_zone(guess)


def test_where_a_zone_is() -> None:
    assert country_of("America/Santiago") == "CL"
    assert country_of("UTC") == ""
    assert place_of("America/Argentina/Buenos_Aires") == "Buenos Aires"
    assert is_zone("Asia/Calcutta")
    assert not is_zone("../../etc/passwd")
    assert {country_of(zone) for zone in MAIN_ZONES.values()} == set(MAIN_ZONES)
