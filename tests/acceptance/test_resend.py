"""``KSU_UNKNOWN=resend``, with real processes that are killed while they hand letters over."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.acceptance.conftest import House
from tests.faults.records import Letter

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("kill"), pytest.mark.timeout(1200)]

READERS = 80


def is_in_doubt_again(letter: Letter) -> bool:
    return letter.state == "unknown" and letter.attempts == 2


def test_every_letter_arrives_and_at_most_one_comes_twice_for_each_killed_connection(house: House) -> None:
    house.scene("set", READERS, 1)
    house.environment["KSU_UNKNOWN"] = "resend"
    house.server.answer_after = 0.05  # most of the time there is a letter between its dot and its answer
    house.environment["KSU_CONNECTIONS"] = "1"
    with house.running():
        kills = house.kill_workers_at(10, 30, 50)
        # A worker may be killed over the copy too: then that is in doubt, and is not sent a third time.
        house.wait_until(
            lambda: all(letter.state == "accepted" or is_in_doubt_again(letter) for letter in house.report()),
            "every letter to arrive",
        )
    copies = defaultdict(list)
    for received in house.server.received:
        copies[received.recipient].append(received)
    assert len(copies) == READERS, "lost"
    assert max(map(len, copies.values())) <= 2
    twice = [both for both in copies.values() if len(both) == 2]
    assert len(twice) <= kills
    for first, second in twice:
        assert first.data == second.data, "the same Message-ID, and all else"
