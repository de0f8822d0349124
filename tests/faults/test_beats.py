"""Beats: several at once, one that was frozen and has ticks to catch up with, one that is killed."""

from __future__ import annotations

import pytest

from tests.faults.house import House, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-crash-points"), pytest.mark.timeout(900)]

READERS = 40


def test_three_beats_of_which_one_freezes_and_one_dies_are_as_good_as_one(house: House) -> None:
    if not house.parts:
        house.broker()
        house.beat()
    house.a_worker()
    house.beat("beat-2")
    house.beat("beat-3")
    house.server.script["beats-5@example.org"] = ["hold-rcpt"]
    house.scene("sequence", slug="beats", days=[0])
    owed = house.scene("readers", slug="beats", number=READERS)
    house.wait_until(lambda: "beats-5@example.org" in house.server.held, "the worker to be in mid-batch")
    house.parts["beat-2"].freeze()
    house.parts["beat"].kill()
    house.server.let_go("beats-5@example.org")
    house.wait_for_letters("beats", READERS // 2)
    house.parts["beat-2"].thaw()
    house.wait_for_states("beats", {"accepted": READERS})
    house.wait_for_ticks(3)
    judge(house, "beats", owed)
