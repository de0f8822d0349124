from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
import schemathesis
from django.conf import LazySettings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from keepshowingup.audience.models import Consent, Notice, Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState
from keepshowingup.web.api.api import api
from tests.axe import FAULTS
from tests.factories import DispatchFactory, EnrolmentFactory, StepFactory, SubscriberFactory

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db

TOKEN = "a token for tests"


@pytest.fixture(autouse=True)
def open_api(settings: LazySettings) -> None:
    settings.API_TOKEN = TOKEN


def ask(method: str, path: str, body: Any = None, *, token: str = TOKEN) -> Any:
    return Client().generic(
        method,
        f"/api{path}",
        json.dumps(body) if body is not None else "",
        "application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_tags_and_how_often() -> None:
    SubscriberFactory.create(email="maya@example.org")
    given = ask("POST", "/subscribers/tags", {"email": "maya@example.org", "give": ["Spring group", "north"]})
    assert (given.status_code, given.json()["tags"]) == (200, ["north", "spring-group"])
    taken = ask("POST", "/subscribers/tags", {"email": "maya@example.org", "take": ["north"]})
    assert taken.json()["tags"] == ["spring-group"]
    assert ask("POST", "/subscribers/tags", {"email": "maya@example.org", "give": ["sober"]}).status_code >= 400
    fewer = ask("POST", "/subscribers/often", {"email": "maya@example.org", "a_week": 1})
    assert (fewer.status_code, fewer.json()["letters_a_week"]) == (200, 1)
    assert ask("POST", "/subscribers/often", {"email": "maya@example.org"}).json()["letters_a_week"] is None
    assert ask("POST", "/subscribers/often", {"email": "maya@example.org", "a_week": 7}).status_code == 422


def test_without_the_token_nothing_is_answered(settings: LazySettings) -> None:
    for answer in (
        Client().get("/api/sequences"),
        ask("GET", "/sequences", token="wrong"),
        ask("GET", "/sequences", token=""),
    ):
        assert answer.status_code == 401
        assert answer.json()["detail"].endswith(".")
        assert answer["WWW-Authenticate"] == "Bearer"
    settings.API_TOKEN = ""
    for token in ("", TOKEN):
        answer = ask("GET", "/sequences", token=token)
        assert answer.status_code == 401
        assert "KSU_API_TOKEN" in answer.json()["detail"]


def test_every_operation_needs_the_token() -> None:
    document = api.get_openapi_schema()
    for path, methods in document["paths"].items():
        for method in methods:
            answer = Client().generic(method.upper(), path.replace("{slug}", "x"), "{}", "application/json")
            assert answer.status_code == 401, (method, path)


def test_sequences_are_listed_and_shown() -> None:
    step = StepFactory.create(after_days=3, at_time=dt.time(9, 30))
    EnrolmentFactory.create(sequence=step.sequence)
    [row] = ask("GET", "/sequences").json()
    assert (row["slug"], row["state"], row["readers"]) == (step.sequence.slug, "live", 1)
    shown = ask("GET", f"/sequences/{step.sequence.slug}").json()
    assert [(one["key"], one["after_days"], one["at"], one["approved"]) for one in shown["steps"]] == [
        (step.key, 3, "09:30", True)
    ]
    assert ask("GET", "/sequences/none").status_code == 404


def test_a_reader_without_proof_is_asked_and_known_and_unknown_are_answered_alike() -> None:
    SubscriberFactory.create(email="known@example.org")
    answers = [ask("POST", "/subscribers", {"email": f"{who}@example.org"}) for who in ("known", "new")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b'{"state": "asked"}')}
    assert Subscriber.objects.get(email="new@example.org").state == Subscriber.State.UNCONFIRMED
    assert Notice.objects.count() == 2


