"""Limits kept by several real workers together, by the mail servers' own record of what came and when."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.acceptance.office import Office, transport
from tests.acceptance.relays import domain_of, since
from tests.smtpd import Received

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("rates"), pytest.mark.timeout(600)]


def never_faster(received: list[Received], per_second: float, burst: int, began: float) -> bool:
    """Whether at no moment more had come than the rate lets pass since it ``began`` (Unix time)."""
    return all(
        number <= per_second * since(letter, began) + burst
        for number, letter in enumerate(sorted(received, key=lambda each: each.at), 1)
    )


def test_two_workers_together_never_exceed_a_transports_rate(office: Office) -> None:
    office.set_up(transport("main", office.relay, "per_second = 12", "burst = 4"), ("example.org", 60))
    with office.house.running(workers=2):
        office.wait_for_states(accepted=60)
    stands = office.tell()
    assert len(office.relay.recipients) == len(set(office.relay.recipients)) == 60
    assert never_faster(office.relay.received, 12, 4, stands["first_claim"])
    assert len({letter["owner"] for letter in stands["letters"]}) == 2, "only one of them had work"


def test_a_domain_with_a_rate_of_its_own_holds_nobody_up(office: Office) -> None:
    limits = '[domains."brook.example"]\nper_second = 4\n[domains."moss.example"]\nper_hour = 1\n'
    crowds = ("moss.example", 20), ("brook.example", 15), ("example.org", 60)
    office.set_up(transport("main", office.relay) + limits, *crowds)
    with office.house.running(workers=2):
        office.wait_for_states(accepted=76, retry_at=19)
    stands = office.tell()
    brook = [letter for letter in office.relay.received if domain_of(letter.recipient) == "brook.example"]
    assert never_faster(brook, 4, 1, stands["first_claim"])
    waiting = [letter for letter in stands["letters"] if letter["state"] == "retry_at"]
    assert {domain_of(letter["subscriber__email"]) for letter in waiting} == {"moss.example"}
    assert {(letter["reason"], letter["attempts"]) for letter in waiting} == {
        ("its domain takes only so many at a time", 0)
    }


def test_a_confirmation_overtakes_letters_that_wait_for_a_rate(office: Office) -> None:
    office.set_up(transport("main", office.relay, "per_minute = 6"), ("example.org", 30))
    with office.house.running(workers=1, notices=True):
        office.wait_until(lambda: office.relay.received, "the first letter")
        office.do("ask_to_confirm", "new@example.org")
        office.wait_until(lambda: "new@example.org" in office.relay.recipients, "the confirmation")
    assert office.tell()["due"] + office.states()["retry_at"] > 0, "letters still waited when it had come"
    assert never_faster(
        [letter for letter in office.relay.received if letter.recipient != "new@example.org"],
        0.1, 1, office.tell()["first_claim"],
    )  # fmt: skip


def test_a_confirmation_is_not_behind_a_run_of_letters(office: Office) -> None:
    office.set_up(transport("main", office.relay, "connections = 1"), ("example.org", 80))
    office.relay.answer_after = 1.0
    with office.house.running(workers=1, notices=True):
        office.wait_until(lambda: len(office.relay.received) >= 2, "the run to begin")
        office.do("ask_to_confirm", "new@example.org")
        office.wait_until(lambda: "new@example.org" in office.relay.recipients, "the confirmation")
        office.relay.answer_after = 0.0
        office.wait_for_states(accepted=81)
    assert office.relay.recipients.index("new@example.org") < 70


def test_the_first_day_of_a_warm_up_is_kept_by_both_workers_and_over_a_kill(office: Office) -> None:
    today = dt.datetime.now(dt.UTC).date()
    warm_up = f"[transport.warm_up]\nstart = {today}\ndays = [24, 24]"
    office.set_up(transport("new", office.relay, "connections = 1", warm_up), ("example.org", 60))
    office.relay.answer_after = 0.1
    with office.house.running(workers=2) as supervisor:
        office.wait_until(lambda: len(office.relay.received) >= 8, "eight letters")
        before = supervisor.pids["worker-0"]
        office.house.kill("worker-0")
        office.wait_until(lambda: supervisor.pids.get("worker-0", before) != before, "a new worker")
        office.wait_until(lambda: office.tell()["used"]["new"] >= 24 and not in_hand(office), "the day's allowance")
        office.wait_for_ticks(4)
    days = {today, dt.datetime.now(dt.UTC).date()}  # two if it has just struck midnight
    assert 8 <= len(office.relay.received) <= 24 * len(days)
    assert len(set(office.relay.recipients)) == len(office.relay.recipients)


def in_hand(office: Office) -> bool:
    states = office.states()
    return bool(states["claimed"] + states["handing_over"])
