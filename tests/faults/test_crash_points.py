"""The crash table: a worker is killed at each point of a letter's way, and the mail server's record judges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.house import House, Running, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-crash-points"), pytest.mark.timeout(900)]

READERS = 12


@pytest.fixture
def worker(house: House) -> Running:
    """The worker that is to die. Broker, beat and the worker that came after the last one stand."""
    if not house.parts:
        house.broker()
        house.beat()
    return house.a_worker()


def invite(house: House, slug: str, number: int = READERS, days: tuple[int, ...] = (0,)) -> list[str]:
    house.scene("sequence", slug=slug, days=days)
    return [str(who) for who in house.scene("readers", slug=slug, number=number)]


def kill_while_held(house: House, worker: Running, reader: str, *, in_doubt: int = 0) -> int:
    """Kill the worker while the mail server keeps it waiting; how many connections that cut."""
    house.wait_until(lambda: reader in house.server.held, "the worker to come to this letter")
    # Its other connections go on: a kill may leave a letter in doubt on each, unless they have nothing under way.
    house.wait_until_quiet()
    house.wait_until(lambda: house.unread_answers(worker) == in_doubt, "the worker to read the other answers")
    cut = house.server.open_connections
    worker.kill()
    house.server.let_go(reader)
    return cut


def test_before_the_claim_commits_nothing_is_left_and_the_next_tick_claims_it(house: House, worker: Running) -> None:
    with house.records.gate_before_insert("delivery_dispatch") as somebody_waits:
        owed = invite(house, "unclaimed")
        house.wait_until(somebody_waits, "the worker to be in the middle of its claim")
        worker.kill()
    assert house.records.letters("unclaimed") == []
    assert house.received("unclaimed") == []
    house.a_worker()
    house.wait_for_states("unclaimed", {"accepted": READERS})
    judge(house, "unclaimed", owed)


def test_claimed_and_never_published_is_offered_again_when_the_lease_runs_out(house: House, worker: Running) -> None:
    house.flush_broker()  # what earlier workers died with is no matter here
    house.wait_for_ticks(1)
    house.parts["beat"].freeze()
    house.wait_until(house.is_idle, "the last tick to be done")
    house.scene("sequence", slug="unpublished", days=[0])
    owed = house.scene("put_off", slug="unpublished", number=READERS)
    with house.records.nobody_writes("delivery_heartbeat"):
        house.parts["beat"].thaw()
        house.wait_until(house.tasks_in_hand, "the worker to have a tick in hand, which begins with a sign of life")
        house.parts["broker"].freeze()
    house.wait_for_states("unpublished", {"claimed": READERS})
    worker.kill()
    house.parts["broker"].kill()
    house.broker()
    assert house.offers_waiting() == 0, "nothing was published"
    house.a_worker()
    house.wait_for_states("unpublished", {"accepted": READERS})
    judge(house, "unpublished", owed)


def test_claimed_and_lost_by_redis_is_offered_again_when_the_lease_runs_out(house: House, worker: Running) -> None:
    worker.kill()
    house.scene("sequence", slug="flushed", days=[0])
    owed = house.scene("put_off", slug="flushed", number=READERS)
    house.worker("ticker", queues=("maintenance",))
    house.wait_until(house.offers_waiting, "the offer to lie in the queue")
    house.flush_broker()
    assert house.records.states("flushed") == {"claimed": READERS}
    house.a_worker()
    house.wait_for_states("flushed", {"accepted": READERS})
    judge(house, "flushed", owed)
    assert min(letter.fence for letter in house.records.letters("flushed")) > 2, "offered a second time"


def test_what_a_dead_worker_had_not_begun_is_offered_again_at_the_next_tick(house: House, worker: Running) -> None:
    house.server.script["next-tick-4@example.org"] = ["hold-rcpt"]
    owed = invite(house, "next-tick")
    kill_while_held(house, worker, "next-tick-4@example.org")
    # Somebody who only ticks: nothing is handed over, so that what the ticks have done can be seen.
    if "ticker" not in house.parts:
        house.worker("ticker", queues=("maintenance",))
    house.wait_for_ticks(2)
    assert house.records.states("next-tick")["handing_over"] == 0
    house.parts.pop("ticker").kill()
    house.a_worker()
    house.wait_for_states("next-tick", {"accepted": READERS})
    judge(house, "next-tick", owed)


@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_a_worker_that_dies_before_its_letters_data_leaves_nothing_in_doubt(
    house: House, worker: Running, place: str
) -> None:
    slug = f"before-{place}"
    house.server.script[f"{slug}-4@example.org"] = [f"hold-{place}"]
    owed = invite(house, slug)
    kill_while_held(house, worker, f"{slug}-4@example.org")
    before = {letter.email: letter.message_id for letter in house.records.letters(slug)}
    house.a_worker()
    house.wait_for_states(slug, {"accepted": READERS})
    judge(house, slug, owed)
    after = {letter.email: letter.message_id for letter in house.records.letters(slug)}
    assert after == before, "the Message-ID is for life"
    assert {each.recipient: each.message["Message-ID"] for each in house.received(slug)} == after


def test_a_worker_that_dies_between_dot_and_answer_leaves_that_one_letter_in_doubt(
    house: House, worker: Running
) -> None:
    reader = "doubt-4@example.org"
    house.server.script[reader] = ["hold-dot"]
    owed = invite(house, "doubt", days=(0, 3))
    cut = kill_while_held(house, worker, reader, in_doubt=1)
    house.a_worker()
    house.wait_until(lambda: _settled(house, "doubt", READERS), "every letter to be settled")
    doubt = judge(house, "doubt", owed, in_doubt_at_most=cut)
    (mine,) = (letter for letter in doubt if letter.email == reader)
    assert mine.next_due is not None, "the next letter comes on its day all the same"
    house.wait_for_ticks(3)
    assert len(house.server.to(reader)) == 1, "held, not sent again"


def test_a_worker_that_dies_with_the_answer_unread_leaves_at_most_that_letter_in_doubt(
    house: House, worker: Running
) -> None:
    reader = "unread-4@example.org"
    house.server.script[reader] = ["hold-dot"]
    owed = invite(house, "unread")
    house.wait_until(lambda: reader in house.server.held, "the worker to come to this letter")
    worker.freeze()
    cut = house.server.open_connections
    house.server.let_go(reader)
    house.wait_until(lambda: reader not in house.server.held, "the answer to be on its way")
    worker.kill()
    house.a_worker()
    house.wait_until(lambda: _settled(house, "unread", READERS), "every letter to be settled")
    judge(house, "unread", owed, in_doubt_at_most=cut)


def test_answers_that_were_read_and_not_recorded_are_found_in_the_journal(house: House, worker: Running) -> None:
    holds = [f"unrecorded-{number}@example.org" for number in range(6, 30, 6)]
    for reader in holds:
        house.server.script[reader] = ["hold-rcpt"]
    owed = invite(house, "unrecorded", number=30)

    def unrecorded() -> int:
        """How many letters the server has whose answer the worker has read, and not written down."""
        arrived = {each.recipient for each in house.received("unrecorded")}
        begun = {row.email for row in house.records.letters("unrecorded") if row.state == "handing_over"}
        return len(arrived & begun) - house.unread_answers(worker)

    for reader in holds:
        house.wait_until(lambda reader=reader: reader in house.server.held, "the worker to wait")  # type: ignore[misc]
        worker.freeze()
        if unrecorded() > 0:
            break
        worker.thaw()  # it has just written down what it had; again at the next one
        house.server.let_go(reader)
    assert unrecorded() > 0, "answers are written down in batches, so some are unwritten at one of these moments"
    in_doubt = house.unread_answers(worker)
    worker.kill()
    for reader in holds:
        house.server.let_go(reader)
        house.server.script.pop(reader)
    house.a_worker()
    house.wait_until(lambda: _settled(house, "unrecorded", 30), "every letter to be settled")
    judge(house, "unrecorded", owed, in_doubt_at_most=in_doubt)


def test_what_is_recorded_stays_recorded(house: House, worker: Running) -> None:
    owed = invite(house, "recorded")
    house.wait_for_states("recorded", {"accepted": READERS})
    worker.kill()
    house.a_worker()
    house.wait_for_ticks(3)
    judge(house, "recorded", owed)
    assert house.records.states("recorded") == {"accepted": READERS}


@pytest.mark.long
def test_everything_killed_at_once_in_mid_run_goes_on_where_it_was(make_house: Callable[[], House]) -> None:
    """A power cut, as far as processes can have one: the kernel and its files stay."""
    house = make_house()
    house.server.answer_after = 0.02
    owed = invite(house, "cut", number=60)
    house.up()
    house.wait_for_letters("cut", 20)
    cut = house.server.open_connections
    house.end()
    house.server.answer_after = 0.0
    house.up()
    house.wait_until(lambda: _settled(house, "cut", 60), "every letter to be settled")
    judge(house, "cut", owed, in_doubt_at_most=cut)


def _settled(house: House, prefix: str, number: int) -> bool:
    """Whether each of so many letters was accepted or is in doubt."""
    states = house.records.states(prefix)
    return states.keys() <= {"accepted", "unknown"} and states.total() == number
