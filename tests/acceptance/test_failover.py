"""Several transports: shares by weight, one that dies or freezes, and its return. Their own records are what counts."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.acceptance.office import Office, transport
from tests.acceptance.relays import Relay, running_relay

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("rates"), pytest.mark.timeout(600)]


def copies(*relays: Relay) -> Counter[str]:
    """How many letters each reader got, by whichever relay."""
    return Counter(who for relay in relays for who in relay.recipients)


def test_transports_share_by_weight_and_stand_in_for_one_that_dies_until_it_is_back(office: Office) -> None:
    small = office.relay
    with running_relay() as large:
        port = large.server_address[1]
        transports = transport("large", large, "weight = 3") + transport("small", small, "weight = 1")
        office.set_up(transports, ("example.org", 80))
        with office.house.running(workers=2):
            office.wait_for_states(accepted=80)
            # Each worker takes exact turns, but stops wherever its part of the letters ends.
            assert 50 <= len(large.received) <= 70, "three in four"
            large.die()
            office.do("more_readers", ("example.org", 12))
            office.wait_for_states(accepted=92)
            assert "large" in office.tell()["failures"]
            with running_relay(port) as back:
                office.wait_until(lambda: "large" not in office.tell()["resting"], "the rest to end")
                office.do("more_readers", ("example.org", 1))
                office.wait_until(lambda: not office.tell()["failures"], "the trial letter")
                assert len(back.received) == 1
                office.do("more_readers", ("example.org", 40))
                office.wait_for_states(accepted=133)
                assert 22 <= len(back.received) - 1 <= 38, "three in four again"
                assert set(copies(large, small, back).values()) == {1}


def test_a_transport_that_accepts_connections_and_says_nothing_is_stood_in_for(office: Office) -> None:
    small = office.relay
    with running_relay() as large:
        port = large.server_address[1]
        transports = transport("large", large, "weight = 3", "connections = 1") + transport("small", small)
        office.set_up(transports, ("example.org", 20))
        with office.house.running(workers=2):
            office.wait_for_states(accepted=20)
            before = len(large.received)
            assert before > 0
            large.freeze()
            office.do("more_readers", *((f"d{number}.example", 2) for number in range(20)))
            # A letter may be stuck on each connection of each worker, and another behind it.
            office.wait_until(lambda: office.states()["accepted"] >= 60 - 4, "the other to stand in")
            assert len(large.received) == before
            assert "large" in office.tell()["failures"]
            large.die()
            office.wait_for_states(accepted=60)
            with running_relay(port) as back:
                office.wait_until(lambda: "large" not in office.tell()["resting"], "the rest to end")
                office.do("more_readers", ("example.org", 1))
                office.wait_until(lambda: not office.tell()["failures"], "the trial letter")
                assert len(back.received) == 1
        assert set(copies(large, small, back).values()) == {1}
