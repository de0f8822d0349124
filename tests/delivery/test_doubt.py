"""Letters the server may have: held, sent again once, or settled by somebody's word."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import Refused
from keepshowingup.delivery.deciding import decide
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.delivery.running import run_ticks
from keepshowingup.delivery.settling import A_COPY
from keepshowingup.editorial.models import Sequence
from keepshowingup.outcomes.evidence import Evidence, Kind
from keepshowingup.outcomes.recording import record
from tests.delivery.conftest import StoppedClock, enrol_many
from tests.factories import NoticeFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
MAYA = "maya@example.org"
What = Decision.What


@pytest.fixture(autouse=True)
def _our_server(server: SmtpServer, settings: Any) -> None:
    settings.SMTP_URL = server.url


@pytest.fixture
def _resend(settings: Any) -> None:
    settings.UNKNOWN_POLICY = "resend"


def tick(clock: StoppedClock, number: int = 1) -> Dispatch:
    for _ in range(number):
        run_ticks(loop=False, clock=clock)
        clock.go_on(dt.timedelta(seconds=2))
    return Dispatch.objects.order_by("pk")[0]


def said(letter: Dispatch, kind: Kind, status: str = "") -> Evidence:
    return Evidence("postal", f"{kind}-1", kind, status=status, message_ids=(letter.message_id,))


def test_under_hold_a_letter_in_doubt_is_never_sent_again(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot"]
    assert tick(clock, 5).state == "unknown"
    assert len(server.received) == 1


@pytest.mark.usefixtures("_resend")
def test_under_resend_it_comes_once_more_with_the_same_bytes(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot"]
    tick(clock)
    clock.go_on(dt.timedelta(hours=3))  # another part of the day, another Date: were it written anew
    letter = tick(clock, 3)
    first, second = server.received
    assert first.data == second.data
    assert (letter.state, letter.attempts) == ("accepted", 2)
    (decision,) = letter.decisions.all()
    assert (decision.what, decision.by, decision.fence) == ("send_again", "KSU_UNKNOWN", 1)
    enrolment.refresh_from_db()
    assert enrolment.due_at == dt.datetime(2026, 11, 25, 10, 0, tzinfo=dt.UTC), "the next one comes on its day"


@pytest.mark.usefixtures("_resend")
def test_a_server_that_never_answers_gets_it_twice_and_not_three_times(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot"] * 10
    assert tick(clock, 8).state == "unknown"
    assert len(server.received) == 2


@pytest.mark.usefixtures("_resend")
def test_who_left_gets_no_second_copy(clock: StoppedClock, reader: Subscriber, server: SmtpServer) -> None:
    server.script[MAYA] = ["drop-dot"]
    tick(clock)
    leave(reader.pk, clock.now())
    assert tick(clock, 3).state == "unknown"
    assert len(server.received) == 1


@pytest.mark.usefixtures("_resend")
def test_who_leaves_between_the_offer_and_the_last_look_gets_no_second_copy_and_the_doubt_stays(
    clock: StoppedClock, reader: Subscriber, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", "450 4.2.0 come back"]
    assert tick(clock, 2).state == "retry_at"
    leave(reader.pk, clock.now())
    clock.go_on(dt.timedelta(minutes=5))
    letter = tick(clock, 2)
    assert (letter.state, letter.reason) == ("unknown", f"{A_COPY}: left")
    assert len(server.received) == 1


@pytest.mark.usefixtures("_resend")
def test_who_takes_a_break_then_keeps_the_record_of_the_letter(
    clock: StoppedClock, reader: Subscriber, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", "450 4.2.0 come back"]
    assert tick(clock, 2).state == "retry_at"
    Subscriber.objects.update(paused_at=clock.now())
    clock.go_on(dt.timedelta(minutes=5))
    letter = tick(clock, 2)
    assert (letter.state, letter.reason) == ("unknown", A_COPY)
    assert letter.handed_over_at is not None


@pytest.mark.usefixtures("_resend")
def test_a_copy_that_is_refused_for_the_moment_says_nothing_about_the_first(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", *["450 4.2.0 come back"] * 20]
    for _ in range(30):
        letter = tick(clock)
        clock.go_on(dt.timedelta(hours=5))
    assert letter.state == "unknown"
    assert letter.reason.startswith(A_COPY)


@pytest.mark.usefixtures("_resend")
def test_a_copy_to_an_address_that_is_gone_says_that_the_first_did_not_arrive(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", "550 5.1.1 no such user"]
    assert tick(clock, 2).state == "refused"


@pytest.mark.usefixtures("_resend")
@pytest.mark.parametrize(
    ("kind", "status", "state"), [(Kind.DELIVERED, "", "accepted"), (Kind.HARD, "5.1.1", "refused")]
)
def test_evidence_that_comes_after_the_choice_to_resend_stops_it(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer, kind: Kind, status: str, state: str
) -> None:
    server.script[MAYA] = ["drop-dot", "450 4.2.0 come back"]
    letter = tick(clock, 2)
    assert letter.state == "retry_at", "chosen, and not left yet"
    record(said(letter, kind, status), clock.now())
    clock.go_on(dt.timedelta(hours=1))
    assert tick(clock, 3).state == state
    assert len(server.received) == 1


@pytest.mark.usefixtures("_resend")
def test_evidence_that_comes_after_the_copy_left_changes_nothing_any_more(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", "drop-dot"]
    letter = tick(clock, 3)
    record(said(letter, Kind.DELIVERED), clock.now())
    assert tick(clock, 3).state == "accepted"
    assert len(server.received) == 2


@pytest.mark.parametrize("kind", [Kind.TAKEN, Kind.DELAYED, Kind.DELIVERED])
def test_a_provider_that_has_it_settles_the_doubt(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer, kind: Kind
) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    assert record(said(letter, kind), clock.now()).changed
    assert not record(said(letter, kind), clock.now()).changed
    letter.refresh_from_db()
    assert letter.state == "accepted"


@pytest.mark.usefixtures("_resend")
def test_turning_to_resend_does_not_mean_the_doubts_of_last_week(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer, settings: Any
) -> None:
    settings.UNKNOWN_POLICY = "hold"
    server.script[MAYA] = ["drop-dot"]
    tick(clock)
    clock.go_on(dt.timedelta(days=7))
    settings.UNKNOWN_POLICY = "resend"
    tick(clock, 2)
    assert [r.message["Subject"] for r in server.received] == ["A first note", "A second note"]


@pytest.mark.usefixtures("_resend")
def test_a_request_to_confirm_in_doubt_comes_once_more(
    clock: StoppedClock, masthead: object, server: SmtpServer
) -> None:
    notice = NoticeFactory.create()
    server.script[notice.subscriber.email] = ["drop-dot"]
    assert tick(clock, 3).state == "accepted"
    first, second = server.received
    assert first.data == second.data


def test_staff_say_that_it_arrived(clock: StoppedClock, enrolment: Enrolment, server: SmtpServer) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    decide(letter.pk, What.ARRIVED, "ruth@harbour.example", clock)
    letter.refresh_from_db()
    assert letter.state == "accepted"
    assert [(d.what, d.by, d.decided_at) for d in letter.decisions.all()] == [
        ("arrived", "ruth@harbour.example", clock.now())
    ]
    with pytest.raises(Refused, match="not in doubt any more"):
        decide(letter.pk, What.SEND_AGAIN, "ruth@harbour.example", clock)


def test_staff_let_it_be_and_are_not_reminded(clock: StoppedClock, enrolment: Enrolment, server: SmtpServer) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    assert list(in_doubt_letters()) == [letter]
    for _ in range(2):
        decide(letter.pk, What.LET_BE, "ruth@harbour.example", clock)
    assert not in_doubt_letters().exists()
    letter.refresh_from_db()
    assert letter.state == "unknown"
    assert letter.decisions.count() == 1


@pytest.mark.usefixtures("_resend")
def test_what_was_let_be_is_not_sent_again(clock: StoppedClock, enrolment: Enrolment, server: SmtpServer) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    decide(letter.pk, What.LET_BE, "ruth@harbour.example", clock)
    tick(clock, 3)
    assert len(server.received) == 1


def test_staff_send_it_again_as_often_as_they_say(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot", "drop-dot"]
    letter = tick(clock)
    for expected in ("unknown", "accepted"):
        decide(letter.pk, What.SEND_AGAIN, "ruth@harbour.example", clock)
        assert tick(clock, 3).state == expected
    assert len({received.data for received in server.received}) == 1
    assert len(server.received) == 3
    assert letter.decisions.count() == 2


def test_staff_can_not_send_it_again_to_somebody_who_left(
    clock: StoppedClock, reader: Subscriber, server: SmtpServer
) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    leave(reader.pk, clock.now())
    with pytest.raises(Refused, match="The reader has left"):
        decide(letter.pk, What.SEND_AGAIN, "ruth@harbour.example", clock)
    assert not letter.decisions.exists()


def test_staff_can_not_send_it_again_at_night(clock: StoppedClock, reader: Subscriber, server: SmtpServer) -> None:
    server.script[MAYA] = ["drop-dot"]
    letter = tick(clock)
    clock.go_on(dt.timedelta(hours=15))
    with pytest.raises(Refused, match="not an hour for letters"):
        decide(letter.pk, What.SEND_AGAIN, "ruth@harbour.example", clock)


def test_each_letter_has_a_name_of_its_own(clock: StoppedClock, sequence: Sequence, server: SmtpServer) -> None:
    enrol_many(sequence, 5)
    NoticeFactory.create_batch(3)
    tick(clock)
    clock.go_on(dt.timedelta(days=2))
    tick(clock)
    assert Dispatch.objects.count() == 13
    assert len(set(Dispatch.objects.values_list("message_id", flat=True))) == 13
