"""A live sequence is edited, cut, reordered, paused and cloned while its letters leave."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.house import House

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-edits"), pytest.mark.timeout(900)]

READERS = [f"edits-{number}@example.org" for number in range(12)]
HELD = READERS[5]
# A last look is half a second old at most; who is held for longer than that is followed by letters looked at afresh.
LONGER_THAN_A_LOOK = 1.0


def hold_in_mid_run(house: House) -> None:
    """Let days pass until a letter is due, and hold one of them at the server."""
    house.server.script[HELD] = ["hold-rcpt"]
    while HELD not in house.server.held:
        if not house.records.states("edits")["handing_over"]:
            house.scene("days_pass", days=1)
        house.wait_for_ticks(2)


def let_go(house: House) -> int:
    """Let the run go on, when all that was looked at earlier has left; how many letters that are."""
    time.sleep(LONGER_THAN_A_LOOK)
    sent = len(house.received("edits"))
    house.server.let_go(HELD)
    return sent


def wait_until(house: House, true: Callable[[], object], what: str) -> None:
    """As the house does; what was put off, because its domain took its time, asks again at once."""

    def soon() -> object:
        if house.records.states("edits")["retry_at"]:
            house.scene("retry_now")
        return true()

    house.wait_until(soon, what)


def have(house: House, subject: str) -> set[str]:
    """Who was sent a letter, which must be once."""
    copies = {who: number for (who, what), number in house.copies("edits").items() if what == subject}
    assert set(copies.values()) <= {1}, f"{subject} came twice"
    return set(copies)


def nothing_is_under_way(house: House) -> bool:
    return not house.records.states("edits").keys() & {"claimed", "handing_over", "retry_at"}


def everybody_has(house: House, subject: str) -> Callable[[], bool]:
    return lambda: have(house, subject) == set(READERS)


@pytest.mark.long
def test_edited_cut_reordered_paused_and_cloned_in_mid_run(make_house: Callable[[], House]) -> None:
    house = make_house()
    house.scene("sequence", slug="edits", days=[0, 3, 6, 9])
    house.server.script[HELD] = ["hold-rcpt"]
    assert house.scene("readers", slug="edits", number=len(READERS)) == READERS
    house.up()
    house.wait_until(lambda: HELD in house.server.held, "the first letter to be under way")

    house.scene("rewrite", slug="edits", key="edits-0", body="Hello again.\n\nOther words, and as kind.")
    let_go(house)
    wait_until(house, everybody_has(house, "edits 0"), "everybody's first letter")

    hold_in_mid_run(house)
    house.scene("delete", slug="edits", key="edits-3")
    sent = let_go(house)
    wait_until(house, lambda: nothing_is_under_way(house), "the second letter to be settled")
    after = {each.recipient for each in house.received("edits")[sent:] if each.message["Subject"] == "edits 3"}
    assert after <= {HELD}, "a letter that was deleted came to somebody"

    house.scene("clone", slug="edits", to="edits-copy")
    house.scene("move", slug="edits", key="edits-9", places=-1)
    hold_in_mid_run(house)
    house.scene("pause", slug="edits")
    let_go(house)
    wait_until(house, lambda: nothing_is_under_way(house), "what rests to be put back")
    rests_with = have(house, "edits 9")
    house.wait_for_ticks(3)
    assert have(house, "edits 9") == rests_with, "a paused sequence sends nothing"
    house.scene("resume", slug="edits")

    while not (everybody_has(house, "edits 9")() and everybody_has(house, "edits 6")()):
        house.scene("days_pass", days=1)
        house.wait_for_ticks(2)
        wait_until(house, lambda: nothing_is_under_way(house), "the day's letters")
    assert {what for _, what in house.copies("edits")} <= {"edits 0", "edits 3", "edits 6", "edits 9"}
