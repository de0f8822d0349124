"""Letters for one reader: as they wish to see them, and the notes we owe them for what they did themselves."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.audience.leaving import leave, take_back
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.audience.notices import owe_goodbye
from keepshowingup.audience.preferences import change, pause
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.enrolling import confirm
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.replanning import end_pauses, resume_reader
from keepshowingup.core.errors import Refused
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Masthead, Sequence
from keepshowingup.editorial.revising import refreeze
from tests.delivery.conftest import StoppedClock, claim
from tests.factories import MONDAY, InvitationFactory, SubscriberFactory
from tests.smtpd import Received, SmtpServer

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def notes(clock: StoppedClock, courier: Courier, server: SmtpServer, address: str) -> list[Received]:
    hand_over(claim(clock).notices, courier)
    return server.to(address)


def parts(received: Received) -> tuple[str, str]:
    plain, html = (part.get_content().replace("\r\n", "\n") for part in received.message.iter_parts())
    return plain, html


def test_a_letter_is_in_its_own_language_and_what_stands_below_it_in_its_readers_and_it_looks_as_they_wish(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    step = enrolment.next_step
    assert step is not None
    step.body = "{{ greeting }},\n\nSince {{ joined_on }} somebody stayed."
    step.current = refreeze(step, enrolment.sequence, author="writer", now=MONDAY)
    step.save()
    change(enrolment.subscriber_id, language="es-MX", theme="large", country="US")
    hand_over(claim(clock).letters, courier)
    (received,) = server.to("maya@example.org")
    plain, html = parts(received)
    assert "Good morning,\n\nSince 23 November somebody stayed." in plain
    assert "Recibes esta carta porque la pediste el 23 de noviembre." in plain
    assert "llama al 988" in plain
    assert '<html lang="en"' in html
    assert '<td class="foot" lang="es"' in html
    assert "font-size: 22px" in html.replace("font-size:22px", "font-size: 22px")


def test_a_letter_frozen_before_there_was_the_theme_comes_as_it_was_frozen(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    change(enrolment.subscriber_id, theme="large")
    hand_over(claim(clock).letters, courier)
    (received,) = server.to("maya@example.org")
    assert "Iowan Old Style" in parts(received)[1]


def test_the_sequences_theme_is_for_those_who_wish_none(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
) -> None:
    step, sequence = enrolment.next_step, enrolment.sequence
    assert step is not None
    step.current = refreeze(step, sequence, author="writer", now=MONDAY)
    step.save()
    sequence.theme = "plain"
    sequence.save()
    hand_over(claim(clock).letters, courier)
    (received,) = server.to("maya@example.org")
    assert "#1a5a8a" in parts(received)[1]


class TestWelcome:
    def test_who_said_yes_and_waits_for_the_first_letter_is_greeted_in_their_language(
        self, clock: StoppedClock, courier: Courier, masthead: Masthead, server: SmtpServer
    ) -> None:
        invitation = InvitationFactory.create(language="es-AR", first_name="Lucía", subscriber__email="l@example.org")
        confirm(make(Purpose.CONFIRM, invitation.opaque), MONDAY)
        (received,) = notes(clock, courier, server, "l@example.org")
        plain, html = parts(received)
        assert received.message["Subject"] == "Qué bien tenerte aquí"
        assert received.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert received.message["List-Id"].endswith("<notes.letters.harbour.example>")
        assert "Hola, Lucía:" in plain
        assert "No recibir más cartas: http" in plain
        assert '<html lang="es"' in html

    def test_whose_first_letter_comes_within_a_day_gets_only_that(self, sequence: Sequence) -> None:
        invitation = InvitationFactory.create(sequence_id=sequence.pk)
        confirm(make(Purpose.CONFIRM, invitation.opaque), MONDAY)
        assert not Notice.objects.filter(kind=Notice.Kind.WELCOME).exists()

    def test_who_was_reading_already_is_not_welcomed_again(self) -> None:
        invitation = InvitationFactory.create(subscriber=SubscriberFactory.create())
        confirm(make(Purpose.CONFIRM, invitation.opaque), MONDAY)
        assert not Notice.objects.exists()


class TestBreakIsOver:
    def rests(self, enrolment: Enrolment, *, next_in: int) -> Subscriber:
        """Maya's break began a week ago and ends on Monday; her next letter came so many days after its beginning."""
        Enrolment.objects.filter(pk=enrolment.pk).update(
            due_at=MONDAY - 7 * DAY + next_in * DAY, promised_at=None, started_on=(MONDAY - 8 * DAY).date()
        )
        pause(enrolment.subscriber_id, MONDAY - 7 * DAY, 7)
        return enrolment.subscriber

    def test_a_note_at_the_readers_hour_says_so(
        self, clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer
    ) -> None:
        reader = self.rests(enrolment, next_in=3)
        Enrolment.objects.filter(pk=enrolment.pk).update(next_step=enrolment.sequence.steps.get(key="second"))
        Enrolment.objects.filter(pk=enrolment.pk).update(started_on=(MONDAY + DAY).date())
        end_pauses(MONDAY)
        notice = Notice.objects.get()
        assert (notice.kind, notice.due_at) == (Notice.Kind.RESUME, MONDAY.replace(hour=10))
        clock.go_on(dt.timedelta(hours=1))
        (received,) = notes(clock, courier, server, reader.email)
        assert received.message["Subject"] == "Your break is over"
        assert received.message["List-Unsubscribe"]
        assert "#pause" in parts(received)[0]

    def test_none_where_a_letter_comes_that_day(self, enrolment: Enrolment) -> None:
        self.rests(enrolment, next_in=0)
        end_pauses(MONDAY)
        assert not Notice.objects.exists()

    def test_none_for_who_pressed_the_button(self, enrolment: Enrolment) -> None:
        reader = self.rests(enrolment, next_in=3)
        resume_reader(reader.pk, MONDAY - DAY)
        end_pauses(MONDAY)
        assert not Notice.objects.exists()

    def test_none_for_who_rests_again_before_it_leaves(
        self, clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
    ) -> None:
        Notice.objects.create(subscriber=reader, kind=Notice.Kind.RESUME, due_at=MONDAY, created_at=MONDAY)
        pause(reader.pk, MONDAY, 7)
        assert notes(clock, courier, server, reader.email) == []
        assert Dispatch.objects.get(notice__isnull=False).reason == "not_needed"


