"""A breaker rests, is tried with one letter, and rests longer or is forgotten."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from keepshowingup.delivery import breaker
from keepshowingup.delivery.models import Breaker
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def rests(name: str, times: int) -> list[dt.timedelta]:
    """How long it rests each time, when it fails again right after each rest."""
    now, found = MONDAY, []
    for _ in range(times):
        until = breaker.trip(name, "no", now)
        found.append(until - now)
        now = until
    return found


def test_a_server_that_is_down_rests_twice_as_long_each_time_up_to_five_minutes() -> None:
    assert [rest / SECOND for rest in rests("relay:25", 8)] == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_domain_that_refuses_us_rests_for_longer_up_to_four_hours() -> None:
    assert [rest / MINUTE for rest in rests(breaker.domain_of("a@b.example"), 8)] == [5, 10, 20, 40, 80, 160, 240, 240]


def test_many_failures_at_once_are_one() -> None:
    until = breaker.trip("relay:25", "first", MONDAY)
    assert breaker.trip("relay:25", "second", MONDAY + SECOND) == until
    assert Breaker.objects.get().failures == 1
    assert Breaker.objects.get().reason == "second"


def test_after_the_rest_one_letter_is_tried_and_the_others_wait() -> None:
    until = breaker.trip("relay:25", "no", MONDAY)
    assert not breaker.try_again({"relay:25"}, until - SECOND)
    assert breaker.standing(until).half_open == {"relay:25"}
    assert breaker.try_again({"relay:25"}, until)
    assert not breaker.try_again({"relay:25"}, until + SECOND)
    assert breaker.resting(until + SECOND) == {"relay:25": until + 11 * SECOND}


def test_the_trial_decides() -> None:
    until = breaker.trip("relay:25", "no", MONDAY)
    breaker.try_again({"relay:25"}, until)
    longer = breaker.trip("relay:25", "still not", until + SECOND)
    assert longer - until == 11 * SECOND
    breaker.try_again({"relay:25"}, longer)
    breaker.mend({"relay:25"})
    assert breaker.standing(longer) == breaker.Standing({})


def test_a_trial_that_is_lost_with_its_worker_is_made_again() -> None:
    until = breaker.trip("relay:25", "no", MONDAY)
    assert breaker.try_again({"relay:25"}, until)
    assert not breaker.try_again({"relay:25"}, until + breaker.TRIAL_LASTS - SECOND)
    assert breaker.try_again({"relay:25"}, until + breaker.TRIAL_LASTS)


def test_a_trial_that_is_given_back_is_anothers_at_once() -> None:
    until = breaker.trip("relay:25", "no", MONDAY)
    assert breaker.try_again({"relay:25"}, until)
    breaker.give_back({"relay:25"})
    assert breaker.try_again({"relay:25"}, until)


def test_two_breakers_are_tried_together_or_not_at_all() -> None:
    until = breaker.trip("one", "no", MONDAY)
    breaker.trip("two", "no", MONDAY)
    assert breaker.try_again({"two"}, until)
    assert not breaker.try_again({"one", "two"}, until)
    assert breaker.try_again({"one"}, until)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_tries() -> None:
    until = breaker.trip("relay:25", "no", MONDAY)
    start = Barrier(6)

    def worker(_: int) -> bool:
        start.wait()
        try:
            return breaker.try_again({"relay:25"}, until)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(worker, range(6))) == 1


def test_a_clock_that_was_set_back_leaves_nobody_resting_for_a_day() -> None:
    breaker.trip("relay:25", "no", MONDAY + 24 * HOUR)
    assert breaker.standing(MONDAY).half_open == {"relay:25"}
    assert breaker.try_again({"relay:25"}, MONDAY)
    assert breaker.trip("relay:25", "no", MONDAY) == MONDAY + 10 * SECOND


def test_the_safe_mode_has_no_end() -> None:
    Breaker.objects.create(transport=breaker.EVERYTHING, open_until=dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
    assert breaker.EVERYTHING in breaker.resting(MONDAY)


def test_a_long_domain_has_a_breaker_too() -> None:
    name = breaker.domain_on(f"a@{'long.' * 48}example", "a-transport-with-a-name-of-forty-letters")
    breaker.trip(name, "no", MONDAY)
    assert name in breaker.resting(MONDAY)


def test_what_has_rested_for_a_week_is_forgotten() -> None:
    breaker.trip("relay:25", "no", MONDAY)
    breaker.forget_old(MONDAY + 6 * 24 * HOUR)
    assert Breaker.objects.exists()
    breaker.forget_old(MONDAY + 8 * 24 * HOUR)
    assert not Breaker.objects.exists()


def test_a_domain_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    breaker.trip(breaker.domain_of("maya@maya-winter.example"), "550 5.7.1 <maya@maya-winter.example> no", MONDAY)
    assert "winter" not in caplog.text
    assert "a domain rests until" in caplog.text
