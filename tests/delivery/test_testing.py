"""Seeing and sending one letter before any reader gets it."""

from __future__ import annotations

import email
import email.policy
import re
from typing import Any

import pytest

from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import NotFound, PartMissing, Refused
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.testing import find_step, render_for, send_test
from keepshowingup.editorial.models import Sequence, Step
from tests.delivery.conftest import StoppedClock
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


def test_a_step_is_found_by_its_key_or_its_position(sequence: Sequence) -> None:
    assert find_step(sequence.slug, "second") == find_step(sequence.slug, "2")
    with pytest.raises(NotFound, match="sequence show"):
        find_step(sequence.slug, "third")


def test_a_letter_is_rendered_for_the_reader_it_is_addressed_to(clock: StoppedClock, enrolment: Enrolment) -> None:
    step = Step.objects.get(key="first")
    message = email.message_from_bytes(
        render_for(step, "maya@example.org", clock.now()).message, policy=email.policy.default
    )
    part = message.get_body(("plain",))
    assert part is not None
    assert "Hello Maya," in part.get_content()
    assert message["To"] == "maya@example.org"
    assert message["Subject"] == "A first note"


def test_somebody_who_is_no_reader_gets_the_fallbacks(clock: StoppedClock, sequence: Sequence) -> None:
    message = render_for(Step.objects.get(key="first"), "staff@harbour.example", clock.now()).message.decode()
    assert "Hello friend," in message


@pytest.mark.parametrize("address", ["", "nobody", "a@b\nBcc: c@d.example", "a b@example.org"])
def test_an_address_that_is_none_gets_a_sentence(address: str, clock: StoppedClock, sequence: Sequence) -> None:
    with pytest.raises(Refused, match="no address a letter can go to"):
        render_for(Step.objects.get(key="first"), address, clock.now())


def test_a_test_letter_is_sent_at_once_and_leaves_no_trace(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer, settings: Any
) -> None:
    settings.SMTP_URL = server.url
    send_test(Step.objects.get(key="second").pk, "staff@harbour.example", clock.now())
    (received,) = server.received
    assert received.recipient == "staff@harbour.example"
    assert re.fullmatch(r"bounce\+\w+@harbour\.example", received.sender)
    assert not Dispatch.objects.exists()


def test_a_server_that_refuses_the_test_is_quoted(
    clock: StoppedClock, sequence: Sequence, server: SmtpServer, settings: Any
) -> None:
    settings.SMTP_URL = server.url
    server.script["staff@harbour.example"] = ["550 5.7.1 not you"]
    with pytest.raises(Refused, match="not you"):
        send_test(Step.objects.get(key="first").pk, "staff@harbour.example", clock.now())


def test_a_server_that_is_not_there_is_named_in_a_sentence(
    clock: StoppedClock, sequence: Sequence, settings: Any
) -> None:
    settings.SMTP_URL = "smtp://127.0.0.1:1"
    with pytest.raises(PartMissing, match="SMTP_URL"):
        send_test(Step.objects.get(key="first").pk, "staff@harbour.example", clock.now())