class TestGoodbye:
    def test_who_presses_for_a_note_after_leaving_gets_one_and_nothing_else(
        self, clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
    ) -> None:
        leave(reader.pk, MONDAY)
        owe_goodbye(reader.pk, MONDAY)
        owe_goodbye(reader.pk, MONDAY)
        offers = claim(clock)
        hand_over((*offers.letters, *offers.notices), courier)
        (received,) = server.to(reader.email)
        assert received.message["Subject"] == "You have left"
        assert received.message["List-Unsubscribe"] is None
        assert "/unsubscribe/" not in parts(received)[0]

    def test_nobody_gets_one_unasked(
        self, clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
    ) -> None:
        leave(reader.pk, MONDAY)
        assert notes(clock, courier, server, reader.email) == []

    def test_it_can_be_asked_for_on_the_day_of_leaving_only(self, reader: Subscriber) -> None:
        with pytest.raises(Refused):
            owe_goodbye(reader.pk, MONDAY)
        leave(reader.pk, MONDAY)
        with pytest.raises(Refused):
            owe_goodbye(reader.pk, MONDAY + DAY)

    def test_who_came_back_meanwhile_is_not_sent_away(
        self, clock: StoppedClock, courier: Courier, reader: Subscriber, server: SmtpServer
    ) -> None:
        leave(reader.pk, MONDAY)
        owe_goodbye(reader.pk, MONDAY)
        take_back(reader.pk, MONDAY)
        assert notes(clock, courier, server, reader.email) == []
