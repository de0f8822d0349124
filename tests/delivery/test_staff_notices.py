"""What colleagues are written to about: never whose address it is."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest

from keepshowingup.audience.leaving import ask_to_stop, settle_stop_request
from keepshowingup.audience.models import StopRequest, Subscriber
from keepshowingup.delivery.staff_notices import tell_of_stop_requests
from keepshowingup.editorial.people import make_staff
from tests.delivery.conftest import StoppedClock
from tests.factories import SubscriberFactory
from tests.smtpd import SmtpServer

# A note is made and sent outside of any transaction, and takes its time on a busy machine.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(masthead: object, server: SmtpServer, settings: Any, clock: StoppedClock) -> Subscriber:
    """One whose address somebody asked to rest, in a house with a sender and an editor."""
    settings.SMTP_URL = server.url
    make_staff("ruth@harbour.example", "a long password", "sender", name="Ruth")
    make_staff("ed@harbour.example", "a long password", "editor")
    reader = SubscriberFactory.create(email="maya@example.org")
    ask_to_stop("maya@example.org", clock.now())
    return reader


def test_who_may_settle_it_is_told_once_and_not_whose_address_it_is(
    reader: Subscriber, server: SmtpServer, clock: StoppedClock
) -> None:
    assert tell_of_stop_requests(clock.now()) == 1
    assert tell_of_stop_requests(clock.now()) == 0
    (received,) = server.received
    assert received.recipient == "ruth@harbour.example"
    message = email.message_from_bytes(received.data, policy=email.policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    said = part.get_content()
    assert "Hello Ruth," in said
    assert "/staff/readers/" in said
    assert b"maya" not in received.data.lower()
    assert message["List-Unsubscribe"] is None


def test_what_is_settled_or_not_ours_needs_nobody(reader: Subscriber, server: SmtpServer, clock: StoppedClock) -> None:
    settle_stop_request(reader.pk, "the reader", clock.now())
    ask_to_stop("stranger@example.org", clock.now())
    assert tell_of_stop_requests(clock.now()) == 0
    assert server.received == []


def test_while_the_mail_server_is_away_nobody_counts_as_told(
    reader: Subscriber, server: SmtpServer, settings: Any, clock: StoppedClock
) -> None:
    settings.SMTP_URL = "smtp://127.0.0.1:9"
    assert tell_of_stop_requests(clock.now()) == 0
    settings.SMTP_URL = server.url
    assert tell_of_stop_requests(clock.now()) == 1
    assert StopRequest.objects.get().told_at == clock.now()
