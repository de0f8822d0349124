"""Recipients' domains that stall or refuse us: they wait, nobody else does."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.acceptance.office import Office, transport
from tests.acceptance.relays import domain_of

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("rates"), pytest.mark.timeout(600)]


def by_domain(recipients: list[str]) -> Counter[str]:
    return Counter(map(domain_of, recipients))


def test_a_domain_that_stalls_for_ten_minutes_delays_neither_letters_nor_a_confirmation(office: Office) -> None:
    crowds = ("stall.example", 20), ("example.org", 60)
    office.set_up(transport("main", office.relay, "connections = 4"), *crowds)
    office.relay.keeps_waiting.add("stall.example")
    with office.house.running(workers=2, notices=True):
        office.wait_until(lambda: by_domain(office.relay.recipients)["stall.example"], "the first to stall")
        office.do("ask_to_confirm", "new@example.org")
        office.wait_until(lambda: by_domain(office.relay.recipients)["example.org"] == 61, "everybody else's letter")
        office.wait_until(lambda: office.states()["accepted"] == 61, "the records")
        stalling = by_domain(office.relay.recipients)["stall.example"]
        assert 0 < stalling < 20, "the stalled domain had its turn, and waits"
        # The server is well again: what it was asked is answered, and the rest follows.
        office.relay.keeps_waiting.clear()
        office.relay.wakes.set()
        office.wait_until(lambda: office.states()["accepted"] >= 61 + stalling, "the answers that were waited for")
    assert max(Counter(office.relay.recipients).values()) == 1


def test_a_domain_that_refuses_by_policy_rests_and_comes_back_by_one_trial_letter(office: Office) -> None:
    crowds = ("refuses.example", 12), ("wary.example", 12), ("example.org", 40)
    office.set_up(transport("main", office.relay, "connections = 2"), *crowds, KSU_DOMAIN_REST="1")
    office.relay.refuses = {
        "refuses.example": "550 5.7.1 we do not want mail from you",
        "wary.example": "451 4.7.0 your reputation is low",
    }
    names = {"domain:refuses.example by main", "domain:wary.example by main"}
    with office.house.running(workers=1):
        office.wait_until(lambda: by_domain(office.relay.recipients)["example.org"] == 40, "everybody else's letter")
        office.wait_until(lambda: set(office.tell()["resting"]) == names, "both to rest")
        assert "2 recipients' domains are resting." in "\n".join(office.tell()["sentences"])
        office.wait_until(lambda: min(office.tell()["failures"].values()) >= 2, "a trial of each")
        asked, failures = by_domain(office.relay.asked), office.tell()["failures"]
        office.relay.refuses.clear()
        office.wait_for_states(accepted=64)
    for domain in ("refuses.example", "wary.example"):
        # In the beginning those that were on the way when the first was refused, then one for each rest.
        assert asked[domain] <= 3 + failures[f"domain:{domain} by main"]
    stands = office.tell()
    assert stands["suppressed"] == 0
    assert stands["failures"] == {}
    assert set(Counter(office.relay.recipients).values()) == {1}
