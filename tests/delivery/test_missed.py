"""After a restore: letters that left in the time the database has missed are found by their names, or passed over."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from keepshowingup.audience.leaving import is_suppressed
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.delivery.maillog import Fate, Sighting
from keepshowingup.delivery.missed import believe_missed
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.naming import letter_name, notice_name, opaque_of
from keepshowingup.delivery.reconciling import Settled, believe
from keepshowingup.delivery.restored import at_stake, skip_until
from keepshowingup.delivery.running import run_ticks
from keepshowingup.editorial.models import Sequence
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import MONDAY, EnrolmentFactory, NoticeFactory, StepFactory
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _our_server(server: SmtpServer, settings: Any) -> None:
    settings.SMTP_URL = server.url


@pytest.fixture
def course(sequence: Sequence) -> Sequence:
    """Four letters, on days 0, 2, 4 and 6, at ten."""
    for number, key in ((3, "third"), (4, "fourth")):
        StepFactory.create(sequence=sequence, key=key, position=number, after_days=2 * number - 2)
    return sequence


@pytest.fixture
def maya(course: Sequence) -> Enrolment:
    return EnrolmentFactory.create(sequence=course, subscriber__email="maya@example.org")


def seen(enrolment: Enrolment, *keys: str, fate: Fate = Fate.PASSED_ON, **more: Any) -> dict[str, Sighting]:
    """The log has these letters, each at ten on its day."""
    days = {"first": 0, "second": 2, "third": 4, "fourth": 6}
    names = {key: letter_name(enrolment.pk, enrolment.enrolled_at, key) for key in keys}
    return {
        name: Sighting(name, fate, MONDAY + dt.timedelta(hours=1) + days[key] * DAY, **more)
        for key, name in names.items()
    }


def letters(enrolment: Enrolment) -> list[tuple[str, str]]:
    return list(enrolment.dispatches.order_by("due_at", "pk").values_list("step_key", "state"))


def missed(found: dict[str, Sighting], until: dt.datetime) -> list[Settled]:
    return [*believe(found, until, restored=True), *believe_missed(found, until)]


def test_a_letter_has_the_same_name_when_it_is_claimed_again(clock: StoppedClock, maya: Enrolment) -> None:
    claim(clock)
    first = Dispatch.objects.get().message_id
    Dispatch.objects.all().delete()
    Enrolment.objects.update(due_at=MONDAY)
    claim(clock)
    assert Dispatch.objects.get().message_id == first
    assert opaque_of(first) == letter_name(maya.pk, maya.enrolled_at, "first")


def test_letters_that_left_are_written_down_and_the_plan_goes_on_from_there(
    clock: StoppedClock, maya: Enrolment, server: SmtpServer
) -> None:
    clock.go_on(5 * DAY)
    found = missed(seen(maya, "first", "second", "third"), clock.now())
    assert len(found) == 3
    assert letters(maya) == [("first", "accepted"), ("second", "accepted"), ("third", "accepted")]
    maya.refresh_from_db()
    assert maya.due_at == MONDAY + dt.timedelta(hours=1) + 7 * DAY, "three in seven days, those counted"
    assert run_ticks(loop=False, clock=clock) == 0
    clock.go_on(2 * DAY)
    assert run_ticks(loop=False, clock=clock) == 1
    assert missed(seen(maya, "first", "second", "third"), clock.now()) == [], "done again it changes nothing"


def test_what_was_not_seen_is_still_owed(clock: StoppedClock, course: Sequence, server: SmtpServer) -> None:
    one, other = enrol_many(course, 2)
    missed(seen(one, "first"), clock.now())
    assert run_ticks(loop=False, clock=clock) == 1
    assert server.received[0].recipient == other.subscriber.email


def test_a_letter_before_one_that_was_seen_is_not_sent_after_it(
    clock: StoppedClock, maya: Enrolment, server: SmtpServer
) -> None:
    clock.go_on(3 * DAY)
    missed(seen(maya, "second"), clock.now())
    assert letters(maya) == [("first", "skipped"), ("second", "accepted")]
    maya.refresh_from_db()
    assert maya.due_at == MONDAY + dt.timedelta(hours=1) + 4 * DAY, "its plan has not been late"
    assert run_ticks(loop=False, clock=clock) == 0


def test_a_refusal_in_the_log_is_believed_as_if_it_had_been_heard(clock: StoppedClock, maya: Enrolment) -> None:
    found = seen(maya, "first", fate=Fate.REFUSED, code=550, status="5.1.1", words="550 5.1.1 <maya@example.org> gone")
    missed(found, clock.now())
    assert letters(maya) == [("first", "refused")]
    assert "maya" not in Dispatch.objects.get().reason
    assert is_suppressed("maya@example.org")


def test_a_letter_that_perhaps_left_is_in_doubt(clock: StoppedClock, maya: Enrolment, server: SmtpServer) -> None:
    missed(seen(maya, "first", fate=Fate.PERHAPS), clock.now())
    assert letters(maya) == [("first", "unknown")]
    assert run_ticks(loop=False, clock=clock) == 0


@pytest.mark.parametrize("fate", [Fate.NAMED])
def test_being_named_proves_nothing(clock: StoppedClock, maya: Enrolment, fate: Fate) -> None:
    assert missed(seen(maya, "first", fate=fate), clock.now()) == []
    assert run_ticks(loop=False, clock=clock) == 1


@pytest.mark.parametrize("state", ["claimed", "handing_over", "retry_at"])
def test_what_was_under_way_in_the_backup_and_left_since_is_written_down(
    clock: StoppedClock, maya: Enrolment, state: str
) -> None:
    claim(clock)
    Dispatch.objects.update(state=state)
    (found,) = missed(seen(maya, "first"), clock.now())
    assert found.dispatch == Dispatch.objects.get().pk
    assert letters(maya) == [("first", "accepted")]
    maya.refresh_from_db()
    assert maya.due_at == MONDAY + dt.timedelta(hours=1) + 2 * DAY


def test_what_was_to_be_tried_again_is_passed_over_when_a_later_letter_left(
    clock: StoppedClock, maya: Enrolment
) -> None:
    claim(clock)
    Dispatch.objects.update(state="retry_at", retry_at=clock.real())
    missed(seen(maya, "second"), clock.now() + 3 * DAY)
    assert letters(maya) == [("first", "skipped"), ("second", "accepted")]


def test_one_off_letters_that_left_are_written_down(clock: StoppedClock, masthead: object, server: SmtpServer) -> None:
    notice = NoticeFactory.create()
    name = notice_name(notice.pk, notice.created_at)
    (found,) = missed({name: Sighting(name, Fate.TAKEN, clock.now())}, clock.now())
    assert found.state == "accepted"
    assert run_ticks(loop=False, clock=clock) == 0
    assert Dispatch.objects.get().notice == notice


def test_a_key_that_was_changed_since_finds_its_letters_all_the_same(
    clock: StoppedClock, maya: Enrolment, settings: Any
) -> None:
    found = seen(maya, "first")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, of more than enough length"
    assert len(missed(found, clock.now())) == 1


def test_what_fell_due_is_passed_over_as_if_it_had_left_on_its_day(
    clock: StoppedClock, maya: Enrolment, server: SmtpServer
) -> None:
    clock.go_on(5 * DAY)
    assert skip_until(clock.now(), clock.now()) == 3
    assert letters(maya) == [("first", "skipped"), ("second", "skipped"), ("third", "skipped")]
    assert set(Dispatch.objects.values_list("reason", flat=True)) == {"restored"}
    maya.refresh_from_db()
    assert maya.due_at == MONDAY + dt.timedelta(hours=1) + 7 * DAY, "three in seven days, those counted"
    assert run_ticks(loop=False, clock=clock) == 0
    assert PastStep.objects.filter(enrolment=maya, handed_at__isnull=False).count() == 3, "they count for the pace"
    assert skip_until(clock.now(), clock.now()) == 0


def test_only_what_fell_due_up_to_then_is_passed_over(clock: StoppedClock, maya: Enrolment, server: SmtpServer) -> None:
    clock.go_on(2 * DAY + dt.timedelta(hours=1))
    assert skip_until(MONDAY + DAY, clock.now()) == 1
    assert run_ticks(loop=False, clock=clock) == 1
    assert letters(maya) == [("first", "skipped"), ("second", "accepted")]


def test_a_reader_who_rests_is_owed_their_letters(clock: StoppedClock, maya: Enrolment) -> None:
    Subscriber.objects.update(paused_at=MONDAY)
    assert skip_until(clock.now(), clock.now()) == 0


def test_everything_at_stake_is_counted_and_nothing_of_it_is_left_after_passing_over(
    clock: StoppedClock, course: Sequence, server: SmtpServer
) -> None:
    enrol_many(course, 4)
    claim(clock, limit=2)
    states = ["claimed", "handing_over"]
    for dispatch, state in zip(Dispatch.objects.order_by("pk"), states, strict=True):
        Dispatch.objects.filter(pk=dispatch.pk).update(state=state, owner="gone.0.1.ab")
    NoticeFactory.create()
    until = clock.now()
    clock.go_on(dt.timedelta(hours=1))
    EnrolmentFactory.create(sequence=course, due_at=clock.now())
    stake = at_stake(until, clock.now())
    assert (stake.fell_due, stake.under_way, stake.due_since, stake.doubtful) == (3, 2, 1, 5)
    assert skip_until(until, clock.now()) == 5
    assert Dispatch.objects.filter(state="unknown").count() == 1, "it was in a worker's hand"
    assert not Notice.objects.filter(due_at__isnull=False).exists()
    stake = at_stake(until, clock.now())
    assert (stake.fell_due, stake.under_way, stake.due_since) == (0, 0, 1)
    assert run_ticks(loop=False, clock=clock) == 1


def test_the_last_letter_that_left_ends_the_sequence(clock: StoppedClock, maya: Enrolment, server: SmtpServer) -> None:
    for _ in range(3):
        assert run_ticks(loop=False, clock=clock) == 1
        maya.refresh_from_db()
        assert maya.due_at is not None
        clock.go_on(maya.due_at - clock.now())
    missed(seen(maya, "first", "second", "third", "fourth"), clock.now())
    assert letters(maya)[-1] == ("fourth", "accepted")
    maya.refresh_from_db()
    assert maya.state == "finished"
