from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.rates import MICROSECOND, Meter, Rate

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)

RATES = st.builds(
    Rate,
    letters=st.one_of(st.integers(1, 20_000), st.floats(0.01, 3000, allow_nan=False)),
    seconds=st.sampled_from([1, 60, 3600]),
    burst=st.integers(1, 50),
)
# Chunks of letters, each with the microseconds since the one before; sometimes the clock goes back.
CHUNKS = st.lists(st.tuples(st.integers(-2_000_000, 20_000_000), st.integers(1, 15)), min_size=1, max_size=10)


def per_second(rate: Rate) -> Fraction:
    return Fraction(str(rate.letters)) / Fraction(str(rate.seconds))


def pass_through(rate: Rate, chunks: list[tuple[int, int]]) -> tuple[list[dt.datetime], list[dt.datetime]]:
    """When each letter came and when it left; each chunk finds the meter as the one before left it."""
    came, left = [], []
    now, free_at = NOON, None
    for since, count in chunks:
        now += since * MICROSECOND
        meter = Meter(rate, free_at)
        came += [now] * count
        left += [meter.take(now) for _ in range(count)]
        free_at = meter.free_at
    return came, left


def test_letters_are_evenly_spaced() -> None:
    meter = Meter(Rate(10))
    assert [(meter.take(NOON) - NOON) / SECOND for _ in range(4)] == [0, 0.1, 0.2, 0.3]
    assert meter.free_at == NOON + 0.4 * SECOND


def test_after_a_pause_a_burst_may_leave_at_once_and_no_more() -> None:
    meter = Meter(Rate(1, burst=3), NOON - dt.timedelta(hours=1))
    assert [(meter.take(NOON) - NOON) / SECOND for _ in range(5)] == [0, 0, 0, 1, 2]


def test_rates_are_also_by_the_minute_and_by_the_hour() -> None:
    meter = Meter(Rate(500, 3600))
    assert [(meter.take(NOON) - NOON) / SECOND for _ in range(3)] == [0, 7.2, 14.4]


@given(RATES, CHUNKS)
def test_never_more_than_the_rate_and_a_burst_in_any_window(rate: Rate, chunks: list[tuple[int, int]]) -> None:
    _, left = pass_through(rate, chunks)
    left.sort()
    for first, start in enumerate(left):
        for last in range(first, len(left)):
            window = Fraction((left[last] - start) // MICROSECOND + 1, 1_000_000)
            assert last - first + 1 <= window * per_second(rate) + rate.burst


@given(RATES, CHUNKS)
def test_nobody_leaves_before_they_came_and_the_order_is_kept(rate: Rate, chunks: list[tuple[int, int]]) -> None:
    came, left = pass_through(rate, chunks)
    assert all(there >= here for here, there in zip(came, left, strict=True))
    if all(since >= 0 for since, _ in chunks):
        assert left == sorted(left)


@given(RATES, st.integers(1, 200), st.integers(1, 10))
def test_rounding_costs_a_microsecond_a_chunk_and_not_a_letter(rate: Rate, size: int, chunks: int) -> None:
    _, left = pass_through(rate, [(0, size)] * chunks)
    exact = max(0, size * chunks - rate.burst) / per_second(rate) * 1_000_000
    late = (left[-1] - NOON) // MICROSECOND - exact
    assert 0 <= late <= chunks + 1


@given(RATES, st.integers(-5_000_000, 5_000_000), st.integers(0, 5_000_000))
def test_the_room_is_what_would_leave_in_time(rate: Rate, free: int, wait: int) -> None:
    free_at, until = NOON + free * MICROSECOND, NOON + wait * MICROSECOND
    room = Meter(rate, free_at).room(NOON, until)
    for count, fits in ((room, True), (room + 1, False)):
        if 0 < count < 500:
            meter = Meter(rate, free_at)
            moments = [meter.take(NOON) for _ in range(count)]
            assert (moments[-1] <= until) is fits


@pytest.mark.parametrize(("letters", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nobody_leave_is_none(letters: float, burst: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rate(letters, burst=burst)
