"""Readers' pages in the reader's language: by the link, by the reader's own wish, by the browser, by the house."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import Settings

from keepshowingup.audience.models import Consent, Invitation, Subscriber
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.editorial.models import Masthead, Revision, Sequence
from keepshowingup.web.public.confirming import said_when
from keepshowingup.web.public.tongues import TONGUES
from tests.factories import InvitationFactory, SubscriberFactory
from tests.web.public_site import filled_in, harbour_sequence, page_of, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_morning")]

SPANISH = {"HTTP_ACCEPT_LANGUAGE": "es-MX,es;q=0.9,en;q=0.5"}


@pytest.fixture
def reader(reader: Subscriber) -> Subscriber:
    """The same, who speaks Spanish."""
    reader.language = "es-MX"
    reader.save(update_fields=["language"])
    return reader


def tongue(page: str) -> str:
    found = re.search(r'<html lang="([^"]*)"', page)
    return found[1] if found else ""


def get(client: Client, path: str, **headers: str) -> str:
    return client.get(path, **headers).content.decode()  # type: ignore[arg-type]


def test_english_unless_somebody_says_otherwise(client: Client, sequence: Sequence) -> None:
    assert tongue(get(client, "/s/people")) == "en"
    assert tongue(get(client, "/s/people", HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9")) == "en"
    assert tongue(get(client, "/s/people?lang=de")) == "en"
    assert tongue(get(client, "/s/people?lang=%00%E2%80%AE")) == "en"


def test_the_browser_is_asked_and_the_link_goes_first(client: Client, sequence: Sequence) -> None:
    page = get(client, "/s/people", **SPANISH)
    assert tongue(page) == "es"
    assert "¿Cuándo quieres que lleguen?" in page
    assert "Seis cartas cortas a lo largo de tres meses." in page
    assert '<a href="?lang=en" lang="en" hreflang="en">English</a>' in page
    assert tongue(get(client, "/s/people?lang=en", **SPANISH)) == "en"
    assert tongue(get(client, "/s/people?lang=es")) == "es"


def test_a_house_that_speaks_spanish_does_so_to_whoever_says_nothing(client: Client, sequence: Sequence) -> None:
    Masthead.objects.update(language="es")
    assert tongue(get(client, "/privacy")) == "es"
    assert tongue(get(client, "/privacy", HTTP_ACCEPT_LANGUAGE="en")) == "en"


def test_letters_in_spanish_are_offered_in_spanish(client: Client, masthead: object) -> None:
    harbour_sequence("cartas", "Tu gente", language="es")
    assert tongue(get(client, "/s/cartas")) == "es"


def test_a_chosen_language_is_carried_along(client: Client, sequence: Sequence) -> None:
    page = get(client, "/s/people?lang=es")
    assert 'action="/s/people?lang=es"' in page
    assert 'href="/privacy?lang=es"' in page
    assert "?lang=" not in get(client, "/s/people").replace('href="?lang=es"', "")


def test_who_asks_in_spanish_is_kept_so_and_agreed_to_the_spanish_words(client: Client, sequence: Sequence) -> None:
    answer = client.post("/s/people?lang=es", filled_in())
    assert "Mira tu correo." in answer.content.decode()
    invitation = Invitation.objects.get()
    assert (invitation.language, invitation.text_version) == ("es", "1-es")
    path = f"/confirm/{make(Purpose.CONFIRM, invitation.opaque)}"
    assert "¿Es esta tu dirección?" in get(client, path)
    assert (
        "Tu primera carta llega el lunes 23 de noviembre, hacia las 19:00, hora de Santiago de Chile"
        in (client.post(path).content.decode().replace("Santiago de Chile de Chile", "Santiago de Chile"))
        or "hacia las 19:00, hora de Santiago" in client.get(path).content.decode()
    )
    assert Subscriber.objects.get().language == "es"
    assert Consent.objects.get().text_version == "1-es"


@pytest.mark.parametrize(
    ("letters", "browser", "asked", "kept"),
    [
        ("en", "", "", "en"),
        ("en", "es-MX,es", "", "es"),
        ("en", "es-MX,es", "en", "en"),
        ("de", "de-AT,de,en", "", "de"),
        ("de", "fr", "", "de"),
        ("es", "en-GB,es", "", "es"),
    ],
)
def test_what_is_kept_of_somebody_is_a_language_they_read(
    client: Client, masthead: object, letters: str, browser: str, asked: str, kept: str
) -> None:
    harbour_sequence(language=letters)
    headers = {"HTTP_ACCEPT_LANGUAGE": browser} if browser else {}
    client.post("/s/people" + (f"?lang={asked}" if asked else ""), filled_in(), **headers)  # type: ignore[arg-type]
    assert Invitation.objects.get().language == kept


def test_pages_behind_a_letters_links_speak_the_readers_language(client: Client, reader: Subscriber) -> None:
    said = words(client, page_of(Purpose.PREFERENCES, reader))
    assert "Para m•••@example.org . Llegan a las 8:30, hora de Londres." in said
    assert "próxima: lunes 23 de noviembre, hacia las 8:30, hora de Londres" in said
    assert "¿Dejar de recibir las cartas?" in words(client, page_of(Purpose.LEAVE, reader))
    letter = Revision.objects.latest("pk")
    helped = f"/helped/{make(Purpose.HELPED, f'{reader.opaque}{letter.pk:08x}')}"
    assert "¿Te ha ayudado esta carta?" in words(client, helped)
    assert tongue(get(client, page_of(Purpose.PREFERENCES, reader) + "?lang=en")) == "en"


@pytest.mark.parametrize(
    ("do", "values", "said"),
    [
        ("save", {"zone": "Europe/Madrid", "when": "evening", "first_name": "Ana"}, "Guardado."),
        ("save", {"zone": "Europe/Madrid", "when": "own", "hour": "25:00"}, "Escribe la hora así: 7:45."),
        ("save", {"zone": "Europe/Madrid", "when": "morning", "first_name": "a@b.org"}, "Escribe solo un nombre"),
        ("pause", {"days": "14"}, "Las cartas descansan hasta el lunes 7 de diciembre."),
        ("pause", {"days": ""}, "Las cartas descansan hasta que tú digas."),
        ("often", {"a_week": "1"}, "se han movido para que encajen"),
        ("nothing", {}, "Pulsa uno de los botones de abajo"),
        ("leave", {}, "No recibirás más cartas nuestras."),
        ("erase", {}, "¿Borrar todo lo que guardamos de ti?"),
        ("erase-now", {}, "Aquí ya no queda nada de ti."),
    ],
)
def test_whatever_a_reader_does_is_answered_in_their_language(
    client: Client, reader: Subscriber, do: str, values: dict[str, str], said: str
) -> None:
    page = client.post(page_of(Purpose.PREFERENCES, reader), {"do": do, **values}).content.decode()
    assert said in page
    assert tongue(page) == "es"


def test_changing_the_language_changes_the_page_at_once(client: Client, reader: Subscriber) -> None:
    path = page_of(Purpose.PREFERENCES, reader)
    assert "Saved." in client.post(path, {"do": "look", "theme": "", "language": "en"}).content.decode()
    assert tongue(get(client, path)) == "en"


def test_what_is_not_there_is_said_in_the_browsers_language(client: Client, reader: Subscriber) -> None:
    lost = client.get("/confirm/none", **SPANISH)  # type: ignore[arg-type]
    assert (lost.status_code, tongue(lost.content.decode())) == (404, "es")
    assert "Aquí no hay nada." in lost.content.decode()
    assert lost.content == client.get("/preferences/none", **SPANISH).content  # type: ignore[arg-type]
    assert tongue(get(client, "/staff/none", **SPANISH)) == "en"


def test_a_slip_in_an_address_is_said_in_spanish(client: Client, sequence: Sequence) -> None:
    page = client.post("/s/people?lang=es", filled_in(email="maya", consent="")).content.decode()
    assert "A esta dirección le falta la @." in page
    assert "Marca esta casilla" in page


def test_the_list_of_places_is_in_spanish_and_in_its_order(client: Client, sequence: Sequence) -> None:
    page = get(client, "/s/people?lang=es")
    assert ">Alemania, Berlín</option>" in page
    assert page.index(">Alemania, Berlín<") < page.index(">España, Madrid<") < page.index(">Reino Unido, Londres<")


def test_one_language_leaves_nothing_behind_for_the_next_page(client: Client, reader: Subscriber) -> None:
    get(client, page_of(Purpose.PREFERENCES, reader))
    assert tongue(get(client, "/privacy")) == "en"
    assert SubscriberFactory.create().language == "en"
    assert InvitationFactory.create().language == "en"


def test_one_oclock_is_one_hour(settings: Settings) -> None:
    with translation.override("es"):
        assert said_when(dt.datetime(2026, 11, 24, 12, 30, tzinfo=dt.UTC), "Europe/Madrid") == (
            "martes 24 de noviembre, hacia las 13:30, hora de Madrid"
        )
        assert "hacia la 1:05" in said_when(dt.datetime(2026, 11, 24, 1, 5, tzinfo=dt.UTC), "Europe/London")
    with translation.override("en"):
        assert said_when(dt.datetime(2026, 11, 24, 1, 5, tzinfo=dt.UTC), "Europe/London") == (
            "Tuesday 24 November, about 1:05, London time"
        )


def test_every_page_without_a_reader_is_there_in_every_language(client: Client, sequence: Sequence) -> None:
    for path in ["/", "/s/people", "/s/people/form", "/privacy", "/manage", "/stop"]:
        for tag in TONGUES:
            answer = client.get(f"{path}?lang={tag}")
            assert (tongue(answer.content.decode()), answer["Content-Language"]) == (tag, tag), path
