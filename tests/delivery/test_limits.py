"""Limits that all workers share: in one database, in real time, by real processes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keepshowingup.core.rates import Rate
from keepshowingup.core.shares import Shares
from keepshowingup.core.turns import Asking, Leave, Limit, Wait
from keepshowingup.core.warmup import Ramp
from keepshowingup.delivery import limits
from keepshowingup.delivery.models import Bucket
from tests.core.test_turns import most_in_any_window
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)
IN_HAND = 4 * SECOND


def ask(
    number: int, allowed: Mapping[str, Limit], now: dt.datetime = MONDAY, gate: str = "", *, promised: bool = False
) -> list[Leave | Wait]:
    letters = [Asking(("main",), gate, promised)] * number
    return limits.pass_through(letters, allowed, Shares({"main": 1}), now, IN_HAND)


def seconds(turns: list[Leave | Wait]) -> list[float]:
    return [(turn.at - MONDAY) / SECOND for turn in turns]


def test_what_passed_is_remembered_between_chunks() -> None:
    allowed = {"main": Limit(Rate(1))}
    assert seconds(ask(2, allowed)) == [0, 1]
    assert seconds(ask(4, allowed, MONDAY + SECOND)) == [2, 3, 4, 5]
    (turn,) = ask(1, allowed, MONDAY + SECOND)
    assert isinstance(turn, Wait)
    assert Bucket.objects.get().queue_until == MONDAY + 7 * SECOND


def test_who_was_promised_a_moment_finds_it_kept() -> None:
    allowed = {"main": Limit(Rate(1)), "domain:slow.example": Limit(Rate(0.1))}
    told = ask(3, allowed, gate="domain:slow.example")
    assert seconds(told) == [0, 10, 20]
    assert ask(1, allowed, told[1].at, "domain:slow.example", promised=True) == [Leave("main", told[1].at)]
    assert isinstance(ask(1, allowed, told[1].at, "domain:slow.example")[0], Wait)


def test_an_allowance_counts_over_chunks_and_begins_anew_each_day() -> None:
    allowed = {"main": Limit(ramp=Ramp(MONDAY.date(), table=(3,), ceiling=5))}
    ask(2, allowed)
    assert [type(turn) for turn in ask(2, allowed)] == [Leave, Wait]
    assert limits.room(allowed, MONDAY, MONDAY + IN_HAND) == {"main": 0}
    tomorrow = MONDAY + dt.timedelta(days=1)
    assert limits.room(allowed, tomorrow, tomorrow + IN_HAND) == {"main": 5}
    assert [type(turn) for turn in ask(6, allowed, tomorrow)] == [Leave] * 5 + [Wait]


def test_what_has_no_limit_costs_no_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert len(ask(100, {"main": Limit(), "domain:slow.example": Limit(Rate(1))})) == 100
        assert limits.room({"main": Limit()}, MONDAY, MONDAY) == {"main": None}
    assert len(queries) == 0


def test_a_chunk_costs_a_handful_of_queries_however_many_domains_it_goes_to() -> None:
    allowed = {"main": Limit(Rate(1000))} | {f"domain:d{n}.example": Limit(Rate(1)) for n in range(100)}
    letters = [Asking(("main",), f"domain:d{n}.example") for n in range(100)]
    for most in (12, 8):  # rows have to be made only once
        with CaptureQueriesContext(connection) as queries:
            limits.pass_through(letters, allowed, Shares({"main": 1}), MONDAY, IN_HAND)
        assert len(queries) <= most


def test_buckets_that_nobody_asks_for_are_forgotten_and_those_with_promises_are_not() -> None:
    ask(1, {"main": Limit(Rate(1))})
    ask(30, {"domain:slow.example": Limit(Rate(1, seconds=86_400))}, gate="domain:slow.example")
    limits.forget_idle(MONDAY + dt.timedelta(days=1))
    assert Bucket.objects.count() == 2
    limits.forget_idle(MONDAY + dt.timedelta(days=3))
    assert Bucket.objects.get().name == "domain:slow.example"


def database_url() -> str:
    """Where this test's database is, for another process."""
    said = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{said['NAME']}"
    return f"postgres://{said['USER']}:{said['PASSWORD']}@{said['HOST']}:{said['PORT']}/{said['NAME']}"


@pytest.mark.acceptance
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("letters", "burst"), [(40, 1), (15, 6)])
def test_processes_that_share_a_limit_never_exceed_it_together(letters: float, burst: int) -> None:
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
        "KSU_DATA_DIR": str(settings.DATA_DIR),
    }
    arguments = [sys.executable, "-m", "tests.delivery.passing", "3", "7", str(letters), str(burst)]
    workers = [subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    moments: list[float] = []
    for worker in workers:
        printed, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        moments += map(float, printed.split())
    assert len(moments) > burst
    for length in (0.0, 0.1, 0.5, 1.0, 2.0):
        assert most_in_any_window(moments, length) <= letters * (length + 0.000_01) + burst
    assert len(moments) == len(set(moments)) or burst > 1
