"""Three seeds of chaos, brief ones: two on SQLite, one on PostgreSQL. `make chaos` plays thirty large ones."""

from __future__ import annotations

import os

import pytest

from tests.chaos.plan import Size
from tests.chaos.runs import play_all
from tests.conftest import missing
from tests.postgres import PostgresMissing, find_binaries

# The time limit is for what never comes; alone on two cores each of the two runs takes three quarters of one.
pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(3600)]

BRIEF = Size.fitting(readers=40, steps=3, seconds=8.0)
DATABASE = "postgres" if os.environ.get("KSU_TEST_ON") == "postgres" else "sqlite"
SEEDS = {"sqlite": [8, 11], "postgres": [9]}


def test_nothing_is_lost_or_sent_twice_while_everything_is_killed_and_frozen() -> None:
    if DATABASE == "postgres":
        try:
            find_binaries()
        except PostgresMissing as nowhere:
            missing(str(nowhere))
    rows = list(play_all(((seed, DATABASE) for seed in SEEDS[DATABASE]), BRIEF, jobs=2))
    for row in rows:
        assert row.faults == [], f"the records are in {row.kept_in}; again: {row.replay}"
        assert row.came > 0.6 * BRIEF.letters, "too few letters to show anything"
        assert row.harm > 1
        assert row.unknown <= row.open_at_kills + row.cuts, "more letters in doubt than kills and cuts can leave"
    assert len(rows) == len(SEEDS[DATABASE])
