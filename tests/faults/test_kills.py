"""``keepshowingup up`` while letters leave: every part of it is killed in turn, then the one that starts them again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.house import House, judge
from tests.ops.test_up import PARTS, Up
from tests.processes import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("up"), pytest.mark.timeout(900)]

# For each kill some more, so that it is always in mid-run; at the end more than leave before the last one is gone.
SOME, MANY = 20, 150


@pytest.mark.long
def test_everything_that_runs_is_killed_in_mid_run_and_comes_back(make_house: Callable[[], House]) -> None:
    house = make_house()
    house.server.answer_after = 0.3
    house.scene("sequence", slug="kills", days=[0])
    owed: list[str] = []

    def letters_leave(number: int) -> None:
        before = len(house.received("kills"))
        owed.extend(house.scene("readers", slug="kills", number=number))
        house.wait_for_letters("kills", before + 3)

    up = Up(house.folder, house.folder / "up.log", **house.environment)
    cut = 0
    try:
        for part in PARTS.keys() - {"mailbox"}:  # with SMTP_URL there is none
            letters_leave(SOME)
            before = up.pid_of(part)
            assert before, f"{part} is not there"
            cut += house.server.open_connections if part.startswith("worker") else 0
            os.kill(before, signal.SIGKILL)
            eventually(partial(up.has_another, part, before), f"{part} is back", within=240)
        letters_leave(MANY)
        cut += house.server.open_connections
        up.process.kill()
        up.process.wait()
        house.leave_the_scene()  # it is about this folder too
        eventually(up.nobody_left, "nobody is left of the old house", within=240)
        assert len(house.received("kills")) < len(owed), "it was in mid-run"
        house.server.answer_after = 0.0
        up.start()
        house.wait_until(
            lambda: (
                house.records.states("kills").keys() <= {"accepted", "unknown"}
                and house.records.states("kills").total() == len(owed)
            ),
            "every letter to be settled",
        )
        judge(house, "kills", owed, in_doubt_at_most=cut)
    finally:
        up.process.send_signal(signal.SIGTERM)
        up.process.wait(120)
    eventually(up.nobody_left, "nobody is left", within=240)
