"""Three seeds of chaos, small ones. `make chaos` plays many large ones."""

from __future__ import annotations

import os

import pytest

from tests.chaos.plan import Size
from tests.chaos.runs import play_all
from tests.conftest import missing
from tests.postgres import PostgresMissing, find_binaries

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("acceptance"), pytest.mark.timeout(240)]

SMALL = Size.fitting(readers=50, steps=3, seconds=10.0)
# Long enough to tell what is lost. A small run does not sit out the minute for which a server puts a letter off.
PATIENCE = 60.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_or_sent_twice_while_everything_is_killed_and_frozen(seed: int) -> None:
    database = "postgres" if os.environ.get("KSU_TEST_ON") == "postgres" else "sqlite"
    if database == "postgres":
        try:
            find_binaries()
        except PostgresMissing as nowhere:
            missing(str(nowhere))
    (row,) = play_all([seed], database, SMALL, patience=PATIENCE)
    assert row.faults == [], f"the records are in {row.kept_in}"
    assert row.came > 0.6 * SMALL.letters, "too few letters to show anything"
    assert row.unknown <= row.chances, "more letters in doubt than kills and cuts"
