"""Handing over: to a real server, for readers who change their minds, against every answer a server gives."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keepshowingup.audience.leaving import is_suppressed, leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery import breaker
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.lastlook import FRESH_SECONDS
from keepshowingup.delivery.models import Breaker, Dispatch
from keepshowingup.delivery.transports.house import Transports, alone
from keepshowingup.delivery.ways import open_ways
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import NoticeFactory
from tests.smtpd import SmtpServer, running_smtp

pytestmark = pytest.mark.django_db


def deliver(clock: StoppedClock, courier: Courier) -> Dispatch:
    hand_over(claim(clock).letters, courier)
    return Dispatch.objects.order_by("pk").last() or pytest.fail("nothing was claimed")


def test_a_letter_arrives_and_the_next_one_is_planned(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    dispatch = deliver(clock, courier)
    assert (dispatch.state, dispatch.attempts, dispatch.handed_over_at) == ("accepted", 1, clock.now())
    (received,) = server.to("maya@example.org")
    assert received.message["Subject"] == "A first note"
    assert received.message["Message-ID"] == dispatch.message_id
    assert received.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert received.sender.startswith("bounce+")
    enrolment.refresh_from_db()
    assert enrolment.next_step is not None
    assert enrolment.next_step.key == "second"
    assert enrolment.due_at == dt.datetime(2026, 11, 25, 10, 0, tzinfo=dt.UTC)


def test_the_same_offer_twice_is_one_letter(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    hand_over(offers, courier)
    hand_over(offers, courier)
    assert len(server.received) == 1


def test_a_batch_leaves_over_one_connection(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer
) -> None:
    enrol_many(sequence, 60)
    tally = hand_over(claim(clock).letters, courier)
    assert tally == {"accepted": 60}
    assert len({r.recipient for r in server.received}) == 60
    assert server.connections == 1


def test_readers_at_many_domains_are_not_asked_about_one_by_one(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer
) -> None:
    """More letters than have room at once stand in line; whoever is put aside for it would be looked at anew."""
    for number, enrolment in enumerate(enrol_many(sequence, 60)):
        Subscriber.objects.filter(pk=enrolment.subscriber_id).update(email=f"reader{number}@d{number % 20}.example")
    server.answer_after = 0.03
    offers = claim(clock).letters
    began = time.monotonic()
    with CaptureQueriesContext(connection) as asked:
        assert hand_over(offers, courier) == {"accepted": 60}
    looks = [query for query in asked.captured_queries if query["sql"].startswith("SELECT") and "fence" in query["sql"]]
    assert len(looks) <= 5 + (time.monotonic() - began) / FRESH_SECONDS


def test_a_reader_who_leaves_after_the_claim_gets_nothing(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    leave(reader.pk, clock.now())
    hand_over(offers, courier)
    assert server.received == []
    assert Dispatch.objects.get().reason == "left"


def test_a_reader_who_pauses_after_the_claim_is_owed_the_letter(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    Subscriber.objects.update(paused_at=clock.now())
    hand_over(offers, courier)
    assert server.received == []
    assert not Dispatch.objects.exists()
    assert not claim(clock), "nothing is due during the break"
    Subscriber.objects.update(paused_at=None)
    assert deliver(clock, courier).state == "accepted"


def test_a_letter_that_comes_to_its_turn_at_night_waits_for_the_morning(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    clock.go_on(dt.timedelta(hours=17))  # an outage; it is three in the morning in London
    hand_over(offers, courier)
    assert server.received == []
    assert not claim(clock)
    enrolment.refresh_from_db()
    assert enrolment.due_at == dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)


def test_a_letter_older_than_the_sequence_allows_is_skipped(
    clock: StoppedClock, courier: Courier, sequence: Sequence, enrolment: Enrolment, server: SmtpServer
) -> None:
    Sequence.objects.update(too_late_hours=1)
    clock.go_on(dt.timedelta(hours=1))
    dispatch = deliver(clock, courier)
    assert (dispatch.state, dispatch.reason) == ("skipped", "too_late")
    assert server.received == []


def test_an_address_that_does_not_exist_is_suppressed_once_and_for_all(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    server.script["maya@example.org"] = ["550 5.1.1 no such user"]
    assert deliver(clock, courier).state == "refused"
    assert is_suppressed(reader.email_key)
    clock.go_on(dt.timedelta(days=3))
    assert not claim(clock)


def test_a_server_that_asks_to_come_back_gets_the_same_message_id_again(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    from keepshowingup.delivery.claiming import claim_retries

    server.script["maya@example.org"] = ["450 4.2.0 greylisted, come back"]
    first = deliver(clock, courier)
    assert (first.state, first.attempts) == ("retry_at", 1)
    assert first.retry_at is not None
    assert first.retry_at > clock.real()
    clock.go_on(dt.timedelta(hours=1))
    hand_over(claim_retries(clock.real(), clock.real() + dt.timedelta(minutes=1), limit=5).letters, courier)
    (received,) = server.received
    assert received.message["Message-ID"] == first.message_id
    assert Dispatch.objects.get().state == "accepted"


def test_a_refusal_that_is_about_us_never_suppresses_and_rests_only_that_domain(
    clock: StoppedClock, courier: Courier, sequence: Sequence, reader: Subscriber, server: SmtpServer
) -> None:
    for enrolment in enrol_many(sequence, 2):
        Subscriber.objects.filter(pk=enrolment.subscriber_id).update(email=f"r{enrolment.pk}@elsewhere.example")
    server.script["maya@example.org"] = ["dot 554 5.7.1 refused by policy"]
    tally = hand_over(claim(clock).letters, courier)
    assert tally == {"retry_at": 1, "accepted": 2}
    assert not is_suppressed(reader.email_key)
    (transport,) = courier.ways
    assert set(breaker.resting(clock.real())) == {f"domain:example.org by {transport}"}


def test_a_letter_whose_answer_was_lost_is_in_doubt_and_the_next_one_comes_on_its_day(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script["maya@example.org"] = ["drop-dot"]
    assert deliver(clock, courier).state == "unknown"
    clock.go_on(dt.timedelta(days=2))
    assert deliver(clock, courier).step_key == "second"
    assert [r.message["Subject"] for r in server.received] == ["A first note", "A second note"]


def test_a_server_that_is_not_there_uses_up_no_attempts(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer
) -> None:
    enrol_many(sequence, 3)
    (way,) = courier.ways.values()
    way.lanes.relay = type(way.lanes.relay)("127.0.0.1", 1)
    hand_over(claim(clock).letters, courier)
    assert set(Dispatch.objects.values_list("state", "attempts")) == {("retry_at", 0)}
    breaker_row = Breaker.objects.get()
    assert breaker_row.failures == 1, "one refused connection, not one for each letter"


def test_a_worker_that_is_asked_to_stop_puts_the_rest_back(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer
) -> None:
    enrol_many(sequence, 20)
    courier.should_stop = lambda: len(server.received) >= 3
    hand_over(claim(clock).letters, courier)
    arrived = len(server.received)
    assert arrived <= 6, "the server had been asked about a few more, and they are not cut off"
    states = list(Dispatch.objects.values_list("state", flat=True))
    assert (states.count("accepted"), states.count("retry_at")) == (arrived, 20 - arrived)


def test_a_request_to_confirm_reaches_somebody_who_is_not_a_reader_yet(
    clock: StoppedClock, courier: Courier, masthead: object, server: SmtpServer
) -> None:
    notice = NoticeFactory.create()
    hand_over(claim(clock).notices, courier)
    (received,) = server.to(notice.subscriber.email)
    assert "/confirm/" in received.data.decode()
    assert received.message["List-Unsubscribe"] is None
    assert "Maya" not in received.data.decode(), "anybody may have typed that name"


def test_somebody_who_has_confirmed_meanwhile_is_not_asked_again(
    clock: StoppedClock, courier: Courier, masthead: object, server: SmtpServer
) -> None:
    notice = NoticeFactory.create()
    Subscriber.objects.filter(pk=notice.subscriber_id).update(state=Subscriber.State.ACTIVE)
    assert hand_over(claim(clock).notices, courier) == {"skipped": 1}
    assert server.received == []


@pytest.fixture
def spare() -> Iterator[SmtpServer]:
    with running_smtp() as running:
        yield running


@pytest.fixture
def two_ways(server: SmtpServer, spare: SmtpServer, clock: StoppedClock, tmp_path: Path) -> Iterator[Courier]:
    """Letters go by ``server`` and ``spare`` in turn."""
    (first,), (second,) = alone(server.url).all, alone(spare.url).all
    house = Transports((replace(first, name="first", connections=1), replace(second, name="second", connections=1)))
    carrying = Courier(house, open_ways(house, "tests.example"), Journal(tmp_path / "journal"), clock)
    yield carrying
    carrying.close()


def test_a_letter_that_finds_its_transport_down_goes_by_the_other_at_once(
    clock: StoppedClock, two_ways: Courier, sequence: Sequence, server: SmtpServer, spare: SmtpServer
) -> None:
    enrol_many(sequence, 6)
    lanes = two_ways.ways["first"].lanes
    lanes.relay = type(lanes.relay)("127.0.0.1", 1)
    for failures in (1, 2, 3):  # also the letter that is to try whether it is back
        hand_over(claim(clock, limit=2).letters, two_ways)
        assert Breaker.objects.get().failures == failures
        clock.go_on(breaker.DOWN.after(failures))
    assert set(Dispatch.objects.values_list("state", "attempts")) == {("accepted", 1)}
    assert (len(server.received), len(spare.received)) == (0, 6)


@pytest.mark.parametrize("words", ["550 5.7.1 not from there", "dot 554 5.7.1 not from there"])
def test_a_letter_one_transport_is_refused_for_what_it_is_goes_by_the_other_at_once(
    clock: StoppedClock, two_ways: Courier, enrolment: Enrolment, server: SmtpServer, spare: SmtpServer, words: str
) -> None:
    server.script["maya@example.org"] = [words]
    assert hand_over(claim(clock).letters, two_ways) == {"accepted": 1}
    assert (len(server.received), len(spare.received)) == (0, 1)
    assert set(breaker.resting(clock.real())) == {"domain:example.org by first"}


def test_a_letter_all_transports_are_refused_for_is_asked_about_again_and_has_been_tried_once(
    clock: StoppedClock, two_ways: Courier, enrolment: Enrolment, server: SmtpServer, spare: SmtpServer
) -> None:
    for each in (server, spare):
        each.script["maya@example.org"] = ["550 5.7.1 not from there"]
    assert hand_over(claim(clock).letters, two_ways) == {"retry_at": 1}
    letter = Dispatch.objects.get()
    assert (letter.reason, letter.attempts) == ("550 5.7.1 not from there", 1)


def test_letters_to_a_domain_that_one_transport_keeps_waiting_go_by_the_other(
    clock: StoppedClock, two_ways: Courier, sequence: Sequence, server: SmtpServer, spare: SmtpServer
) -> None:
    enrol_many(sequence, 12)
    stuck = two_ways.ways["first"].in_flight
    for number in range(1, 4):  # as if letters to it had been waited for elsewhere for a long time
        stuck.started(-number, "example.org", time.monotonic() - 60)
    assert hand_over(claim(clock).letters, two_ways) == {"accepted": 12}
    assert (len(server.received), len(spare.received)) == (0, 12)
