from __future__ import annotations

import datetime as dt
import functools
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.audience import joining, leaving
from keepshowingup.audience.joining import JoinRequest, add_confirmed, ask_to_join, confirm, forget_unconfirmed
from keepshowingup.audience.limits import hash_network
from keepshowingup.audience.models import Consent, Invitation, JoinAttempt, Notice, Subscriber, Suppression
from keepshowingup.audience.preferences import pause
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from tests.factories import InvitationFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

REQUEST = JoinRequest(
    address="Maya@Example.org",
    first_name="Maya",
    zone="America/Santiago",
    hour=dt.time(19, 0),
    country="CL",
    form="/s/people",
    network=hash_network("192.0.2.7"),
)
WEEK = dt.timedelta(days=7)
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)


def token_of(invitation: Invitation) -> str:
    return make(Purpose.CONFIRM, invitation.opaque)


def the_reader() -> Subscriber:
    return Subscriber.objects.get(email_key="maya@example.org")


def test_somebody_new_is_sent_one_note_and_nothing_else(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    reader = the_reader()
    assert reader.state == Subscriber.State.UNCONFIRMED
    assert reader.email == "Maya@example.org"
    notice = Notice.objects.get()
    assert (notice.subscriber, notice.kind, notice.due_at) == (reader, Notice.Kind.CONFIRM, now)
    assert notice.invitation is not None
    assert notice.invitation.expires_at == now + WEEK
    assert not Consent.objects.exists()


def test_what_the_form_says_waits_until_the_owner_says_yes(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    assert the_reader().first_name == ""
    confirmed = confirm(token_of(Invitation.objects.get()), now + MINUTE)
    reader = the_reader()
    assert confirmed.subscriber_id == reader.pk
    assert not confirmed.returned
    assert (reader.first_name, reader.zone, reader.hour) == ("Maya", "America/Santiago", dt.time(19, 0))
    assert (reader.state, reader.confirmed_at) == (Subscriber.State.ACTIVE, now + MINUTE)


def test_a_yes_leaves_proof_of_consent(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    confirm(token_of(Invitation.objects.get()), now + MINUTE)
    proof = Consent.objects.get()
    assert (proof.given_at, proof.confirmed_at) == (now, now + MINUTE)
    assert (proof.source, proof.text_version) == ("/s/people", joining.CONSENT_VERSION)


def test_the_consent_text_has_a_version_of_its_own_in_every_language() -> None:
    assert {joining.consent_version(tongue): joining.consent_text(tongue) for tongue in joining.CONSENT_TEXTS} == {
        "1": "Yes, send me these letters. I know I can stop at any time.",
        "1-es": "Sí, quiero recibir estas cartas. Sé que puedo dejarlo cuando quiera.",
    }
    assert joining.consent_version("de") == joining.CONSENT_VERSION


def test_a_confirmation_works_once(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    token = token_of(Invitation.objects.get())
    confirm(token, now)
    with pytest.raises(NotFound):
        confirm(token, now)
    assert Consent.objects.count() == 1


def test_a_confirmation_works_for_seven_days(now: dt.datetime) -> None:
    token = token_of(InvitationFactory.create(created_at=now, expires_at=now + WEEK))
    with pytest.raises(NotFound):
        confirm(token, now + WEEK)
    confirm(token, now + WEEK - MINUTE)


def test_an_old_yes_does_not_undo_a_leave(now: dt.datetime) -> None:
    invitation = InvitationFactory.create()
    leaving.leave(invitation.subscriber_id, now)
    with pytest.raises(NotFound):
        confirm(token_of(invitation), now + MINUTE)


@pytest.mark.parametrize("ending", [MINUTE, DAY - MINUTE])
def test_an_address_gets_at_most_one_note_in_a_day(now: dt.datetime, ending: dt.timedelta) -> None:
    ask_to_join(REQUEST, now)
    ask_to_join(replace(REQUEST, address="MAYA@example.ORG"), now + ending)
    assert Notice.objects.count() == Invitation.objects.count() == 1
    ask_to_join(REQUEST, now + DAY)
    assert Notice.objects.count() == 2


def test_somebody_who_reads_already_is_told_so_and_keeps_their_settings(now: dt.datetime) -> None:
    reader = SubscriberFactory.create(email="maya@example.org", first_name="Maya", zone="Europe/London")
    ask_to_join(replace(REQUEST, first_name="Somebody else"), now)
    assert Notice.objects.get().kind == Notice.Kind.ALREADY
    confirm(token_of(Invitation.objects.get()), now)
    reader.refresh_from_db()
    assert (reader.first_name, reader.zone) == ("Maya", "Europe/London")


def test_a_yes_does_not_end_the_break_of_somebody_who_reads_already(now: dt.datetime) -> None:
    reader = SubscriberFactory.create(email="maya@example.org")
    pause(reader.pk, now, 30)
    ask_to_join(REQUEST, now)
    confirm(token_of(Invitation.objects.get()), now)
    reader.refresh_from_db()
    assert reader.is_paused(now)


def test_somebody_who_left_must_say_yes_again(now: dt.datetime) -> None:
    reader = SubscriberFactory.create(email="maya@example.org")
    leaving.leave(reader.pk, now)
    ask_to_join(REQUEST, now + MINUTE)
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.UNCONFIRMED
    assert Notice.objects.get().kind == Notice.Kind.CONFIRM
    assert confirm(token_of(Invitation.objects.get()), now + MINUTE).returned
    reader.refresh_from_db()
    assert (reader.state, reader.left_at) == (Subscriber.State.ACTIVE, None)


@pytest.mark.parametrize("reason", Suppression.Reason)
def test_an_address_that_must_not_be_written_to_is_left_alone(now: dt.datetime, reason: Suppression.Reason) -> None:
    leaving.suppress("maya@example.org", reason, now)
    ask_to_join(REQUEST, now)
    assert not Notice.objects.exists()
    assert not Subscriber.objects.exists()
    assert not Invitation.objects.exists()


def test_somebody_who_was_erased_is_not_kept_again_by_asking(now: dt.datetime) -> None:
    reader = SubscriberFactory.create(email="maya@example.org")
    leaving.erase(reader.pk, now)
    ask_to_join(REQUEST, now + DAY)
    assert not Subscriber.objects.exists()


def test_a_confirmation_link_dies_with_a_bounce(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    leaving.suppress("maya@example.org", Suppression.Reason.HARD_BOUNCE, now)
    with pytest.raises(NotFound):
        confirm(token_of(Invitation.objects.get()), now)
    assert the_reader().state == Subscriber.State.SUPPRESSED


def test_after_a_request_to_stop_nobody_can_have_us_write(now: dt.datetime) -> None:
    SubscriberFactory.create(email="maya@example.org")
    leaving.ask_to_stop("maya@example.org", now)
    ask_to_join(REQUEST, now)
    joining.ask_for_link("maya@example.org", REQUEST.network, now)
    assert not Notice.objects.exists()


def everybody(now: dt.datetime) -> list[str]:
    """One address for each standing an address may have."""
    reading = SubscriberFactory.create(email="reading@example.org")
    paused = SubscriberFactory.create(email="paused@example.org")
    pause(paused.pk, now, 7)
    left = SubscriberFactory.create(email="left@example.org")
    leaving.leave(left.pk, now)
    erased = SubscriberFactory.create(email="erased@example.org")
    leaving.erase(erased.pk, now)
    stopped = SubscriberFactory.create(email="stopped@example.org")
    leaving.ask_to_stop("stopped@example.org", now)
    bounced = SubscriberFactory.create(email="bounced@example.org")
    leaving.suppress("bounced@example.org", Suppression.Reason.HARD_BOUNCE, now)
    waiting = InvitationFactory.create(subscriber__email="waiting@example.org").subscriber
    written = SubscriberFactory.create(email="written@example.org")
    Notice.objects.create(subscriber=written, kind=Notice.Kind.ALREADY, created_at=now)
    known = [reading, paused, left, erased, stopped, bounced, waiting, written]
    return ["unknown@example.org", *(reader.email for reader in known)]


def work_for(act: Callable[[], None]) -> list[str]:
    """The statements done, each up to its values. Savepoints are left out: taking back is one more than keeping."""
    with CaptureQueriesContext(connection) as seen:
        act()
    statements = [query["sql"] for query in seen.captured_queries]
    return [re.split(r"VALUES|WHERE|SET", sql)[0] for sql in statements if "SAVEPOINT" not in sql]


def test_the_work_is_the_same_whoever_the_address_belongs_to(now: dt.datetime) -> None:
    work = {
        address: work_for(functools.partial(ask_to_join, replace(REQUEST, address=address), now))
        for address in everybody(now)
    }
    usual = work["unknown@example.org"]
    assert len(usual) >= 10
    assert {address for address, statements in work.items() if statements != usual} == set()


def test_asking_for_the_link_is_the_same_work_for_everybody(now: dt.datetime) -> None:
    work = {
        address: work_for(functools.partial(joining.ask_for_link, address, REQUEST.network, now))
        for address in everybody(now)
    }
    usual = work["unknown@example.org"]
    assert {address for address, statements in work.items() if statements != usual} == set()


def test_asking_to_stop_is_the_same_work_for_everybody(now: dt.datetime) -> None:
    work = {address: work_for(functools.partial(leaving.ask_to_stop, address, now)) for address in everybody(now)}
    usual = work["unknown@example.org"]
    assert len(usual) >= 5
    assert {address for address, statements in work.items() if statements != usual} == set()


def at_once(act: Callable[[], object], times: int = 6) -> list[object]:
    """Do one thing in several threads at the same time; what each got, an exception as such."""
    gate = threading.Barrier(times)

    def run(_: int) -> object:
        gate.wait()
        try:
            return act()
        except NotFound as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.django_db(transaction=True)
def test_many_requests_at_once_make_one_note(now: dt.datetime) -> None:
    at_once(functools.partial(ask_to_join, REQUEST, now))
    assert Subscriber.objects.count() == Notice.objects.count() == Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_button_pressed_twice_at_once_confirms_once(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    answers = at_once(functools.partial(confirm, token_of(Invitation.objects.get()), now))
    assert sum(isinstance(answer, joining.Confirmed) for answer in answers) == 1
    assert Consent.objects.count() == 1


def test_the_link_to_the_own_page_goes_to_readers_only_and_once_a_day(now: dt.datetime) -> None:
    for address in everybody(now):
        joining.ask_for_link(address, REQUEST.network, now + MINUTE)
        joining.ask_for_link(address, REQUEST.network, now + MINUTE)
    sent = Notice.objects.filter(created_at=now + MINUTE)
    assert {notice.subscriber.email for notice in sent} == {"reading@example.org", "paused@example.org"}
    assert sent.count() == 2
    assert not Subscriber.objects.filter(email_key="unknown@example.org").exists()


@pytest.mark.parametrize(
    "address", ["", "maya", "maya@", "maya@example", "a@b.org\r\nBcc: c@d.org", "maya @example.org"]
)
def test_only_the_shape_of_an_address_is_complained_about(now: dt.datetime, address: str) -> None:
    with pytest.raises(WrongUsage):
        ask_to_join(replace(REQUEST, address=address), now)
    assert not JoinAttempt.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["Maya\nBcc: a@b.org", "Maya\x00", "\u202eayaM", "http://spam.example", "www.spam.example", "a@b.org", "M" * 81],
)
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(WrongUsage):
        joining.tidy_name(name)


@given(st.text(max_size=100))
def test_a_tidy_name_stays_as_it_is(text: str) -> None:
    try:
        name = joining.tidy_name(text)
    except WrongUsage:
        return
    assert joining.tidy_name(name) == name
    assert name.isprintable()
    assert len(name) <= 80


def test_what_nobody_confirmed_is_forgotten_after_seven_days(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    assert forget_unconfirmed(now + WEEK - MINUTE) == 0
    assert forget_unconfirmed(now + WEEK) == 1
    assert not Subscriber.objects.exists()
    assert not Notice.objects.exists()


def test_asking_again_starts_the_seven_days_again(now: dt.datetime) -> None:
    ask_to_join(REQUEST, now)
    ask_to_join(REQUEST, now + 3 * DAY)
    assert forget_unconfirmed(now + WEEK + DAY) == 0
    confirm(token_of(Invitation.objects.latest("pk")), now + WEEK + DAY)
    assert forget_unconfirmed(now + 3 * WEEK) == 0
    assert the_reader().state == Subscriber.State.ACTIVE


def test_a_stranger_cannot_make_us_forget_that_somebody_left(now: dt.datetime) -> None:
    reader = SubscriberFactory.create(email="maya@example.org", created_at=now - WEEK)
    leaving.leave(reader.pk, now)
    ask_to_join(REQUEST, now)
    assert forget_unconfirmed(now + WEEK) == 0
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT


def test_staff_add_somebody_who_agreed_elsewhere_with_proof(now: dt.datetime) -> None:
    reader = add_confirmed("maya@example.org", first_name="Maya", consent_note="signed form, 3 March", now=now)
    assert reader.state == Subscriber.State.ACTIVE
    assert Consent.objects.get().source == "signed form, 3 March"
    add_confirmed("maya@example.org", first_name="Other", consent_note="again", now=now)
    assert the_reader().first_name == "Maya"


def test_staff_cannot_bring_back_who_left_or_bounced_nor_add_without_proof(now: dt.datetime) -> None:
    with pytest.raises(Refused):
        add_confirmed("maya@example.org", consent_note=" ", now=now)
    reader = add_confirmed("maya@example.org", consent_note="a form", now=now)
    leaving.leave(reader.pk, now)
    with pytest.raises(Refused):
        add_confirmed("maya@example.org", consent_note="a form", now=now)
    leaving.suppress("gone@example.org", Suppression.Reason.HARD_BOUNCE, now)
    with pytest.raises(Refused):
        add_confirmed("gone@example.org", consent_note="a form", now=now)
    assert the_reader().state == Subscriber.State.LEFT
