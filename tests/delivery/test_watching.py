"""How it stands: counts, ages, alarms, and what is said when the database is not what it should be."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker
from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.disclosing import MANY, has_many
from keepshowingup.delivery.ledger import Entry, enter
from keepshowingup.delivery.models import Heartbeat
from keepshowingup.delivery.pulse import SHOWN, pulse
from keepshowingup.delivery.troubled import Resting, Troubled
from keepshowingup.delivery.watching import (
    Alarm,
    Database,
    Status,
    beat_heart,
    forget_silent,
    standing_of_the_database,
    status,
    stop_heart,
)
from tests.delivery.conftest import StoppedClock
from tests.factories import (
    MONDAY,
    DispatchFactory,
    EnrolmentFactory,
    MastheadFactory,
    NoticeFactory,
    SequenceFactory,
    StepFactory,
    SubscriberFactory,
)

pytestmark = pytest.mark.django_db
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


def at(moment: dt.datetime) -> Status:
    return status(moment, moment)


def place(**details: object) -> object:
    """A reader whose first letter is due on Monday at nine."""
    sequence = SequenceFactory.create()
    StepFactory.create(sequence=sequence, key="first", position=1)
    return EnrolmentFactory.create(sequence=sequence, **details)


def test_a_quiet_house_counts_nothing() -> None:
    beat_heart("tick", MONDAY)
    found = at(MONDAY)
    assert found == Status(heartbeats={"tick": 0.0})
    assert (found.ok, found.alarms) == (True, [])


def test_due_letters_and_notices_are_counted_apart_and_the_oldest_is_told() -> None:
    place(due_at=MONDAY)
    place(due_at=MONDAY + MINUTE)
    NoticeFactory.create(due_at=MONDAY - MINUTE)
    found = at(MONDAY)
    assert (found.due, found.notices_due, found.overdue, found.oldest_due) == (1, 1, 0, 60.0)


def test_a_notice_that_waits_too_long_is_an_alarm_as_a_letter_is() -> None:
    beat_heart("tick", MONDAY)
    NoticeFactory.create(due_at=MONDAY - 6 * MINUTE)
    found = at(MONDAY)
    assert (found.overdue, found.ok) == (1, False)
    assert "more than 5 minutes late" in found.sentences[0]


def test_a_claimed_letter_still_waits_and_one_for_later_does_not() -> None:
    DispatchFactory.create(enrolment=place(due_at=None), state="handing_over", due_at=MONDAY - 30 * SECOND)
    DispatchFactory.create(enrolment=place(due_at=None), state="retry_at", due_at=MONDAY - 900 * SECOND)
    found = at(MONDAY)
    assert (found.handing_over, found.retry, found.oldest_due) == (1, 1, 30.0)


def test_letters_accepted_in_a_day_are_counted() -> None:
    entry = Entry(DispatchState.ACCEPTED, "", MONDAY, MONDAY)
    enter([entry, entry], MONDAY - dt.timedelta(hours=23))
    enter([entry], MONDAY - dt.timedelta(hours=25))
    assert at(MONDAY).accepted_today == 2


def test_one_silent_worker_is_told_of_and_a_silent_tick_is_not_well() -> None:
    beat_heart("tick", MONDAY)
    beat_heart("worker-letters@one", MONDAY - 2 * MINUTE)
    found = at(MONDAY)
    assert found.ok
    assert "worker-letters@one was last heard of 120 seconds ago." in found.sentences[0]
    assert not at(MONDAY + 2 * MINUTE).ok


def test_nobody_waits_for_a_worker_that_was_stopped_or_has_been_gone_for_an_hour() -> None:
    for part in ("tick", "stopped@one", "gone@one"):
        beat_heart(part, MONDAY)
    stop_heart("stopped@one")
    later = MONDAY + dt.timedelta(minutes=61)
    assert set(at(later).heartbeats) == {"tick"}
    forget_silent(later)
    assert [heart.part for heart in Heartbeat.objects.all()] == ["tick"]


def test_a_transport_that_rests_is_told_with_its_time() -> None:
    breaker.trip("mail.example.org:587", "connection refused", MONDAY)
    beat_heart("tick", MONDAY + SECOND)
    found = at(MONDAY + SECOND)
    (resting,) = found.breakers.named
    assert (resting.name, resting.state, resting.seconds) == ("mail.example.org:587", State.OPEN, 4.0)
    assert found.sentences == ["mail.example.org:587 is resting: connection refused"]


def test_what_is_tried_again_with_the_next_letter_is_shown_and_needs_nobody() -> None:
    breaker.trip("main", "connection refused", MONDAY)
    beat_heart("tick", MONDAY + MINUTE)
    found = at(MONDAY + MINUTE)
    assert [(each.state, each.seconds) for each in found.breakers.named] == [(State.HALF_OPEN, 0.0)]
    assert found.alarms == []


def test_a_domain_is_named_where_anybody_can_have_an_address_and_many_readers_do() -> None:
    has_many.cache_clear()
    for number in range(MANY):
        SubscriberFactory.create(email=f"r{number}@tiny-clinic.example")
        if number:
            SubscriberFactory.create(email=f"r{number}@gmail.com")
    for domain in ("gmail.com", "tiny-clinic.example"):
        breaker.trip(f"domain:{domain}", f"550 5.7.1 <maya@{domain}>: not from you", MONDAY)
        breaker.trip(f"domain:{domain} by main", "550 5.7.1 not from you", MONDAY)
    beat_heart("tick", MONDAY)
    assert at(MONDAY).breakers == Troubled(open_domains=2)
    assert at(MONDAY).sentences == [
        "2 recipients' domains are resting. `keepshowingup status --domains` names them.",
    ]
    SubscriberFactory.create(email="r0@gmail.com")
    has_many.cache_clear()
    found = at(MONDAY)
    assert [each.name for each in found.breakers.named] == ["gmail.com", "gmail.com by main"]
    assert found.breakers.open_domains == 1
    told = f"{found} {found.sentences}"
    assert "maya" not in told
    assert "tiny-clinic" not in told
    assert "tiny-clinic" in str(status(MONDAY, MONDAY, all_names=True).sentences)
    has_many.cache_clear()


def test_pages_can_show_an_alarm_without_its_command() -> None:
    breaker.trip(breaker.EVERYTHING, "restored from a backup", MONDAY)
    beat_heart("tick", MONDAY)
    assert at(MONDAY).alarms == [
        Alarm("Nothing is sent: restored from a backup.", "`keepshowingup resume-sending` says what to do.")
    ]
    assert all("keepshowingup" not in alarm.what for alarm in every_alarm())


def every_alarm() -> list[Alarm]:
    breakers = Troubled((Resting("main", State.OPEN, "no", 1.0),), open_domains=2)
    full = Status(overdue=1, unknown=1, heartbeats={"worker": 100.0}, breakers=breakers)
    return [*full.alarms, *(alarm for each in Database for alarm in Status(database=each).alarms)]


def test_a_database_with_all_its_tables_that_failed_to_answer_is_away_and_not_old() -> None:
    assert standing_of_the_database() is Database.AWAY


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_the_last_minute_is_told_by_the_real_second_and_the_last_five_in_lateness(rate: float) -> None:
    real = MONDAY + dt.timedelta(days=1)
    clock = Clock(rate=rate, anchor=MONDAY, real=lambda: real)
    for ago, number in ((0.5, 9), (1.5, 3), (2.5, 4), (59.5, 5), (200.5, 6), (400.5, 7)):
        then = clock.calendar_at(real - dt.timedelta(seconds=ago))
        enter([Entry(DispatchState.ACCEPTED, "", then - 3 * SECOND, then)] * number, then)
    felt = pulse(clock)
    assert len(felt.per_second) == SHOWN
    assert felt.per_second[-3:] == (0, 4, 3)
    assert (felt.per_second[0], felt.per_second[1]) == (0, 5)
    assert felt.rate == 0.7
    assert felt.letters == 9 + 3 + 4 + 5 + 6
    assert 2.5 < (felt.late(0.5) or 0) <= 5


def test_nothing_was_felt_where_nothing_was_sent(clock: StoppedClock) -> None:
    felt = pulse(clock)
    assert (felt.rate, felt.late(0.5), set(felt.per_second)) == (0.0, None, {0})


def test_the_rate_of_each_transport_is_told(clock: StoppedClock) -> None:
    then = clock.now() - 3 * SECOND
    enter([Entry(DispatchState.ACCEPTED, "", then, then, transport="main")] * 20, then)
    enter([Entry(DispatchState.ACCEPTED, "", then, then)], then)
    assert pulse(clock).rates == {"main": 2.0}


def test_a_reader_who_rests_is_not_waited_for() -> None:
    MastheadFactory.create()
    place(due_at=MONDAY - dt.timedelta(days=3), subscriber=SubscriberFactory.create(paused_at=MONDAY))
    assert at(MONDAY).oldest_due == 0.0
