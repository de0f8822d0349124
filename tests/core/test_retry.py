from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.failures import FailureKind
from keepshowingup.core.retry import POISON, next_try

unit = st.floats(0, 1, exclude_max=True)


def longest(attempts: int, kind: str) -> timedelta | None:
    return next_try(attempts, kind, lambda: 0.0)


def all_waits(kind: str) -> list[timedelta]:
    waits: list[timedelta] = []
    while (wait := longest(len(waits) + 1, kind)) is not None:
        waits.append(wait)
    return waits


def test_a_poison_letter_is_tried_three_times() -> None:
    assert len(all_waits(POISON)) == 2
    assert longest(3, POISON) is None


def test_an_address_that_does_not_exist_is_not_tried_again() -> None:
    assert longest(1, FailureKind.ADDRESS_HARD) is None


def test_a_busy_server_is_asked_for_almost_two_days() -> None:
    waits = all_waits(FailureKind.SOFT)
    assert timedelta(hours=24) < sum(waits, timedelta()) * 0.75
    assert sum(waits, timedelta()) <= timedelta(days=2)


def test_greylisting_is_over_by_the_third_try() -> None:
    assert sum(all_waits(FailureKind.SOFT)[:3], timedelta()) * 0.75 >= timedelta(minutes=15)


def test_waits_grow() -> None:
    for kind in (FailureKind.SOFT, FailureKind.POLICY, POISON):
        waits = all_waits(kind)
        assert waits == sorted(waits)


@given(st.integers(1, 100_000), unit)
def test_a_dead_line_is_tried_every_minute_for_as_long_as_it_takes(attempts: int, chance: float) -> None:
    wait = next_try(attempts, FailureKind.TRANSPORT, lambda: chance)
    assert wait is not None
    assert timedelta(seconds=10) < wait <= timedelta(minutes=1)


@given(st.integers(0, 200), st.sampled_from([*FailureKind, POISON]), unit)
def test_jitter_takes_up_to_a_quarter_off(attempts: int, kind: str, chance: float) -> None:
    wait, full = next_try(attempts, kind, lambda: chance), longest(attempts, kind)
    assert (wait is None) == (full is None)
    if wait is not None and full is not None:
        assert full * 0.75 <= wait <= full


def test_a_kind_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        next_try(1, "weather", lambda: 0.0)
