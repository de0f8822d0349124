"""Zones come from the package ``tzdata``, whatever the machine has or says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zoneinfo
from importlib import resources
from pathlib import Path

import pytest

from keepshowingup.core.timing import load_zone, zone_names
from tests import zone_table

# London as if it lay on Kiritimati, 14 hours before Greenwich.
ASK = """
import datetime, sys, zoneinfo
__import__(sys.argv[1])
from keepshowingup.core.timing import load_zone
noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
for zone in (load_zone("Europe/London"), zoneinfo.ZoneInfo("Europe/London")):
    print(noon.astimezone(zone).hour)
print(len(zoneinfo.TZPATH), len(zoneinfo.available_timezones()))
"""


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    there = resources.files("tzdata").joinpath("zoneinfo", "Pacific", "Kiritimati").read_bytes()
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "London").write_bytes(there)
    return tmp_path


# What each process begins with: web, worker and beat, the command line, and whoever only asks for the settings.
@pytest.mark.parametrize(
    "begins_with", ["keepshowingup.wsgi", "keepshowingup.worker", "keepshowingup.__main__", "keepshowingup.settings"]
)
def test_a_machine_with_other_zones_changes_nothing(begins_with: str, poisoned: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONTZPATH": str(poisoned), "KSU_DATA_DIR": str(tmp_path / "data")}
    answer = subprocess.run(
        [sys.executable, "-c", ASK, begins_with], env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer.stdout.split() == ["12", "12", "0", str(len(zone_names()))], answer.stderr


def test_the_poison_works_where_nobody_guards_against_it(poisoned: Path) -> None:
    ask = "import datetime, zoneinfo; print(datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('Europe/London')))"
    answer = subprocess.run(
        [sys.executable, "-c", ask],
        env=os.environ | {"PYTHONTZPATH": str(poisoned)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.stdout.strip() == "2026-01-01 00:00:00+14:00"


def test_the_tests_themselves_read_the_package_too() -> None:
    assert zoneinfo.TZPATH == ()
    assert zoneinfo.available_timezones() == set(zone_names())
    for name in ("Europe/London", "UTC"):
        zone = zoneinfo.ZoneInfo(name)
        assert load_zone(name).key == zone.key


def test_the_page_of_clock_changes_is_what_the_planner_says() -> None:
    """For the years it is about: it grows old at New Year without being wrong."""
    shown = zone_table.PAGE.read_text(encoding="utf-8")
    years = re.match(r"# Clock changes of (\d{4}) and", shown)
    assert years is not None
    assert zone_table.page(int(years[1])) == shown, "docs/zones.md is out of date: make zones"
