from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.test import Client
from django.urls import URLPattern
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from keepshowingup.audience.models import Invitation
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.cadence.counting import count_from
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.editorial.models import Revision
from keepshowingup.ops.log_lines import TextLines
from keepshowingup.web.public.urls import urlpatterns
from tests.cadence.world import milestones
from tests.factories import InvitationFactory, SubscriberFactory
from tests.web.public_site import filled_in, harbour_sequence

pytestmark = pytest.mark.django_db

TOKEN_PATHS = {
    "confirm": Purpose.CONFIRM,
    "preferences": Purpose.PREFERENCES,
    "unsubscribe": Purpose.LEAVE,
    "helped": Purpose.HELPED,
}


@pytest.fixture
def house(masthead: object) -> dict[str, str]:
    """A sequence, a reader, an open invitation; what to put into each address of the urlconf."""
    now = settings.CLOCK.now()
    sequence = harbour_sequence()
    reader = SubscriberFactory.create()
    enrol(reader.pk, sequence.pk, now)
    milestones()
    count_from(reader.pk, now.date() - dt.timedelta(days=40), now)
    invitation: Invitation = InvitationFactory.create(
        sequence_id=sequence.pk, created_at=now, expires_at=now + dt.timedelta(days=7)
    )
    leave = make(Purpose.LEAVE, reader.opaque)
    letter = Revision.objects.order_by("pk").first()
    assert letter is not None
    return {
        "join": "/",
        "join-sequence": "/s/people",
        "embed": "/s/people/form",
        "confirm": f"/confirm/{make(Purpose.CONFIRM, invitation.opaque)}",
        "preferences": f"/preferences/{make(Purpose.PREFERENCES, reader.opaque)}",
        "own-date": f"/preferences/{make(Purpose.PREFERENCES, reader.opaque)}/date",
        "unsubscribe": f"/unsubscribe/{leave}",
        "unsubscribe-again": f"/unsubscribe/{leave}/again",
        "helped": f"/helped/{make(Purpose.HELPED, f'{reader.opaque}{letter.pk:08x}')}",
        "unsubscribe-note": f"/unsubscribe/{leave}/note",
        "privacy": "/privacy",
        "manage": "/manage",
        "stop": "/stop",
    }


def everything_kept() -> Iterator[str]:
    for model in apps.get_models():
        if model.__module__.startswith("keepshowingup."):
            yield serializers.serialize("json", model._default_manager.order_by("pk"))


def test_every_address_is_walked(house: dict[str, str]) -> None:
    # A picture is the same for everybody, and cached: tests/editorial/test_gathering.py asks for it.
    walked = set(house) | {"picture"}
    assert {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)} == walked


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_looking_never_changes_anything(client: Client, house: dict[str, str], method: str) -> None:
    before = list(everything_kept())
    for path in house.values():
        for query in ["", "?do=erase-now&keep=1&List-Unsubscribe=One-Click"]:
            answer = client.generic(method, path + query)
            expected = {"GET": 200, "HEAD": 200, "OPTIONS": 204}.get(method, 405)
            assert answer.status_code == expected, path
    assert list(everything_kept()) == before


def test_every_answer_keeps_its_reader_private(client: Client, house: dict[str, str]) -> None:
    answers = [client.get(path) for path in house.values()]
    answers += [client.get("/confirm/nothing"), client.get("/nowhere"), client.options("/")]
    answers += [client.post(path, filled_in()) for path in house.values()]
    for answer in answers:
        path = answer.request["PATH_INFO"]
        assert answer["Referrer-Policy"] == "no-referrer", path
        assert answer["Cache-Control"] == "no-store", path
        assert answer["X-Robots-Tag"] == "noindex, nofollow", path
        assert answer["X-Frame-Options"] == "DENY", path
        assert answer["X-Content-Type-Options"] == "nosniff", path
        assert "Set-Cookie" not in answer, path
        assert not answer.cookies, path
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_pages_load_nothing_from_elsewhere_and_nothing_inline(client: Client, house: dict[str, str]) -> None:
    for path in [*house.values(), "/nowhere"]:
        page = client.get(path).content.decode()
        assert '<html lang="en">' in page
        assert "<title>" in page
        assert 'rel="noreferrer nofollow" href="https://www.wikipedia.org/"' in page
        assert 'class="skip"' in page
        for forbidden in ["<style", " style=", "<script>", " onclick", "csrfmiddlewaretoken", "<img"]:
            assert forbidden not in page, (path, forbidden)
        for source in page.split('src="')[1:]:
            assert source.startswith("/static/"), path


def test_wrong_cut_swapped_and_foreign_tokens_get_one_and_the_same_404(client: Client, house: dict[str, str]) -> None:
    nowhere = client.get("/nowhere")
    assert nowhere.status_code == 404
    expired = InvitationFactory.create(expires_at=settings.CLOCK.now())
    used = InvitationFactory.create(
        used_at=settings.CLOCK.now(), expires_at=settings.CLOCK.now() + dt.timedelta(days=1)
    )
    stranger = make(Purpose.CONFIRM, "0" * 16)
    paths = [f"/confirm/{make(Purpose.CONFIRM, i.opaque)}" for i in (expired, used)]
    paths += [f"/confirm/{stranger}", f"/preferences/{make(Purpose.PREFERENCES, '0' * 16)}"]
    for page in TOKEN_PATHS:
        tokens = {other: house[other].split("/")[2] for other in TOKEN_PATHS}
        own = tokens.pop(page)
        wrong = ["x", "0" * 33, own[:-1], own + "0", own[1:], own.swapcase(), own[::-1], *tokens.values()]
        paths += [f"/{page}/{token}" for token in wrong]
        paths += [f"/{page}/{token}/date" for token in wrong if page == "preferences"]
    for path in paths:
        for method in ["GET", "POST"]:
            answer = client.generic(method, path)
            assert answer.status_code == 404, path
            assert answer.content == nowhere.content, path
            assert sorted(answer.headers.items()) == sorted(nowhere.headers.items()), path


@hypothesis(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(TOKEN_PATHS)), st.data())
def test_any_changed_character_of_a_token_is_a_404(
    client: Client, house: dict[str, str], page: str, data: st.DataObject
) -> None:
    token = house[page].split("/")[2]
    place = data.draw(st.integers(0, len(token) - 1))
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.~é"
    other = data.draw(st.sampled_from(letters).filter(lambda c: c != token[place]))
    changed = f"/{page}/{token[:place]}{other}{token[place + 1 :]}"
    assert client.get(changed).status_code == 404
    assert client.post(changed).status_code == 404


def test_titles_say_nothing_to_somebody_looking_on(client: Client, house: dict[str, str]) -> None:
    for name, path in house.items():
        title = client.get(path).content.decode().split("<title>")[1].split("</title>")[0]
        assert title
        assert "@" not in title, name
        assert "recovery" not in title.casefold(), name


def test_log_lines_carry_no_tokens(client: Client, house: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(TextLines())
    with caplog.at_level(logging.DEBUG):
        client.post(house["preferences"], {"do": "nonsense"})
        client.post(house["own-date"], {"do": "nonsense"})
        client.get(house["confirm"] + "x")
    token = house["preferences"].split("/")[2]
    assert "/preferences/[token]" in caplog.text
    assert "/preferences/[token]/date" in caplog.text
    assert token not in caplog.text
    assert house["confirm"].split("/")[2] not in caplog.text
