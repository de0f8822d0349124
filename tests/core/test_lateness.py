"""Lateness in buckets, and what can be read out of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.lateness import BOUNDS, bound_of, quantile, up_to

seconds = st.lists(st.floats(min_value=0, max_value=BOUNDS[-1]), min_size=1, max_size=200)


@given(st.floats(min_value=-10, max_value=1e7))
def test_a_letter_is_in_the_first_bucket_that_holds_it(late: float) -> None:
    bound = bound_of(late)
    if bound is None:
        assert late > BOUNDS[-1]
    else:
        assert late <= bound
        assert all(late > lower for lower in BOUNDS if lower < bound)


@given(seconds, st.floats(min_value=0.01, max_value=1))
def test_a_quantile_lies_in_the_bucket_of_the_letter_it_is_about(late: list[float], share: float) -> None:
    counts = Counter(map(bound_of, late))
    said = quantile(counts, share)
    assert said is not None
    rank = next(k for k in range(1, len(late) + 1) if k >= share * len(late) - 1e-9)
    theirs = bound_of(sorted(late)[rank - 1])
    assert theirs is not None
    lower = max((bound for bound in BOUNDS if bound < theirs), default=0.0)
    assert lower - 1e-6 <= said <= theirs + 1e-6


@given(seconds)
def test_what_was_at_most_so_late_only_grows_with_the_bound(late: list[float]) -> None:
    counts = Counter(map(bound_of, late))
    assert [up_to(counts, bound) for bound in BOUNDS] == [sum(each <= bound for each in late) for bound in BOUNDS]


def test_no_letters_have_no_quantile_and_very_late_ones_have_the_last_bound() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({None: 3}, 0.5) == BOUNDS[-1]


def test_counts_of_a_bound_that_is_no_longer_used_keep_their_meaning() -> None:
    assert quantile({2.0: 10}, 0.5) == pytest.approx(1.5)
    assert up_to({2.0: 10}, 2.5) == 10
