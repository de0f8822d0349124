"""Today: the numbers, the two weeks ahead, and alarms."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings

from keepshowingup.delivery import breaker
from keepshowingup.delivery.models import Heartbeat
from keepshowingup.editorial.models import Masthead, Sequence
from keepshowingup.web.staff.outlook import outlook
from keepshowingup.web.staff.today import alarms, figures
from tests.factories import (
    MONDAY,
    DispatchFactory,
    EnrolmentFactory,
    MastheadFactory,
    SequenceFactory,
    StepFactory,
    SubscriberFactory,
)
from tests.web.staff_desk import desk, person, url

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def weekly(**details: object) -> Sequence:
    """A live sequence of three letters on days 0, 2 and 7."""
    MastheadFactory.create()
    sequence = SequenceFactory.create(**details)
    for position, day in enumerate((0, 2, 7), 1):
        StepFactory.create(sequence=sequence, position=position, after_days=day)
    return sequence


def by_date(now: dt.datetime = MONDAY) -> dict[dt.date, int]:
    return {day.date: day.letters for day in outlook(now) if day.letters}


def test_the_outlook_counts_the_next_letter_and_those_after_it() -> None:
    sequence = weekly()
    for _ in range(3):
        EnrolmentFactory.create(sequence=sequence, due_at=MONDAY + DAY)
    first = MONDAY.date() + DAY
    assert by_date() == {first: 3, first + 2 * DAY: 3, first + 7 * DAY: 3}


def test_the_outlook_has_fourteen_days_and_the_tallest_is_full() -> None:
    EnrolmentFactory.create(sequence=weekly())
    days = outlook(MONDAY)
    assert len(days) == 14
    assert days[0].date == MONDAY.date()
    assert max(day.height for day in days) == 100


def test_what_is_late_is_counted_today_and_what_rests_is_not() -> None:
    sequence = weekly()
    EnrolmentFactory.create(sequence=sequence, due_at=MONDAY - 3 * DAY)
    EnrolmentFactory.create(sequence=sequence, subscriber=SubscriberFactory.create(paused_at=MONDAY))
    assert by_date()[MONDAY.date()] == 1


def test_letters_of_a_paused_sequence_are_not_ahead() -> None:
    EnrolmentFactory.create(sequence=weekly(state="paused"))
    assert by_date() == {}


def test_a_later_letter_waits_for_a_day_that_is_allowed() -> None:
    EnrolmentFactory.create(sequence=weekly(weekdays="1"))
    assert by_date() == {MONDAY.date(): 1, MONDAY.date() + 7 * DAY: 2}


def test_the_figures() -> None:
    sequence = weekly()
    place = EnrolmentFactory.create(sequence=sequence)
    now = MONDAY + dt.timedelta(hours=1)
    for state, moment in (("accepted", MONDAY), ("accepted", MONDAY - DAY), ("unknown", None), ("refused", None)):
        DispatchFactory.create(
            enrolment=EnrolmentFactory.create(sequence=sequence, due_at=None), state=state, handed_over_at=moment
        )
    SubscriberFactory.create(state="left", left_at=now - DAY)
    SubscriberFactory.create(state="left", left_at=now - 30 * DAY)
    numbers = {figure.label: figure.number for figure in figures(now, outlook(now))}
    assert numbers == {
        "due today": 1,
        "delivered so far": 1,
        "held for a decision": 1,
        "returned": 1,
        "left": 1,
    }
    assert place.due_at == MONDAY


def test_alarms_are_sentences() -> None:
    real = settings.CLOCK.real()
    Heartbeat.objects.create(part="beat", seen_at=real - dt.timedelta(minutes=5))
    breaker.trip("relay", "nobody answers", real)
    breaker.trip(breaker.domain_of("maya@tiny-clinic.example"), "550 5.7.1 no", real)
    EnrolmentFactory.create(sequence=weekly(), state="held", due_at=None, due_reason="It can't be rendered.")
    said = " ".join(alarm.sentence for alarm in alarms(MONDAY))
    assert "beat was last heard of" in said
    assert "relay is resting: nobody answers" in said
    assert "1 reader of Finding your people can't get the next letter" in said
    assert "It can't be rendered." in said
    assert "1 recipients' domain is resting." in said
    assert "tiny-clinic" not in said


def test_no_alarm_names_a_command_for_a_terminal_and_each_says_where_to_turn() -> None:
    real = settings.CLOCK.real()
    breaker.trip(breaker.domain_of("maya@tiny-clinic.example"), "550 5.7.1 no", real)
    place = EnrolmentFactory.create(sequence=weekly(), due_at=MONDAY - DAY)
    DispatchFactory.create(enrolment=place, step_key="before", state="unknown")
    Masthead.objects.update(postal_address="")
    found = alarms(MONDAY)
    assert len(found) == 5
    for alarm in found:
        assert "keepshowingup" not in alarm.sentence
        assert alarm.url or "Tell whoever runs the server" in alarm.sentence


def test_a_house_without_letters_teaches_three_ways_to_make_some() -> None:
    page = desk(person("editor")).get(url("today")).content.decode()
    for way in ("From an article", "From an empty page", "From a folder of files"):
        assert way in page
    assert "Bring in an article" in page
    assert "Bring in an article</a>" not in desk(person("viewer")).get(url("today")).content.decode()


def test_today_has_a_table_under_its_bars() -> None:
    EnrolmentFactory.create(sequence=weekly(), due_at=settings.CLOCK.now() + DAY)
    page = desk(person("viewer")).get(url("today")).content.decode()
    assert 'role="img"' in page
    assert page.count('<th scope="col">') == 14
    assert "<td>1</td>" in page
