"""Real processes, killed while they hand letters over. The mail server's own record is what counts."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter

import pytest

from tests.acceptance.conftest import House

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("kill")]

READERS = 120


def arrived(house: House) -> Counter[str]:
    return Counter(received.recipient for received in house.server.received)


def test_workers_killed_in_mid_batch_lose_nothing_and_send_nothing_twice(house: House) -> None:
    house.scene("set", READERS, 1)
    house.server.answer_after = 0.05
    connections = 3
    house.environment["KSU_CONNECTIONS"] = str(connections)
    with house.running():
        kills = house.kill_workers_at(10, 40, 70)
        house.wait_until(
            lambda: Counter(letter.state in {"accepted", "unknown"} for letter in house.report()) == {True: READERS},
            "every letter to be settled",
        )
    copies = arrived(house)
    fates = {letter.email: letter.state for letter in house.report()}
    assert max(copies.values()) == 1, "twice"
    assert [who for who, fate in fates.items() if fate == "accepted" and who not in copies] == [], "lost"
    assert Counter(fates.values())["unknown"] <= kills * connections, "at most one in doubt for each connection"


@pytest.mark.once
def test_five_beats_are_as_good_as_one(house: House) -> None:
    house.scene("set", 40, 1)
    with house.running(beats=5):
        house.wait_until(lambda: len(arrived(house)) == 40, "every reader's letter")
        house.wait_until(lambda: {letter.state for letter in house.report()} == {"accepted"}, "the records")
    assert set(arrived(house).values()) == {1}


@pytest.mark.once
def test_a_wiped_broker_loses_nothing(house: House) -> None:
    house.scene("set", READERS, 1)
    house.server.answer_after = 0.02
    with house.running() as supervisor:
        house.wait_for_letters(10)
        os.kill(supervisor.pids["broker"], signal.SIGKILL)
        shutil.rmtree(house.folder / "broker" / "appendonlydir")
        house.wait_until(lambda: len(arrived(house)) == READERS, "every reader's letter")
    assert set(arrived(house).values()) == {1}


def test_a_reader_who_leaves_while_letters_flow_gets_none_from_that_second_on(house: House) -> None:
    house.scene("set", READERS, 1)
    house.server.answer_after = 0.05
    with house.running(workers=1):
        house.wait_for_letters(5)
        leaver = next(n for n in reversed(range(READERS)) if f"r{n}@example.org" not in arrived(house))
        house.scene("leave", f"r{leaver}@example.org")
        house.wait_until(lambda: len(arrived(house)) == READERS - 1, "everybody else's letter")
        house.wait_until(
            lambda: {letter.state for letter in house.report()} <= {"accepted", "skipped"}, "every letter to be settled"
        )
    assert arrived(house)[f"r{leaver}@example.org"] == 0


@pytest.mark.once
def test_a_worker_told_to_stop_finishes_its_letter_and_leaves_nothing_in_doubt(house: House) -> None:
    house.scene("set", READERS, 1)
    house.server.answer_after = 0.05
    with house.running() as supervisor:
        house.wait_for_letters(10)
        workers = [pid for name, pid in supervisor.pids.items() if name.startswith("worker")]
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        house.wait_until(lambda: not set(workers) & set(supervisor.pids.values()), "the workers to end")
        house.wait_until(lambda: len(arrived(house)) == READERS, "every reader's letter")
        house.wait_until(lambda: {letter.state for letter in house.report()} == {"accepted"}, "the records")
    assert set(arrived(house).values()) == {1}