def test_a_reader_with_proof_begins() -> None:
    step = StepFactory.create()
    body = {
        "email": "maya@example.org",
        "first_name": "Maya",
        "zone": "Europe/Lisbon",
        "hour": "08:15",
        "sequence": step.sequence.slug,
        "consent_note": "form on our site",
        "consented_at": "2025-11-01T10:00:00+02:00",
    }
    answer = ask("POST", "/subscribers", body)
    assert (answer.status_code, answer.json()) == (201, {"state": "active"})
    consent = Consent.objects.get()
    assert (consent.source, consent.given_at) == ("form on our site", dt.datetime(2025, 11, 1, 8, tzinfo=dt.UTC))
    assert Enrolment.objects.get().next_step == step


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"email": 1}, 422),
        ({"email": "maya"}, 400),
        ({"email": "maya@example.org\nBcc: x@example.com"}, 400),
        ({"email": "maya@example.org", "zone": "Nowhere"}, 400),
        ({"email": "maya@example.org", "hour": "noon"}, 400),
        ({"email": "maya@example.org", "first_name": "Ma\u202eya"}, 400),
        ({"email": "maya@example.org", "audience": "everybody"}, 422),
        ({"email": "maya@example.org", "sequnce": "x"}, 422),
        ({"email": "maya@example.org", "sequence": "none"}, 404),
        ({"email": "maya@example.org", "consent_note": "n", "consented_at": "2999-01-01"}, 400),
        ([], 422),
    ],
)
def test_a_refusal_is_one_sentence(body: Any, status: int) -> None:
    answer = ask("POST", "/subscribers", body)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}
    assert answer.json()["detail"]
    assert not Subscriber.objects.exists()


def test_what_is_no_json_is_refused() -> None:
    answer = Client().post("/api/subscribers", b"{", "application/json", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"detail"}


def test_a_reader_is_looked_up_paused_resumed_and_stopped_by_the_body() -> None:
    reader = SubscriberFactory.create()
    who = {"email": reader.email}
    assert ask("POST", "/subscribers/lookup", who).json()["state"] == "active"
    paused = ask("POST", "/subscribers/pause", who | {"days": 7}).json()
    assert paused["paused"] is True
    assert paused["paused_until"] is not None
    assert ask("POST", "/subscribers/resume", who).json()["paused"] is False
    assert ask("POST", "/subscribers/leave", who).json()["state"] == "left"
    assert ask("POST", "/subscribers/leave", who).json()["state"] == "left"
    refused = ask("POST", "/subscribers/pause", who)
    assert (refused.status_code, set(refused.json())) == (422, {"detail"})


@pytest.mark.parametrize("verb", ["lookup", "pause", "resume", "leave"])
def test_nobody_is_404(verb: str) -> None:
    assert ask("POST", f"/subscribers/{verb}", {"email": "nobody@example.org"}).status_code == 404


def test_no_url_takes_an_address() -> None:
    for path, methods in api.get_openapi_schema()["paths"].items():
        names = {one["name"] for said in methods.values() for one in said.get("parameters", [])}
        assert not names & {"email", "address", "subscriber"}, path


def test_deliveries_come_in_pages() -> None:
    step = StepFactory.create()
    letters = [
        DispatchFactory.create(enrolment=EnrolmentFactory.create(sequence=step.sequence), state=state)
        for state in (DispatchState.ACCEPTED, DispatchState.REFUSED, DispatchState.ACCEPTED)
    ]
    first = ask("GET", "/deliveries?limit=2").json()
    assert [one["id"] for one in first["deliveries"]] == [letters[0].pk, letters[1].pk]
    rest = ask("GET", f"/deliveries?limit=2&after={first['next']}").json()
    assert [one["id"] for one in rest["deliveries"]] == [letters[2].pk]
    assert rest["next"] is None
    accepted = ask("GET", f"/deliveries?state=accepted&sequence={step.sequence.slug}").json()["deliveries"]
    assert [one["id"] for one in accepted] == [letters[0].pk, letters[2].pk]
    mine = ask("POST", "/deliveries/lookup", {"email": letters[1].subscriber.email}).json()["deliveries"]
    assert [one["id"] for one in mine] == [letters[1].pk]
    assert ask("GET", "/deliveries?state=lost").status_code == 422


def test_the_description_is_a_page_without_script() -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<script" not in text
    assert 'lang="en"' in text
    for path in api.get_openapi_schema()["paths"]:
        assert path in text
    assert Client().get("/api/openapi.json").status_code == 200
    assert Client().get("/api/").headers["Location"] == "/api/docs"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_description_reads_well_for_everybody(
    browser: Browser, live_server: LiveServer, axe_source: str, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{live_server.url}/api/docs")
    page.evaluate(axe_source)
    assert page.evaluate(FAULTS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Each WSGI request ends by closing its connection, and with it the test's transaction: not here."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@pytest.mark.usefixtures("one_connection")
def test_the_api_does_what_it_says(case: schemathesis.Case[Any]) -> None:
    # A schema can't say what an address, a zone or an hour is: what fits it may still be refused.
    excluded: list[Any] = [positive_data_acceptance]
    if case.method == "GET":  # what a query has too much is passed over
        excluded.append(negative_data_rejection)
    case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=excluded)
