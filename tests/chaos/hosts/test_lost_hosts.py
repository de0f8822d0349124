"""What the oracle asks of a host that is gone with its journals: all in its hand in doubt, and nothing sent again."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.chaos.doubts import Doubts, find_doubts
from tests.chaos.record import Ended, Fate, Kill, Opened, ServerRecord, Took

MAYA = "maya@quay.example"
THEN = 1_000_000.0
GONE = Kill(THEN, "host-b", frozenset(), 60.0, "10.77.2.12", frozenset({"<0@x>"}))


def doubts(state: str, *took: Took, message_id: str = "<0@x>", opened: Opened | None = None) -> Doubts:
    fate = Fate(state, "", datetime(2026, 11, 23, tzinfo=UTC), message_id)
    record = ServerRecord(took=list(took), opened=[opened] if opened else [])
    record.ended = [Ended(each.connection, "gone", "dot", MAYA, each.message_id, THEN + 5) for each in took]
    return find_doubts({(MAYA, 0): fate}, record, [GONE])


def took(at: float, message_id: str = "<0@x>") -> Took:
    return Took(1, MAYA, "Note 0", message_id, at, at, "")


def test_what_went_with_its_host_is_in_doubt_whether_it_had_left_or_not() -> None:
    for found in doubts("unknown"), doubts("unknown", took(THEN - 1)):
        assert (found.odd, found.by_loss) == ([], 1)


def test_what_went_with_its_host_and_is_settled_is_odd() -> None:
    for state in "accepted", "claimed", "retry_at", "skipped":
        (odd,) = doubts(state).odd
        assert odd == f"note 0 to {MAYA} went with its host and its journal, and is {state}"


def test_what_went_with_its_host_and_was_sent_afterwards_is_odd() -> None:
    (odd,) = doubts("unknown", took(THEN + 9)).odd
    assert "was sent 9.0 s afterwards" in odd


def test_another_hosts_connection_is_no_excuse() -> None:
    mine = Opened(1, 40_000, THEN - 9, "10.77.2.12")
    other = Opened(1, 40_000, THEN - 9, "10.77.2.11")
    assert doubts("unknown", took(THEN - 1, "<1@x>"), message_id="<1@x>", opened=mine).killed == 1
    found = doubts("unknown", took(THEN - 1, "<1@x>"), message_id="<1@x>", opened=other)
    assert any("nobody had been killed" in odd for odd in found.odd)
