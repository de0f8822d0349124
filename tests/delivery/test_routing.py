"""By which transport a letter leaves, and when: breakers, limits and weights together."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.rates import Rate
from keepshowingup.core.turns import Limit
from keepshowingup.delivery import breaker
from keepshowingup.delivery.models import Breaker, Bucket
from keepshowingup.delivery.routing import Go, Later, Router, Wish, transports
from keepshowingup.delivery.transports.house import DomainLimit, Transport, Transports, alone
from keepshowingup.delivery.transports.relay import Relay
from keepshowingup.delivery.watching import beat_heart, status
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)
HERE = Relay("127.0.0.1", 25)
TWO = Transports((Transport("main", HERE, weight=3), Transport("other", HERE, weight=1)))
SPARE = Transports((Transport("main", HERE), Transport("spare", HERE, weight=0)))


def wish(email: str = "maya@example.org", number: int = 1, *, urgent: bool = False, promised: bool = False) -> Wish:
    return Wish(number, email, urgent, promised)


def doors(answers: list[Go | Later]) -> Counter[str]:
    return Counter(answer.transport if isinstance(answer, Go) else "later" for answer in answers)


def test_one_server_without_limits_costs_one_look_at_the_breakers() -> None:
    router = Router(alone("smtp://127.0.0.1:2525"))
    with CaptureQueriesContext(connection) as queries:
        assert router.route([wish()] * 300, MONDAY) == [Go("127.0.0.1:2525", MONDAY)] * 300
    assert len(queries) == 1
    assert router.room(MONDAY, 100) == 100
    with CaptureQueriesContext(connection) as queries:
        router.route([wish()], MONDAY, breaker.Standing({}))
    assert len(queries) == 0


def test_the_settings_name_one_transport_when_there_is_no_file() -> None:
    (only,) = transports().all
    assert only.name == "127.0.0.1:1025"
    assert not transports().limited


def test_letters_are_shared_by_weight() -> None:
    assert doors(Router(TWO).route([wish()] * 40, MONDAY)) == {"main": 30, "other": 10}


def test_the_others_take_over_while_one_rests_and_give_back_afterwards() -> None:
    router = Router(TWO)
    until = breaker.trip("main", "no", MONDAY)
    assert doors(router.route([wish()] * 4, MONDAY)) == {"other": 4}
    (trial, *rest) = router.route([wish()] * 4, until)
    assert trial == Go("main", until, ("main",))
    assert doors(rest) == {"other": 3}
    assert router.troubled == {"main"}
    breaker.mend(router.troubled)
    assert doors(router.route([wish()] * 40, until)) == {"main": 30, "other": 10}


def test_a_transport_without_weight_stands_in_only_while_the_others_rest() -> None:
    router = Router(SPARE)
    assert doors(router.route([wish()] * 5, MONDAY)) == {"main": 5}
    until = breaker.trip("main", "no", MONDAY)
    assert doors(router.route([wish()] * 5, MONDAY)) == {"spare": 5}
    assert doors(router.route([wish()] * 5, until)) == {"main": 1, "spare": 4}


def test_when_all_rest_letters_wait_for_the_first_to_come_back() -> None:
    router = Router(TWO)
    breaker.trip("other", "no", MONDAY - 2 * SECOND)
    until = breaker.trip("main", "no", MONDAY)
    breaker.trip("other", "no", MONDAY + 3 * SECOND)
    (answer,) = router.route([wish(promised=True)], MONDAY + 4 * SECOND)
    assert answer == Later(until, "its transport or its domain rests", promised=True)
    assert router.room(MONDAY + 4 * SECOND, 100) == 0
    assert router.room(until, 100) == 1, "for a trial"


def test_of_five_hundred_letters_of_two_workers_one_goes_to_a_server_that_was_down() -> None:
    house = alone("smtp://127.0.0.1:2525")
    until = breaker.trip("127.0.0.1:2525", "no", MONDAY)
    first, second = Router(house).route([wish()] * 500, until), Router(house).route([wish()] * 500, until)
    assert doors(first) == {"127.0.0.1:2525": 1, "later": 499}
    assert doors(second) == {"later": 500}
    breaker.mend({"127.0.0.1:2525"})
    assert doors(Router(house).route([wish()] * 500, until)) == {"127.0.0.1:2525": 500}


def test_a_domain_that_rests_holds_nobody_else_up() -> None:
    router = Router(TWO)
    until = breaker.trip(breaker.domain_of("a@full.example"), "no", MONDAY)
    answers = router.route([wish("a@full.example"), wish("b@full.example"), wish("c@else.example")], MONDAY)
    assert [type(answer) for answer in answers] == [Later, Later, Go]
    answers = router.route([wish("a@full.example"), wish("b@full.example"), wish("c@else.example")], until)
    assert [type(answer) for answer in answers] == [Go, Later, Go]


def test_a_domain_that_refuses_one_transport_is_written_to_by_the_other() -> None:
    router = Router(TWO)
    breaker.trip(breaker.domain_on("a@strict.example", "main"), "550 5.7.1 no", MONDAY)
    assert doors(router.route([wish("a@strict.example")] * 4, MONDAY)) == {"other": 4}
    assert doors(router.route([wish("a@else.example")] * 4, MONDAY)) == {"main": 3, "other": 1}


def test_a_trial_that_a_limit_holds_back_is_anothers() -> None:
    house = Transports((Transport("main", HERE),), {"slow.example": DomainLimit(Rate(0.01))})
    router = Router(house)
    router.route([wish("a@slow.example")], MONDAY)
    until = breaker.trip("main", "no", MONDAY)
    waits, goes = router.route([wish("b@slow.example")], until)[0], router.route([wish("c@else.example")], until)[0]
    assert isinstance(waits, Later)
    assert waits.promised
    assert isinstance(goes, Go)
    assert goes.trials == ("main",)


def test_a_domains_limit_counts_for_all_who_are_the_same_house() -> None:
    house = Transports((Transport("main", HERE),), {"big.example": DomainLimit(Rate(1))}, {"big.org": "big.example"})
    answers = Router(house).route([wish("a@big.example"), wish("b@BIG.org"), wish("c@else.example")], MONDAY)
    assert [answer.at - MONDAY for answer in answers] == [0 * SECOND, SECOND, 0 * SECOND]
    assert Bucket.objects.get().name == "domain:big.example"


def test_domains_without_a_table_have_the_default_each_for_itself() -> None:
    house = Transports((Transport("main", HERE),), default=DomainLimit(Rate(1), connections=2))
    answers = Router(house).route([wish("a@one.example"), wish("b@two.example"), wish("c@one.example")], MONDAY)
    assert [answer.at - MONDAY for answer in answers] == [0 * SECOND, 0 * SECOND, SECOND]
    assert house.connections("one.example") == 2


def test_a_long_run_is_claimed_as_fast_as_it_may_leave() -> None:
    router = Router(Transports((Transport("main", HERE, limit=Limit(Rate(10))),)))
    assert router.room(MONDAY, 100) == 41  # four seconds' worth and the one that goes at once
    assert doors(router.route([wish()] * 41, MONDAY)) == {"main": 41}
    assert router.room(MONDAY, 100) == 0
    assert router.room(MONDAY + 2 * SECOND, 100) == 20


def test_a_request_to_confirm_goes_at_once_through_a_transport_that_is_busy() -> None:
    router = Router(Transports((Transport("main", HERE, limit=Limit(Rate(1))),)))
    router.route([wish()] * 100, MONDAY)
    assert router.route([wish(urgent=True)], MONDAY) == [Go("main", MONDAY)]


def test_letters_that_wait_for_a_rate_are_late_without_an_alarm(settings: Settings, enrolment: Enrolment) -> None:
    settings.TRANSPORTS = Transports((Transport("main", HERE, limit=Limit(Rate(1))), *SPARE.all[1:]))
    late = MONDAY + 600 * SECOND
    beat_heart("tick", late)
    assert not status(late, late).ok
    Router(settings.TRANSPORTS).route([wish()] * 20, late)
    found = status(late, late)
    assert found.ok
    assert found.sentences == ["1 letter waits for its turn: the transports may carry only so many."]


def test_nothing_goes_in_safe_mode() -> None:
    Breaker.objects.create(transport=breaker.EVERYTHING, open_until=dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
    router = Router(TWO)
    assert doors(router.route([wish(), wish(urgent=True)], MONDAY)) == {"later": 2}
    assert router.room(MONDAY, 100) == 0
