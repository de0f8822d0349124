"""A mail server in every mood, each on a domain of its own; and one that says nothing for minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.house import House, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-smtp"), pytest.mark.timeout(900)]

WELL = 12
# What the server answers, attempt by attempt. After that it is well.
PASSING = {
    "greylist": ["450 4.2.0 greylisted, come back later"],
    "busy": ["451 4.3.0 no room in the queue", "451 4.3.0 no room in the queue", "452 4.2.2 the mailbox is full"],
    "busy-at-dot": ["dot 451 4.3.0 no room in the queue"],
    "closing": ["421 4.3.2 closing for a while"],
    "hangs-up": ["drop-rcpt"],
    "policy": ["550 5.7.1 refused by policy"],
    "policy-at-dot": ["dot 554 5.7.1 refused by policy"],
    "reputation": ["dot 550 5.7.28 your server's reputation is poor"],
}
IN_DOUBT = {"cut-in-data": ["drop-data"], "cut-after-dot": ["drop-dot"]}
GONE = {"gone": ["550 5.1.1 no such user here"]}


@pytest.mark.long
def test_every_mood_of_a_mail_server_touches_only_its_own_readers(make_house: Callable[[], House]) -> None:
    house = make_house()
    house.scene("sequence", slug="moods", days=[0, 3])
    moods = PASSING | IN_DOUBT | GONE
    for number, (mood, answers) in enumerate(moods.items()):
        house.server.script[f"moods-{number}@{mood}.example"] = [*answers]
    owed = [house.scene("readers", slug="moods", number=1, domain=f"{mood}.example")[0] for mood in moods]
    well = house.scene("readers", slug="moods", number=WELL)
    house.up()

    def settled() -> bool:
        states = house.records.states("moods")
        if states["retry_at"]:
            house.scene("retry_now")  # the server's "later" is minutes away; nothing else is known by waiting
        return states.keys() <= {"accepted", "unknown", "refused"} and states.total() == len(moods) + WELL

    house.wait_until(settled, "every letter to have an end")
    letters = {letter.email: letter for letter in house.records.letters("moods")}
    by_mood = dict(zip(moods, owed, strict=True))
    judge(house, "moods", {*owed, *well} - {by_mood["gone"]}, in_doubt_at_most=len(IN_DOUBT))

    assert {letters[by_mood[mood]].state for mood in PASSING} == {"accepted"}
    assert {letters[by_mood[mood]].state for mood in IN_DOUBT} == {"unknown"}
    assert letters[by_mood["gone"]].state == "refused"
    suppressed = house.records.rows("SELECT count(*) FROM audience_suppression")
    assert suppressed == [(1,)], "whose mailbox is gone, and nobody for what was said about us"
    assert letters[by_mood["busy"]].attempts == 4
    for mood in ("closing", "hangs-up"):
        assert letters[by_mood[mood]].attempts == 1, f"{mood} is no attempt of this letter"
    assert {(letters[who].state, letters[who].attempts) for who in well} == {("accepted", 1)}
    sent = {each.recipient: each.message["Message-ID"] for each in house.received("moods")}
    assert sent == {who: letters[who].message_id for who in sent}, "the Message-ID is for life"
    assert letters[by_mood["cut-in-data"]].next_due is not None, "doubt does not end a sequence"


@pytest.fixture(scope="module")
def two_workers(make_house: Callable[[], House]) -> House:
    """The workers of a household: one for letters, one for notices, both look after maintenance."""
    house = make_house()
    house.broker()
    house.beat()
    house.worker("worker-letters", ("bulk", "maintenance"))
    house.worker("worker-notices", ("transactional", "maintenance"))
    return house


def test_a_request_to_confirm_never_waits_behind_a_server_that_stalls(two_workers: House) -> None:
    house = two_workers
    stalled = "stall-3@slow.example"
    house.server.script[stalled] = ["hold-dot"]
    house.scene("sequence", slug="stall", days=[0])
    owed = house.scene("readers", slug="stall", number=10, domain="slow.example")
    house.wait_until(lambda: stalled in house.server.held, "the server to stall")
    house.scene("notice", email="newcomer@example.org")
    house.wait_for_letters("newcomer", 1)
    assert stalled in house.server.held, "it still says nothing"
    house.server.let_go(stalled)
    house.wait_for_states("stall", {"accepted": 10})
    judge(house, "stall", owed)


def test_letters_to_others_flow_while_a_server_stalls(two_workers: House) -> None:
    house = two_workers
    stalled = "still-3@slow.example"
    house.server.script[stalled] = ["hold-dot"]
    house.scene("sequence", slug="still", days=[0])
    slow = house.scene("readers", slug="still", number=4, domain="slow.example")
    others = house.scene("readers", slug="still", number=30)
    try:
        house.wait_until(lambda: stalled in house.server.held, "the server to stall")
        house.wait_until(
            lambda: {each.recipient for each in house.received("still")} >= set(others), "everybody else's"
        )
        assert stalled in house.server.held, "it still says nothing"
    finally:
        house.server.let_go(stalled)
    house.wait_for_states("still", {"accepted": 34})
    judge(house, "still", [*slow, *others])
