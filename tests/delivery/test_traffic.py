"""How transports stand, what is under way by each, and which domains are named."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import pytest

from keepshowingup.core.rates import Rate
from keepshowingup.core.states import DispatchState
from keepshowingup.core.turns import Limit
from keepshowingup.core.warmup import Ramp
from keepshowingup.delivery import breaker, carrying
from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.carrying import Carried
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.disclosing import MANY, has_many
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.models import Dispatch, UnderWay
from keepshowingup.delivery.routing import Router, Wish
from keepshowingup.delivery.traffic import Flow, traffic
from keepshowingup.delivery.transports.house import DomainLimit, Transport, Transports
from keepshowingup.delivery.transports.relay import Relay
from keepshowingup.delivery.troubled import Troubled, troubled
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import MONDAY, DispatchFactory, EnrolmentFactory, SubscriberFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)
HERE = Relay("127.0.0.1", 25)


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    has_many.cache_clear()
    yield
    has_many.cache_clear()


def many_readers_at(*domains: str) -> None:
    for domain in domains:
        for number in range(MANY):
            SubscriberFactory.create(email=f"r{number}@{domain}")


def in_hand(worker: str, number: int) -> None:
    for _ in range(number):
        DispatchFactory.create(enrolment=EnrolmentFactory.create(), state="handing_over", owner=worker)


def test_a_house_as_it_is_set_up_first_has_one_transport_and_nothing_to_say_of_it() -> None:
    house = Transports((Transport("main", HERE),))
    assert traffic(house, Troubled(), MONDAY).transports == (Flow("main"),)


def test_a_limited_transport_tells_how_far_its_limits_are_used() -> None:
    limit = Limit(Rate(60, 60), Ramp(MONDAY.date(), first_day=50))
    house = Transports((Transport("main", HERE, limit=limit),))
    Router(house).route([Wish(number, "maya@example.org") for number in range(20)], MONDAY)
    (flow,) = traffic(house, Troubled(), MONDAY).transports
    assert (flow.per_second, flow.allowance) == (1.0, 50)
    assert 0 < (flow.today or 0) < 20
    # The others were told their moment, one each second.
    assert 14 <= (flow.queue_seconds or 0) <= 20


def test_a_transport_that_rests_and_one_that_is_tried_are_told_apart() -> None:
    house = Transports((Transport("main", HERE), Transport("other", HERE), Transport("spare", HERE, weight=0)))
    breaker.trip("main", "connection refused", MONDAY)
    breaker.trip("other", "connection refused", MONDAY - 10 * SECOND)
    flows = traffic(house, troubled(MONDAY), MONDAY).transports
    assert [(flow.state, flow.seconds) for flow in flows] == [
        (State.OPEN, 5.0),
        (State.HALF_OPEN, 0.0),
        (State.CLOSED, 0.0),
    ]


def test_only_domains_that_may_be_named_have_a_line() -> None:
    many_readers_at("gmail.com", "tiny-clinic.example")
    limits = {name: DomainLimit(Rate(2)) for name in ("gmail.com", "yahoo.com", "tiny-clinic.example")}
    house = Transports((Transport("main", HERE),), limits)
    addresses = [f"r0@{domain}" for domain in limits]
    Router(house).route([Wish(number, address) for number, address in enumerate(addresses)], MONDAY)
    breaker.trip("domain:gmail.com by main", "421 4.7.28 too many", MONDAY)
    (flow,) = traffic(house, troubled(MONDAY, all_names=True), MONDAY).domains
    assert (flow.name, flow.state, flow.per_second, flow.today) == ("gmail.com", State.OPEN, 2.0, 1)


def test_with_a_limit_for_every_domain_providers_that_got_letters_have_a_line() -> None:
    many_readers_at("gmail.com", "gmx.de")
    house = Transports((Transport("main", HERE),), default=DomainLimit(Rate(2)))
    Router(house).route([Wish(1, "r0@gmail.com"), Wish(2, "maya@example.org")], MONDAY)
    assert [flow.name for flow in traffic(house, Troubled(), MONDAY).domains] == ["gmail.com"]


def test_what_all_workers_have_under_way_is_added_up() -> None:
    in_hand("one", 9)
    in_hand("two", 9)
    carrying.tell("one", Carried({"main": 3, "spare": 1}, {"gmail.com": 2}), MONDAY)
    carrying.tell("one", Carried({"main": 4}, {"gmail.com": 2}), MONDAY)
    carrying.tell("two", Carried({"main": 5}, {}), MONDAY)
    assert carrying.under_way() == ({"main": 9}, {"gmail.com": 2})


def test_what_a_worker_said_is_believed_only_as_long_as_it_has_letters_in_hand() -> None:
    in_hand("killed", 7)
    carrying.tell("killed", Carried({"main": 7}, {"gmail.com": 7}), MONDAY)
    Dispatch.objects.filter(pk__gt=Dispatch.objects.earliest("pk").pk).update(state=DispatchState.UNKNOWN)
    assert carrying.under_way() == ({"main": 1}, {"gmail.com": 1})
    Dispatch.objects.update(state=DispatchState.UNKNOWN)
    assert carrying.under_way() == ({}, {})
    carrying.forget_old(MONDAY + 2 * carrying.FORGOTTEN_AFTER)
    assert not UnderWay.objects.exists()


def test_a_courier_says_what_it_has_under_way_and_names_no_domain_of_ones_own(courier: Courier) -> None:
    ((name, way),) = courier.ways.items()
    for letter, domain in enumerate(("gmail.com", "gmail.com", "tiny-clinic.example")):
        way.in_flight.started(letter, domain, time.monotonic())
    courier.tell()
    (said,) = UnderWay.objects.all()
    assert (said.worker, said.transports, said.domains) == (courier.journal.name, {name: 3}, {"gmail.com": 2})
    for letter in range(3):
        way.in_flight.answered(letter, time.monotonic())
    courier.tell()
    assert UnderWay.objects.get().transports == {}


def test_a_courier_that_has_nothing_new_to_say_is_silent(courier: Courier) -> None:
    courier.tell()
    assert not UnderWay.objects.exists()


def test_letters_are_told_while_their_server_takes_its_time_and_not_afterwards(
    courier: Courier, clock: StoppedClock, sequence: Sequence, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_many(sequence, 3)
    server.answer_after = 0.3
    said: list[Carried] = []
    tell = carrying.tell

    def overhear(worker: str, carried: Carried, real_now: dt.datetime) -> None:
        tell(worker, carried, real_now)
        said.append(carrying.under_way())

    monkeypatch.setattr(carrying, "tell", overhear)
    monkeypatch.setattr("keepshowingup.delivery.courier.TELL_SECONDS", 0.0)
    hand_over(claim(clock).letters, courier)
    ((name, _),) = courier.ways.items()
    assert {1} <= {carried.transports.get(name, 0) for carried in said} <= {0, 1, 2, 3}
    assert carrying.under_way() == carrying.NOTHING
