from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.shares import Shares

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1)


def test_turns_are_mixed_and_not_in_blocks() -> None:
    shares = Shares({"a": 3, "b": 1})
    assert "".join(shares.pick("ab") for _ in range(8)) == "aabaaaba"


@given(WEIGHTS, st.integers(1, 5))
def test_over_a_round_each_has_exactly_its_share(weights: dict[str, int], rounds: int) -> None:
    shares, total = Shares(weights), sum(weights.values())
    if total:
        assert Counter(shares.pick(weights) for _ in range(total * rounds)) == Counter(
            {name: weight * rounds for name, weight in weights.items() if weight}
        )


@given(WEIGHTS, st.integers(1, 200))
def test_at_no_time_is_anybody_far_from_their_share(weights: dict[str, int], turns: int) -> None:
    shares, total, had = Shares(weights), sum(weights.values()), Counter[str]()
    for turn in range(1, turns + 1):
        had[shares.pick(weights)] += 1
        if total:
            assert all(abs(had[name] - turn * weight / total) < len(weights) for name, weight in weights.items())


@given(WEIGHTS, st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), max_size=60))
def test_only_those_who_can_are_chosen_and_somebody_always_is(weights: dict[str, int], able: list[set[str]]) -> None:
    shares = Shares(weights)
    for among in able:
        if among & weights.keys():
            assert shares.pick(among) in among


def test_who_comes_back_does_not_make_up_for_what_was_missed() -> None:
    shares = Shares({"a": 1, "b": 1})
    assert {shares.pick("b") for _ in range(100)} == {"b"}
    assert Counter(shares.pick("ab") for _ in range(10)) == {"a": 5, "b": 5}


def test_a_weight_of_nothing_stands_in_when_nobody_else_can() -> None:
    shares = Shares({"a": 2, "b": 0, "c": 0})
    assert {shares.pick("abc") for _ in range(5)} == {"a"}
    assert Counter(shares.pick("bc") for _ in range(4)) == {"b": 2, "c": 2}


def test_nobody_is_chosen_from_nobody() -> None:
    with pytest.raises(ValueError, match="empty"):
        Shares({"a": 1}).pick("")
