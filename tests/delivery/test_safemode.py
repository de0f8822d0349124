"""A database that was put back in time: found out, stopped, and not let loose before somebody says so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from keepshowingup.audience.leaving import erase
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.delivery import breaker, own_record
from keepshowingup.delivery.claiming import claim_letters
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.highwater import NOTE, how_far_behind, read_marks, rise
from keepshowingup.delivery.models import Breaker, Dispatch, Gap, HighWater
from keepshowingup.delivery.restored import SILENCE, first_hole, note_evidence
from keepshowingup.delivery.running import drain, run_ticks, tick
from keepshowingup.delivery.safemode import may_send, open_gap, stop_sending
from keepshowingup.delivery.sweeping import put_journals_away
from keepshowingup.delivery.watching import status
from keepshowingup.editorial.models import Sequence
from keepshowingup.ops.resuming import look_ahead, resume_sending
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _our_server(server: SmtpServer, settings: Any, tmp_path: Path) -> None:
    settings.SMTP_URL = server.url
    settings.DATA_DIR = tmp_path


def put_back(level: int) -> None:
    """What a dump that was restored by hand does to the mark in the database."""
    HighWater.objects.update(level=level)


def test_each_tick_raises_the_mark_and_the_folder_knows_it(clock: StoppedClock, tmp_path: Path) -> None:
    for _ in range(3):
        run_ticks(loop=False, clock=clock)
    (mark,) = read_marks(tmp_path).values()
    assert mark.level == HighWater.objects.get().level == 3
    assert how_far_behind(tmp_path) is None


def test_a_database_that_was_put_back_by_hand_sends_nothing_and_says_so(
    clock: StoppedClock, sequence: Sequence, server: SmtpServer, tmp_path: Path
) -> None:
    for _ in range(3):
        run_ticks(loop=False, clock=clock)
        clock.go_on(dt.timedelta(seconds=2))
    enrol_many(sequence, 2)
    put_back(1)
    clock.go_on(dt.timedelta(hours=1))
    assert run_ticks(loop=False, clock=clock) == 0
    assert server.received == []
    said = " ".join(status(clock.now(), clock.real()).sentences)
    assert "this database is older than what was sent" in said
    assert "resume-sending" in said
    gap = open_gap()
    assert gap is not None
    last = clock.real() - dt.timedelta(hours=1, seconds=2)
    assert (gap.begins, gap.ends) == (last, last + dt.timedelta(minutes=2)), "a drain may outlive its tick"


def test_a_database_from_before_the_first_tick_is_found_out_too(
    clock: StoppedClock, sequence: Sequence, server: SmtpServer
) -> None:
    run_ticks(loop=False, clock=clock)
    HighWater.objects.all().delete()
    assert may_send(clock), "nobody reads yet: it is a new one"
    enrol_many(sequence, 2)
    assert run_ticks(loop=False, clock=clock) == 0
    assert server.received == []
    with pytest.raises(Refused, match="2 letters may have left already"):
        resume_sending(clock, "op")


def test_another_machines_note_of_an_accepted_database_raises_no_alarm(
    clock: StoppedClock, tmp_path: Path, sequence: Sequence
) -> None:
    for _ in range(5):
        rise(tmp_path, clock.real())
    note = (tmp_path / NOTE).read_text()
    put_back(1)
    assert not may_send(clock)
    resume_sending(clock, "op", send_all=True)
    (tmp_path / NOTE).write_text(note)  # that machine has not ticked since
    assert may_send(clock)
    rise(tmp_path, clock.real())
    assert len(read_marks(tmp_path)) == 2


def test_a_note_that_can_not_be_read_stops_the_sending(clock: StoppedClock, tmp_path: Path) -> None:
    (tmp_path / NOTE).write_text("{")
    assert not may_send(clock)
    assert NOTE in Breaker.objects.get().reason
    resume_sending(clock, "op")
    assert may_send(clock)
    rise(tmp_path, clock.real())
    assert may_send(clock)


def test_a_tick_in_safe_mode_moves_no_plan(clock: StoppedClock, enrolment: Enrolment) -> None:
    stop_sending("a backup was restored", clock.real())
    clock.go_on(dt.timedelta(hours=17))  # three in the morning: an overdue letter would be put off
    tick(clock)
    before = enrolment.due_at
    enrolment.refresh_from_db()
    assert enrolment.due_at == before


def test_what_waits_in_the_broker_is_not_sent_in_safe_mode(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    stop_sending("a backup was restored", clock.real())
    assert not hand_over(offers, courier)
    assert not drain(claim_letters, courier)
    assert server.received == []
    assert Dispatch.objects.get().state == "claimed"


def test_safe_mode_begins_in_the_middle_of_a_batch(
    clock: StoppedClock, courier: Courier, sequence: Sequence, server: SmtpServer
) -> None:
    enrol_many(sequence, 12)
    offers = claim(clock).letters
    server.answer_after = 0.3  # the last look is half a second old after two letters

    def stop() -> bool:
        if server.received:
            stop_sending("this database is older than what was sent", clock.real())
        return False

    courier.should_stop = stop
    hand_over(offers, courier)
    held_back = Dispatch.objects.filter(state="retry_at", reason="nothing is sent").count()
    assert 0 < held_back == 12 - len(server.received)


def leave_a_journal(courier: Courier, dispatch: int, fence: int, code: int = 250) -> None:
    courier.journal.dot(dispatch, fence, f"<{dispatch:024x}@harbour.example>", courier.clock.now())
    courier.journal.answered(dispatch, fence, code, "2.0.0 kept")
    courier.journal.close()


@pytest.mark.parametrize("state", ["claimed", "retry_at"])
def test_a_journal_that_knows_more_than_the_database_stops_the_sending(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer, tmp_path: Path, state: str
) -> None:
    """A dump from within the last tick has the newest mark; what was sent since stands in the journals."""
    ((pk, fence),) = claim(clock).letters
    Dispatch.objects.update(state=state, lease_until=clock.real() - dt.timedelta(seconds=1), retry_at=clock.real())
    leave_a_journal(courier, pk, fence)
    assert run_ticks(loop=False, clock=clock) == 0
    assert server.received == []
    assert open_gap() is not None
    assert courier.journal.path.exists(), "it is evidence"


def test_a_journal_of_letters_with_numbers_never_given_out_stops_the_sending(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment
) -> None:
    leave_a_journal(courier, 1_000_000, 1)
    assert run_ticks(loop=False, clock=clock) == 0


@pytest.mark.parametrize("code", [250, 451])
def test_a_journal_whose_letters_are_all_accounted_for_is_put_away(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, tmp_path: Path, code: int
) -> None:
    ((pk, fence),) = claim(clock).letters
    Dispatch.objects.update(state="accepted" if code == 250 else "retry_at")
    leave_a_journal(courier, pk, fence, code)
    assert put_journals_away(courier.journal.path.parent, clock.real()) == 0
    assert not courier.journal.path.exists()
    assert len(own_record.read_own_record(tmp_path).lines) == (code == 250)


def test_a_letter_whose_reader_was_erased_is_not_missed(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment
) -> None:
    ((pk, fence),) = claim(clock).letters
    leave_a_journal(courier, pk, fence)
    erase(enrolment.subscriber_id, clock.now())
    assert put_journals_away(courier.journal.path.parent, clock.real()) == 0


def test_once_somebody_accepted_the_database_old_journals_raise_no_alarm(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment
) -> None:
    leave_a_journal(courier, 1_000_000, 1)
    run_ticks(loop=False, clock=clock)
    clock.go_on(dt.datetime.now(dt.UTC) - clock.moment + dt.timedelta(minutes=1))  # journals are dated by the disk
    resume_sending(clock, "op", send_all=True)
    assert put_journals_away(courier.journal.path.parent, clock.real()) == 0
    assert may_send(clock)


def test_resuming_is_refused_when_nothing_stopped(clock: StoppedClock) -> None:
    with pytest.raises(Refused, match="no safe mode"):
        look_ahead(clock)


def test_resuming_with_nothing_at_stake_needs_no_choice_and_is_written_down(clock: StoppedClock) -> None:
    stop_sending("a backup was restored", clock.real())
    assert resume_sending(clock, "operator") == ("nothing was at stake", 0)
    gap = Gap.objects.get()
    assert (gap.closed_at, gap.closed_by, gap.how) == (clock.real(), "operator", "nothing was at stake")
    assert breaker.EVERYTHING not in breaker.resting(clock.real())


def test_a_restore_that_was_cut_short_is_not_taken_for_harmless(clock: StoppedClock, sequence: Sequence) -> None:
    Breaker.objects.create(transport="*", open_until=dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
    enrol_many(sequence, 2)
    with pytest.raises(Refused, match="2 letters may have left"):
        resume_sending(clock, "op")


def test_contradictions_and_futures_are_wrong_usage(clock: StoppedClock, sequence: Sequence) -> None:
    stop_sending("a backup was restored", clock.real())
    with pytest.raises(WrongUsage, match="opposite"):
        resume_sending(clock, "op", skip=clock.now(), send_all=True)
    with pytest.raises(WrongUsage, match="future"):
        resume_sending(clock, "op", skip=clock.now() + dt.timedelta(days=1))
    assert not may_send(clock)


HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("spans", "hole"),
    [
        ([], 0),
        ([(-5, 50)], None),
        ([(-5, 10)], 10),
        ([(-50, -2)], 0),  # a log of another time says nothing about this one
        ([(-0.5, 20), (20.5, 47.5)], None),
        ([(-5, 20), (30, 50)], 20),  # one of the rotated files was forgotten
        ([(30, 50), (-5, 29.5)], None),
        ([(10, 50)], 0),
    ],
)
def test_evidence_covers_the_missing_time_or_it_is_said_from_when_on_not(
    clock: StoppedClock, spans: list[tuple[float, float]], hole: float | None
) -> None:
    begins = clock.real()
    gap = Gap.objects.create(begins=begins, ends=begins + 48 * HOUR, found_at=begins + 49 * HOUR)
    note_evidence(gap, [(begins + since * HOUR, begins + until * HOUR) for since, until in spans])
    assert first_hole(Gap.objects.get()) == (None if hole is None else begins + hole * HOUR)
    assert SILENCE == HOUR
