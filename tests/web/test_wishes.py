"""What readers wish and staff ask for: how letters look, a word after leaving, clean pasting, a colleague's yes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.audience.preferences import change
from keepshowingup.audience.tokens import Purpose
from keepshowingup.editorial.models import Masthead, Sequence
from tests.factories import SubscriberFactory
from tests.smtpd import SmtpServer, running_smtp
from tests.web.public_site import page_of
from tests.web.staff_desk import desk, person, sequence_by, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(masthead: object) -> Subscriber:
    return SubscriberFactory.create(language="es-MX")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with running_smtp() as running:
        yield running


def test_a_reader_chooses_large_print_and_keeps_their_own_spanish(client: Client, reader: Subscriber) -> None:
    path = page_of(Purpose.PREFERENCES, reader)
    page = client.get(path).content.decode()
    assert 'name="theme" value="large"' in page
    assert 'name="language" value="es" checked' in page
    client.post(path, {"do": "look", "theme": "large", "language": "es"})
    reader.refresh_from_db()
    assert (reader.theme, reader.language) == ("large", "es-MX")
    client.post(path, {"do": "look", "theme": "", "language": "en"})
    reader.refresh_from_db()
    assert (reader.theme, reader.language) == ("", "en")


@pytest.mark.parametrize("wrong", [{"theme": "neon", "language": "en"}, {"theme": ""}, {"language": "tlh"}])
def test_a_look_there_is_not_is_refused(client: Client, reader: Subscriber, wrong: dict[str, str]) -> None:
    answer = client.post(page_of(Purpose.PREFERENCES, reader), {"do": "look", **wrong})
    assert answer.status_code == 422
    reader.refresh_from_db()
    assert (reader.theme, reader.language) == ("", "es-MX")


def test_after_leaving_one_press_asks_for_a_word_that_it_worked(client: Client, reader: Subscriber) -> None:
    change(reader.pk, language="en")
    path = page_of(Purpose.LEAVE, reader)
    assert "Send me that note" in client.post(path).content.decode()
    assert not Notice.objects.exists()
    client.get(f"{path}/note")
    assert not Notice.objects.exists()
    said = client.post(f"{path}/note").content.decode()
    assert "One last note is on its way." in said
    assert "Send me that note" not in said
    assert Notice.objects.get().kind == Notice.Kind.GOODBYE


def test_a_day_after_leaving_it_can_no_longer_be_asked_for(client: Client, reader: Subscriber) -> None:
    change(reader.pk, language="en")
    leave(reader.pk, settings.CLOCK.now() - dt.timedelta(days=2))
    path = page_of(Purpose.LEAVE, reader)
    assert "Send me that note" not in client.post(path).content.decode()
    assert "can no longer be asked for" in client.post(f"{path}/note").content.decode()
    assert not Notice.objects.exists()


def test_what_is_pasted_comes_back_as_markdown_for_who_may_write() -> None:
    pasted = {"html": "<h2>One</h2><p>It is <b style='font-weight:700'>one</b> line.</p>"}
    answer = desk(person("editor")).post(url("paste"), pasted)
    assert answer.json() == {"markdown": "## One\n\nIt is **one** line.\n"}
    assert desk(person("viewer")).post(url("paste"), pasted).status_code == 403


def test_a_colleague_is_written_to_in_the_houses_language(server: SmtpServer, settings: Any) -> None:
    settings.SMTP_URL = server.url
    sequence = sequence_by(person("editor", "Mara"))
    person("editor", "Ruth")
    Masthead.objects.update(language="es", theme="plain")
    desk(person("sender", "Mara")).post(url("ask", sequence.slug))
    (received,) = server.received
    assert received.recipient == "ruth@harbour.example"
    assert received.message["Subject"] == "Hay cartas a la espera de otra mirada"
    assert received.message["List-Unsubscribe"] is None
    plain, html = (part.get_content() for part in received.message.iter_parts())
    assert "Hola, Ruth:" in plain
    assert "Mara" in plain
    assert url("approve", sequence.slug) in plain
    assert "#1a5a8a" in html


def test_staff_choose_the_look_of_a_sequence_and_of_the_house() -> None:
    sequence = sequence_by(person("editor", "Mara"))
    admin = desk(person("admin"))
    admin.post(
        url("masthead"),
        {"from_name": "Ruth", "name": "Harbour", "from_address": "ruth@harbour.example", "postal_address": "12 Quay",
         "language": "es", "theme": "plain"},
    )  # fmt: skip
    head = Masthead.objects.get()
    assert (head.language, head.theme) == ("es", "plain")
    page = admin.get(url("sequence_settings", sequence.slug)).content.decode()
    assert 'name="theme" value="" checked' in page
    before = Sequence.objects.get().steps.get(position=1).revisions.count()
    form = {
        "title": sequence.title, "language": "en", "audience": "self", "weekdays": list("1234567"), "theme": "large",
        "window_start": "08:00", "window_end": "21:00", "quiet_start": "21:00", "quiet_end": "08:00",
    }  # fmt: skip
    assert admin.post(url("sequence_settings", sequence.slug), form).status_code == 302
    sequence.refresh_from_db()
    assert sequence.theme == "large"
    assert sequence.steps.get(position=1).revisions.count() == before
