"""Ticks without a broker, the status they leave, and what is said about letters afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from keepshowingup.audience.leaving import leave
from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery import breaker
from keepshowingup.delivery.running import run_ticks
from keepshowingup.delivery.telling import dispatches, explain, row
from keepshowingup.delivery.watching import status
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, enrol_many
from tests.factories import NoticeFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _our_server(server: SmtpServer, settings: Any) -> None:
    settings.SMTP_URL = server.url


def test_one_tick_delivers_what_is_due_and_a_second_one_nothing(
    clock: StoppedClock, sequence: Sequence, server: SmtpServer
) -> None:
    enrol_many(sequence, 5)
    NoticeFactory.create()
    assert run_ticks(loop=False, clock=clock) == 6
    assert run_ticks(loop=False, clock=clock) == 0
    assert len(server.received) == 6


def test_the_whole_sequence_comes_day_by_day(clock: StoppedClock, enrolment: Enrolment, server: SmtpServer) -> None:
    subjects = []
    for _ in range(5):
        run_ticks(loop=False, clock=clock)
        subjects.append([r.message["Subject"] for r in server.received])
        clock.go_on(dt.timedelta(days=1))
    first, both = ["A first note"], ["A first note", "A second note"]
    assert subjects == [first, first, both, both, both]
    enrolment.refresh_from_db()
    assert enrolment.state == "finished"


def test_nothing_leaves_in_safe_mode_and_the_status_says_why(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    breaker.trip(breaker.EVERYTHING, "restored from a backup", clock.real())
    assert run_ticks(loop=False, clock=clock) == 0
    assert server.received == []
    assert any("resume-sending" in sentence for sentence in status(clock.now(), clock.real()).sentences)


def test_the_status_counts_and_is_well_after_a_tick(clock: StoppedClock, sequence: Sequence) -> None:
    enrol_many(sequence, 3)
    before = status(clock.now(), clock.real())
    assert (before.due, before.overdue, before.ok) == (3, 3, False)
    run_ticks(loop=False, clock=clock)
    after = status(clock.now(), clock.real())
    assert (after.due, after.accepted_today, after.ok, after.sentences) == (0, 3, True, [])


def test_every_letter_is_explained_in_a_sentence(clock: StoppedClock, enrolment: Enrolment) -> None:
    run_ticks(loop=False, clock=clock)
    sentences = " ".join(told.sentence for told in explain(enrolment.subscriber_id, clock.now()))
    assert "accepted" in sentences
    assert "day 2" in sentences
    leave(enrolment.subscriber_id, clock.now())
    assert "left" in " ".join(told.sentence for told in explain(enrolment.subscriber_id, clock.now()))


def test_the_list_of_letters_has_everything_a_script_needs(
    clock: StoppedClock, enrolment: Enrolment, sequence: Sequence
) -> None:
    run_ticks(loop=False, clock=clock)
    (found,) = dispatches(sequence=sequence.slug, subscriber="Maya@Example.org")
    values = row(found)
    assert (values["sequence"], values["step"], values["state"]) == (sequence.slug, "first", "accepted")
    assert values["subscriber"] == "maya@example.org"
    assert not dispatches(subscriber="nobody@example.org")
