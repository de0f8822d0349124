"""A letter about a mark on its way: it says which mark, never for an old date, and never long after its day."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.counting import count_from
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.replanning import resume_reader
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.own_date import change_date, forget_old_dates
from keepshowingup.delivery.telling import explain, row
from keepshowingup.editorial.models import Masthead
from tests.cadence.world import milestones
from tests.delivery.conftest import StoppedClock, claim
from tests.factories import MONDAY, SubscriberFactory
from tests.smtpd import Received, SmtpServer

pytestmark = pytest.mark.django_db
TODAY = MONDAY.date()
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def reader(masthead: Masthead) -> Subscriber:
    """Maya, who gave us a date yesterday; it is 7 days from it at ten this morning, and ten it is."""
    milestones()
    maya = SubscriberFactory.create(email="maya@example.org")
    count_from(maya.pk, TODAY - 7 * DAY, MONDAY - DAY)
    return maya


def text_of(received: Received) -> str:
    body = received.message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def states() -> list[tuple[str, str]]:
    return list(Dispatch.objects.order_by("pk").values_list("state", "reason"))


def test_it_says_which_mark_it_is_about_and_how_to_change_the_date(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    hand_over(claim(clock).letters, courier)
    (received,) = server.to("maya@example.org")
    text = text_of(received)
    assert "7 days from the date you gave us." in text
    assert "Change my date: http" in text
    assert "/date\n" in text
    enrolment = Enrolment.objects.get()
    assert enrolment.due_at is not None
    assert (enrolment.due_at.date() - TODAY).days == 23


def test_a_yearly_one_says_which_year(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    change_date(reader.pk, dt.date(2023, 11, 24), MONDAY)
    clock.go_on(DAY)
    hand_over(claim(clock).letters, courier)
    (received,) = server.received
    assert "3 years from the date you gave us." in text_of(received)


@pytest.mark.parametrize("day", [TODAY - 2 * DAY, None], ids=["another date", "no counting"])
def test_once_the_date_is_another_a_claimed_letter_does_not_leave(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer, day: dt.date | None
) -> None:
    offers = claim(clock).letters
    change_date(reader.pk, day, clock.now())
    hand_over(offers, courier)
    assert server.received == []
    assert states() == [("skipped", "left")]
    enrolment = Enrolment.objects.get()
    if day is None:
        assert (enrolment.due_at, enrolment.state) == (None, "left")
    else:
        assert enrolment.due_at == MONDAY + 5 * DAY + HOUR
        clock.go_on(5 * DAY)
        hand_over(claim(clock).letters, courier)
        assert "7 days from" in text_of(server.received[0])


def test_one_that_waits_for_another_try_is_dropped_too(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    server.script["maya@example.org"] = ["450 4.2.0 later"]
    hand_over(claim(clock).letters, courier)
    assert Dispatch.objects.get().state == "retry_at"
    change_date(reader.pk, TODAY - DAY, clock.now())
    assert Enrolment.objects.get().due_at == MONDAY + 6 * DAY + HOUR


def test_nothing_that_is_kept_says_which_mark_it_was(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    hand_over(claim(clock).letters, courier)
    told = str(explain(reader.pk, clock.now())) + str(row(Dispatch.objects.get()))
    assert not any(word in told for word in ("mark-7", "Mark 7", "7 days"))
    change_date(reader.pk, TODAY - DAY, clock.now() + HOUR)
    dispatch, past = Dispatch.objects.get(), PastStep.objects.get()
    assert (dispatch.state, dispatch.revision) == ("accepted", None)
    assert dispatch.step_key == past.step_key
    assert "7" not in dispatch.due_reason.replace("10:00", "")


def test_one_claimed_while_the_date_was_changed_is_cleared_by_the_tidying(
    clock: StoppedClock, reader: Subscriber
) -> None:
    claim(clock)
    count_from(reader.pk, TODAY - DAY, clock.now())
    forget_old_dates()
    assert Dispatch.objects.get().revision is None


@pytest.mark.parametrize(("hours", "state"), [(25, "accepted"), (37, "skipped")])
def test_more_than_36_hours_after_its_moment_it_does_not_leave(
    clock: StoppedClock, courier: Courier, reader: Subscriber, hours: int, state: str
) -> None:
    clock.go_on(hours * HOUR)
    hand_over(claim(clock).letters, courier)
    assert Dispatch.objects.get().state == state


def test_one_that_was_claimed_before_a_break_is_dropped_in_it(
    clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
) -> None:
    offers = claim(clock).letters
    pause(reader.pk, clock.now(), None)
    hand_over(offers, courier)
    clock.go_on(HOUR)
    resume_reader(reader.pk, clock.now())
    hand_over(claim(clock).letters, courier)
    assert server.received == []
    due = Enrolment.objects.get().due_at
    assert due is not None
    assert (due.date() - TODAY).days == 23
