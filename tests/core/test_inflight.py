from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from keepshowingup.core.inflight import SLOW_SECONDS, InFlight


def fill(flight: InFlight, domain: str, now: float, first: int = 0) -> int:
    """Start letters to one domain for as long as they may; how many."""
    count = 0
    while flight.may_start(domain, now):
        flight.started(first + count, domain, now)
        count += 1
    return count


def test_one_domain_gets_half_of_the_connections() -> None:
    assert fill(InFlight(8), "big.example", 0) == 4
    assert fill(InFlight(1), "big.example", 0) == 1


def test_the_more_is_held_the_fewer_the_next_may_take() -> None:
    flight = InFlight(8)
    assert [fill(flight, name, 0, 100 * place) for place, name in enumerate("abcd")] == [4, 2, 1, 1]


def test_a_domain_has_its_own_limit_too() -> None:
    assert fill(InFlight(20, {"small.example": 2}.get), "small.example", 0) == 2


def test_a_domain_that_lets_a_letter_wait_gets_one_at_a_time_until_it_is_well() -> None:
    flight = InFlight(8)
    flight.started(1, "slow.example", 0)
    assert flight.may_start("slow.example", SLOW_SECONDS - 0.1)
    assert not flight.may_start("slow.example", SLOW_SECONDS)
    flight.answered(1, 60)
    assert fill(flight, "slow.example", 60, 2) == 1
    flight.answered(2, 60.1)
    assert fill(flight, "slow.example", 61, 3) == 4


def test_one_letter_that_hangs_makes_its_domain_slow_whatever_the_others_do() -> None:
    flight = InFlight(8)
    flight.started(1, "odd.example", 0)
    flight.started(2, "odd.example", 5)
    flight.answered(2, 5.1)
    assert not flight.may_start("odd.example", 5.1)


def test_many_slow_domains_leave_half_to_the_others() -> None:
    flight, now = InFlight(8), 0.0
    for letter in range(20):
        flight.started(letter, f"slow{letter}.example", now)
        now += SLOW_SECONDS
        flight.answered(letter, now)
    assert sum(fill(flight, f"slow{n}.example", now, 100 + n) for n in range(20)) == 4
    assert flight.may_start("quick.example", now)


class Flights(RuleBasedStateMachine):
    """A worker that starts whatever it may, and domains that answer when they like."""

    def __init__(self) -> None:
        super().__init__()
        self.flight = InFlight(6, {"b": 1}.get)
        self.under_way: dict[int, tuple[str, float]] = {}
        self.now = 0.0
        self.number = 0

    @rule(domain=st.sampled_from("abcdefgh"))
    def start(self, domain: str) -> None:
        held = [since for name, since in self.under_way.values() if name == domain]
        others = {name for name, _ in self.under_way.values()} - {domain}
        if self.flight.may_start(domain, self.now):
            assert not any(self.now - since >= SLOW_SECONDS for since in held)
            self.number += 1
            self.flight.started(self.number, domain, self.now)
            self.under_way[self.number] = (domain, self.now)
        elif not held and not self.flight.is_slow(domain, self.now):
            assert len(self.under_way) == 6, "a domain that is well and has nothing under way gets the last one"
        elif not others and not held:
            raise AssertionError("nobody else is there, and yet it may not start")

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(sorted(self.under_way)))
        del self.under_way[letter]
        self.flight.answered(letter, self.now)

    @rule(seconds=st.floats(0, 8))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nobody_has_more_than_half(self) -> None:
        held = [name for name, _ in self.under_way.values()]
        assert len(held) <= 6
        assert all(held.count(name) == self.flight.held(name) <= (1 if name == "b" else 3) for name in set(held))


Flights.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestFlights = Flights.TestCase


@given(st.integers(1, 40), st.integers(1, 40))
def test_whoever_has_nothing_under_way_starts_while_anything_is_free(connections: int, domains: int) -> None:
    flight = InFlight(connections)
    started = [fill(flight, f"d{n}", 0, 1000 * n) for n in range(domains)]
    assert sum(started) <= connections
    assert all(count > 0 for count in started[: connections.bit_length()])
