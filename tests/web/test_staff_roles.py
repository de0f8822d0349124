"""Who may open what: every address of the desk, for every role and for nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from keepshowingup import settings as product
from keepshowingup.editorial.people import ROLES, Role
from keepshowingup.web.staff.roles import LEAST
from tests.factories import (
    ArticleFactory,
    CommentFactory,
    DispatchFactory,
    EditFactory,
    FeedFactory,
    SubscriberFactory,
)
from tests.web.staff_desk import PASSWORD, desk, person, sequence_by, url

pytestmark = pytest.mark.django_db


def patterns() -> list[URLPattern]:
    """Every address below /staff/."""

    def walk(found: list[URLPattern | URLResolver]) -> list[URLPattern]:
        return [
            leaf
            for pattern in found
            for leaf in (walk(pattern.url_patterns) if isinstance(pattern, URLResolver) else [pattern])
        ]

    root = next(p for p in get_resolver().url_patterns if str(p.pattern) == "staff/")
    assert isinstance(root, URLResolver)
    return walk(root.url_patterns)


@pytest.fixture
def addresses() -> dict[str, str]:
    """Every address by its name, with something real behind each of its arguments."""
    sequence = sequence_by(person("admin", "Author"))
    values = {
        "slug": ArticleFactory.create(slug=sequence.slug).slug,
        "step_id": sequence.steps.get(position=1).pk,
        "opaque": SubscriberFactory.create().opaque,
        "person_id": person("viewer", "Somebody").pk,
        "feed_id": FeedFactory.create().pk,
        "edit_id": EditFactory.create(sequence=sequence).pk,
        "letter_id": DispatchFactory.create(state="unknown").pk,
        "comment_id": CommentFactory.create(step=sequence.steps.get(position=1)).pk,
        "pk": 1,
    }
    found = {}
    for pattern in patterns():
        prefix = "" if str(pattern.name).startswith(("account_", "mfa_")) else "staff:"
        wanted = re.findall(r"<\w+:(\w+)>", str(pattern.pattern))
        found[str(pattern.name)] = reverse(f"{prefix}{pattern.name}", kwargs={key: values[key] for key in wanted})
    return found


def answers(client: Client, there: str) -> list[HttpResponseBase]:
    """What GET and POST say; whatever they did is undone."""
    found: list[HttpResponseBase] = []
    for method in (client.get, client.post):
        with transaction.atomic():
            found.append(method(there))
            transaction.set_rollback(True)
    return found


def test_the_table_has_every_address_and_no_other() -> None:
    assert sorted(str(pattern.name) for pattern in patterns()) == sorted(LEAST)


def test_nobody_gets_in_without_signing_in(addresses: dict[str, str]) -> None:
    for name, there in addresses.items():
        for response in answers(Client(), there):
            if LEAST[name] is None:
                assert response.status_code in {200, 302, 405}, name
            else:
                assert response.status_code == 302, name
                assert response.headers["Location"].startswith("/staff/login/?next="), name


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_the_table_says_and_nothing_else(role: str, addresses: dict[str, str]) -> None:
    client = desk(person(role))
    for name, there in addresses.items():
        least = LEAST[name]
        if least is None:
            continue
        for response in answers(client, there):
            assert response.status_code < 500 or response.status_code == 503, name
            if Role[role.upper()] >= least:
                assert response.status_code != 403, name
            else:
                assert isinstance(response, HttpResponse)
                assert response.status_code == 403, name
                assert f"It takes the role of {least.word}" in response.content.decode()


def test_an_account_without_a_role_opens_nothing() -> None:
    somebody = person("viewer")
    somebody.groups.clear()
    response = desk(somebody).get(url("today"))
    assert response.status_code == 403
    assert "Your account has no role yet" in response.content.decode()


def test_a_page_shows_no_button_that_would_be_refused() -> None:
    sequence = sequence_by(person("editor"))
    page = desk(person("viewer")).get(url("letter", sequence.steps.get(position=1).pk)).content.decode()
    assert "Somebody stayed" in page
    for word in ("Save this letter", "Send me a test", "Settings", "Delete", "Add a letter", "Approve"):
        assert word not in page


def test_there_is_no_sign_up_and_no_reset_by_mail() -> None:
    client = Client()
    for path in ("signup/", "account/signup/", "password/reset/", "account/password/reset/", "account/email/"):
        assert client.get(f"/staff/{path}").status_code == 404


def test_signing_in_and_out() -> None:
    person("editor", "Ruth")
    client = Client()
    page = client.get("/staff/login/")
    assert b'<html lang="en">' in page.content
    answer = client.post("/staff/login/", {"login": "ruth@harbour.example", "password": PASSWORD})
    assert answer.headers["Location"] == "/staff/"
    assert client.get("/staff/").status_code == 200
    assert client.post("/staff/logout/").status_code == 302
    assert client.get("/staff/").status_code == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer() -> None:
    person("editor", "Ruth")

    def answer(address: str) -> str:
        page = Client().post("/staff/login/", {"login": address, "password": "not the password"}).content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page).replace(address, "")

    assert answer("ruth@harbour.example") == answer("nobody@harbour.example")


def test_passwords_are_kept_as_argon2(settings: Any) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    assert person("editor").password.startswith("argon2$argon2id$")


def signed_in() -> Client:
    """A browser in which Ruth signed in and has just given her password once more."""
    client = Client()
    person("editor", "Ruth")
    client.post("/staff/login/", {"login": "ruth@harbour.example", "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_somebody_can_set_up_a_second_step() -> None:
    page = signed_in().get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    assert b"Authenticator secret" in page.content
    assert b'<html lang="en">' in page.content


@pytest.mark.parametrize("name", ["mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "account_change_password"])
def test_account_pages_look_like_ours(name: str) -> None:
    page = signed_in().get(reverse(name)).content.decode()
    assert '<html lang="en">' in page
    assert "/static/staff.css" in page
    assert "keep showing up" in page


def test_a_form_older_than_the_sign_in_says_what_to_do() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("editor", "Ruth"))
    for address in ("/staff/masthead/", "/staff/login/"):
        page = client.post(address, {"name": "Harbour letters"})
        assert page.status_code == 403
        assert b"Go back, copy what you wrote, load the page again" in page.content
