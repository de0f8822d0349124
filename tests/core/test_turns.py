"""Whose turn it is, alone and in a small world of ticks in which letters come back late, as they do."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.core.rates import Rate
from keepshowingup.core.shares import Shares
from keepshowingup.core.turns import Asking, Bucket, Leave, Limit, Past, Wait, take_turns
from keepshowingup.core.warmup import Ramp

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
IN_HAND = 4 * SECOND
TICK = 2 * SECOND


@dataclass
class House:
    """Doors and gates whose past is kept between chunks, as the database keeps it."""

    limits: Mapping[str, Limit]
    weights: Mapping[str, int]
    pasts: dict[str, Past] = field(default_factory=dict)
    shares: Shares = field(init=False)

    def __post_init__(self) -> None:
        self.shares = Shares(self.weights)

    def buckets(self, now: dt.datetime) -> dict[str, Bucket]:
        return {name: Bucket(limit, self.pasts.get(name, Past()), now) for name, limit in self.limits.items()}

    def turns(self, letters: list[Asking], now: dt.datetime) -> list[Leave | Wait]:
        buckets = self.buckets(now)
        turns = take_turns(letters, buckets, self.shares, now, IN_HAND)
        self.pasts |= {name: bucket.past for name, bucket in buckets.items()}
        return turns

    def room(self, now: dt.datetime) -> int:
        rooms = [bucket.room(now + IN_HAND) for name, bucket in self.buckets(now).items() if name in self.weights]
        return min((room for room in rooms if room is not None), default=100)


def to(gate: str = "", *, doors: str = "a", promised: bool = False, urgent: bool = False) -> Asking:
    return Asking(tuple(doors), gate, promised, urgent)


def seconds(turn: Leave | Wait) -> float:
    return (turn.at - NOON) / SECOND


def test_without_limits_everybody_leaves_now() -> None:
    house = House({}, {"a": 1})
    assert house.turns([to("slow")] * 3, NOON) == [Leave("a", NOON)] * 3


def test_who_cannot_leave_soon_is_told_once_when_and_then_goes_before_newcomers() -> None:
    house = House({"a": Limit(Rate(1))}, {"a": 1})
    first = house.turns([to()] * 7, NOON)
    assert [type(turn) for turn in first] == [Leave] * 5 + [Wait] * 2
    assert [seconds(turn) for turn in first] == [0, 1, 2, 3, 4, 5, 6]
    newcomer, promised = house.turns([to(), to(promised=True)], first[5].at)
    assert isinstance(newcomer, Wait)
    assert (seconds(newcomer), promised) == (7, Leave("a", first[5].at))


def test_a_slow_domain_costs_its_door_nothing_while_it_waits() -> None:
    house = House({"a": Limit(Rate(10)), "slow": Limit(Rate(0.1))}, {"a": 1})
    house.turns([to("slow")] * 1000, NOON)
    assert [seconds(turn) for turn in house.turns([to()] * 3, NOON)] == [0.1, 0.2, 0.3]


def test_an_urgent_letter_leaves_now_and_those_after_it_pay() -> None:
    house = House({"a": Limit(Rate(1)), "slow": Limit(Rate(0.1))}, {"a": 1})
    house.turns([to("slow")] * 50 + [to()] * 50, NOON)
    assert house.turns([to("slow", urgent=True)] * 2, NOON) == [Leave("a", NOON)] * 2
    # Five were in hand; two were urgent: the one that comes back first now waits for two more.
    (back,) = house.turns([to(promised=True)], NOON + 5 * SECOND)
    assert seconds(back) == 7


def test_an_allowance_that_is_used_up_waits_for_the_next_day_in_utc() -> None:
    house = House({"a": Limit(ramp=Ramp(NOON.date(), table=(2, 3), ceiling=3))}, {"a": 1})
    turns = house.turns([to()] * 4, NOON)
    assert [type(turn) for turn in turns] == [Leave, Leave, Wait, Wait]
    midnight = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    assert {turn.at for turn in turns[2:]} == {midnight}
    assert house.room(NOON) == 0
    assert house.room(midnight) == 3
    assert [type(turn) for turn in house.turns([to()] * 4, midnight)] == [Leave] * 3 + [Wait]


def test_an_urgent_letter_leaves_although_the_allowance_is_used_up_but_rather_by_another_door() -> None:
    limits = {name: Limit(ramp=Ramp(NOON.date(), table=(1,))) for name in "ab"}
    house = House(limits, {"a": 9, "b": 1})
    assert house.turns([to()], NOON) == [Leave("a", NOON)]
    assert house.turns([to(doors="ab", urgent=True)] * 2, NOON) == [Leave("b", NOON), Leave("a", NOON)]


def test_weights_share_the_letters_and_a_full_door_leaves_them_to_the_other() -> None:
    house = House({"b": Limit(Rate(0.2))}, {"a": 1, "b": 3})
    doors = [turn.door for turn in house.turns([to(doors="ab")] * 8, NOON) if isinstance(turn, Leave)]
    assert doors == ["b"] + ["a"] * 7
    assert {turn.door for turn in house.turns([to(doors="b")], NOON + 60 * SECOND) if isinstance(turn, Leave)} == {"b"}


def test_a_clock_that_was_set_back_holds_nobody_up() -> None:
    house = House({"a": Limit(Rate(1))}, {"a": 1})
    house.turns([to()] * 20, NOON + dt.timedelta(days=1))
    (turn,) = house.turns([to()], NOON)
    assert turn.at == NOON + 20 * SECOND


@given(
    st.builds(Rate, st.sampled_from([0.1, 1, 7, 300]), burst=st.integers(1, 9)),
    st.none() | st.integers(1, 30),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_the_room_is_how_many_newcomers_would_leave(rate: Rate, quota: int | None, before: int, asked: int) -> None:
    ramp = Ramp(NOON.date(), table=(quota,)) if quota else None
    house = House({"a": Limit(rate, ramp)}, {"a": 1})
    house.turns([to()] * before, NOON)
    room = house.room(NOON)
    leaving = [turn for turn in house.turns([to()] * asked, NOON) if isinstance(turn, Leave)]
    assert len(leaving) == min(room, asked)


@dataclass
class Run:
    """What happened in the small world: moments of leaving, by door and by gate, and how often each letter asked."""

    left: dict[str, list[float]]
    asked: list[int]


def play(house: House, gates: list[str], seed: int, *, back_pressure: bool, outage: float = 0) -> Run:
    """Letters come, up to the room there is or all at once; who waits comes back up to two ticks late."""
    chance = random.Random(seed)
    now, due, waiting = NOON, list(range(len(gates))), list[tuple[dt.datetime, int, bool]]()
    run = Run(defaultdict(list), [0] * len(gates))
    while due or waiting:
        if outage and NOON + 20 * SECOND < now < NOON + (20 + outage) * SECOND:
            now += TICK
            continue
        back = [(letter, promised) for at, letter, promised in waiting if at <= now]
        waiting = [entry for entry in waiting if entry[0] > now]
        many = min(len(due), house.room(now)) if back_pressure else len(due)
        coming = back + [(letter, False) for letter in due[:many]]
        due = due[many:]
        asking = [to(gates[letter], doors="".join(house.weights), promised=promised) for letter, promised in coming]
        for (letter, _), turn in zip(coming, house.turns(asking, now), strict=True):
            run.asked[letter] += 1
            if isinstance(turn, Leave):
                run.left[turn.door].append(seconds(turn))
                run.left[gates[letter]].append(seconds(turn))
            else:
                waiting.append((turn.at, letter, turn.promised))
        now += TICK * chance.uniform(0.2, 2)
    return run


def most_in_any_window(moments: list[float], length: float) -> int:
    moments = sorted(moments)
    most = first = 0
    for last, end in enumerate(moments):
        while end - moments[first] > length:
            first += 1
        most = max(most, last - first + 1)
    return most


@settings(max_examples=25)
@given(
    door=st.builds(Rate, st.sampled_from([5, 20]), burst=st.integers(1, 10)),
    gate=st.builds(Rate, st.sampled_from([0.5, 2, 8]), burst=st.integers(1, 5)),
    share=st.floats(0, 1),
    back_pressure=st.booleans(),
    outage=st.sampled_from([0, 30]),
    seed=st.integers(0, 1000),
)
def test_every_letter_leaves_and_no_rate_is_ever_exceeded(
    door: Rate, gate: Rate, share: float, back_pressure: bool, outage: float, seed: int
) -> None:
    chance = random.Random(seed)
    gates = ["slow" if chance.random() < share else "quick" for _ in range(200)]
    house = House({"a": Limit(door), "slow": Limit(gate)}, {"a": 1})
    run = play(house, gates, seed, back_pressure=back_pressure, outage=outage)
    assert len(run.left["a"]) == len(gates)
    for length in (0, 1, 3, 10, 30):
        slow = most_in_any_window(run.left["slow"], length)
        assert slow <= gate.letters * (length + 0.001) + gate.burst
        assert most_in_any_window(run.left["a"], length) <= door.letters * (length + IN_HAND / SECOND) + door.burst


@pytest.mark.parametrize("back_pressure", [True, False])
def test_a_big_run_asks_little_more_than_twice_for_each_letter(back_pressure: bool) -> None:
    house = House({"a": Limit(Rate(10)), "slow": Limit(Rate(2))}, {"a": 1})
    gates = ["slow" if n % 3 == 0 else "quick" for n in range(3000)]
    run = play(house, gates, 1, back_pressure=back_pressure)
    assert sum(run.asked) / len(gates) < 2.5
    assert max(run.left["quick"] + run.left["slow"]) < 1.2 * max(3000 / 10, 1000 / 2)


def test_a_slow_domain_in_front_of_everybody_delays_nobody() -> None:
    def last_quick(slow: int) -> float:
        house = House({"a": Limit(Rate(10)), "slow": Limit(Rate(0.1))}, {"a": 1})
        return max(play(house, ["slow"] * slow + ["quick"] * 200, 3, back_pressure=False).left["quick"])

    assert last_quick(500) <= last_quick(0) + 5
