"""``KSU_UNKNOWN=resend``, with real processes that are killed while they hand letters over."""

from __future__ import annotations

import os
import signal
from collections import defaultdict

import pytest

from tests.acceptance.conftest import House

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("acceptance"), pytest.mark.timeout(1200)]

READERS = 80


def test_every_letter_arrives_and_at_most_one_comes_twice_for_each_killed_connection(house: House) -> None:
    house.scene("set", READERS, 1)
    house.environment["KSU_UNKNOWN"] = "resend"
    house.server.answer_after = 0.05  # most of the time there is a letter between its dot and its answer
    kills = 0
    with house.running() as supervisor:
        for wanted in (10, 30, 50):
            house.wait_for_letters(wanted)
            for name, pid in supervisor.pids.items():
                if name.startswith("worker"):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        house.wait_until(lambda: {row["state"] for row in house.report()} == {"accepted"}, "every letter to arrive")
    copies = defaultdict(list)
    for received in house.server.received:
        copies[received.recipient].append(received)
    assert len(copies) == READERS, "lost"
    assert max(map(len, copies.values())) <= 2
    twice = [both for both in copies.values() if len(both) == 2]
    assert len(twice) <= kills
    for first, second in twice:
        assert first.data == second.data, "the same Message-ID, and all else"
