"""The machine's clock is set forward and back while letters flow: nothing is early, nothing comes twice, beat beats."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.house import ROOT, House, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-clock"), pytest.mark.timeout(900)]

HOUR, DAY = 3600.0, 86400.0
READERS = 6


class Clock:
    """The clock of a house's machine."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set_by(0)

    def set_by(self, seconds: float) -> None:
        """Set it by so much, from where it should be; for everybody, at once."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(seconds))
        os.replace(draft, self._file)
        time.sleep(0.5)  # until everybody has seen it


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def house(make_house: Callable[..., House], clock: Clock, tmp_path: Path) -> House:
    path = os.pathsep.join((str(Path(__file__).parent / "shifted"), str(ROOT)))
    return make_house(PYTHONPATH=path, FAULTS_CLOCK=str(tmp_path / "clock"))


@pytest.mark.long
def test_set_forward_and_back_in_every_way(house: House, clock: Clock) -> None:
    house.scene("sequence", slug="now", days=[0, 3])
    house.scene("sequence", slug="later", days=[0])
    for due_in in (HOUR / 2, DAY / 2):
        house.scene("readers", slug="later", number=READERS, due_in=due_in)
    owed: list[str] = []
    house.up()
    for shift in (0.0, HOUR, 0.0, -HOUR, 0.0, DAY, 0.0):
        clock.set_by(shift)
        house.wait_for_ticks(3)
        # Letters flow whatever the clock says: these are due by what is true.
        owed += house.scene("readers", slug="now", number=READERS)
        house.wait_for_states("now", {"accepted": len(owed)})
        house.wait_for_ticks(2)
        assert house.received("later") == [], f"early, when the clock was set by {shift:+.0f} s"
    judge(house, "now", owed)


@pytest.mark.long
def test_a_worker_that_starts_while_the_clock_is_wrong_knows_better(house: House, clock: Clock) -> None:
    house.scene("sequence", slug="start", days=[0])
    house.scene("readers", slug="start", number=READERS, due_in=DAY / 2)
    house.up()
    house.wait_for_ticks(1)
    clock.set_by(DAY)
    house.parts["worker"].kill()
    house.worker()
    house.wait_for_ticks(3)
    assert house.received("start") == []
