"""Pictures on the wire: on our host or inside of the message, as the masthead says."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.pictures import Picture, read_picture
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.editorial.composing import edit_step
from keepshowingup.editorial.masthead import edit_masthead
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.pictures import keep_pictures
from keepshowingup.editorial.reviewing import approve
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import MONDAY
from tests.pictures import jpeg
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench(sequence: Sequence) -> Picture:
    """A picture, and a first letter that shows it."""
    picture = read_picture(jpeg(60, 40), "bench.jpg")
    keep_pictures([picture], now=MONDAY)
    step = sequence.steps.get(key="first")
    body = f"Good morning.\n\n![A bench](images/{picture.name})\n\nSomebody stayed."
    edit_step(step.pk, subject=step.subject, preheader="", body=body, author="ruth", now=MONDAY)
    approve(sequence.pk, approver="ada", now=MONDAY)
    return picture


def test_a_picture_is_on_our_host_under_an_address_that_knows_no_reader(
    clock: StoppedClock, courier: Courier, sequence: Sequence, bench: Picture, server: SmtpServer
) -> None:
    enrol_many(sequence, 2)
    hand_over(claim(clock).letters, courier)
    assert len(server.received) == 2
    for received in server.received:
        parts = {part.get_content_type(): part for part in received.message.walk()}
        assert set(parts) == {"multipart/alternative", "text/plain", "text/html"}
        sources = re.findall(r'src="([^"]*)"', parts["text/html"].get_content())
        assert sources == [f"http://127.0.0.1:8000/pictures/{bench.name}"]
        assert "[A bench]" in parts["text/plain"].get_content()


def test_a_picture_comes_along_where_the_masthead_says_so(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, bench: Picture, server: SmtpServer
) -> None:
    edit_masthead(encloses_pictures=True)
    hand_over(claim(clock).letters, courier)
    (received,) = server.to("maya@example.org")
    parts = {part.get_content_type(): part for part in received.message.walk()}
    assert set(parts) == {"multipart/alternative", "text/plain", "multipart/related", "text/html", "image/jpeg"}
    assert parts["image/jpeg"].get_content() == bench.data
    assert parts["image/jpeg"]["Content-ID"] == f"<picture@{bench.name}>"
    assert f'src="cid:picture@{bench.name}"' in parts["text/html"].get_content()
    assert 'src="http' not in parts["text/html"].get_content()


@pytest.mark.parametrize("encloses", [True, False])
def test_letters_without_pictures_ask_nothing_about_them(
    clock: StoppedClock, courier: Courier, enrolment: Enrolment, server: SmtpServer, encloses: bool
) -> None:
    edit_masthead(encloses_pictures=encloses)
    letters = claim(clock).letters
    with CaptureQueriesContext(
        connection,
    ) as asked:
        hand_over(letters, courier)
    assert server.to("maya@example.org")
    assert not [query["sql"] for query in asked if "keptpicture" in query["sql"]]
