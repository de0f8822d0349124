"""One masthead for the house, with nothing in it that can't stand in a header."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from keepshowingup.core.errors import WrongUsage
from keepshowingup.editorial.masthead import edit_masthead, masthead, masthead_obstacles
from keepshowingup.editorial.models import Masthead

pytestmark = pytest.mark.django_db


def test_there_is_always_one_and_only_one() -> None:
    assert masthead() == masthead()
    assert Masthead.objects.count() == 1


def test_what_is_not_given_stays() -> None:
    edit_masthead(
        name="Harbour letters", from_address="ruth@Harbour.Example", postal_address="12 Quay Street\nPortland"
    )
    row = edit_masthead(from_name="Ruth")
    assert (row.name, row.from_name, row.from_address) == ("Harbour letters", "Ruth", "ruth@harbour.example")
    assert masthead().postal_address == "12 Quay Street\nPortland"


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"from_name": "Ruth\r\nBcc: all@example.org"},
        {"name": "Harbour\u202e"},
        {"from_address": "ruth"},
        {"from_address": ""},
        {"reply_to": "a b@example.org"},
        {"postal_address": "x" * 301},
    ],
)
def test_what_can_not_stand_in_a_header_is_refused_and_nothing_changes(given: dict[str, Any]) -> None:
    before = masthead()
    with pytest.raises(WrongUsage):
        edit_masthead(**given)
    assert Masthead.objects.values().get() == {name: getattr(before, name) for name in Masthead.objects.values().get()}


def test_letters_need_a_postal_address_and_a_from_address() -> None:
    Masthead.objects.create(from_address="")
    postal, sender = masthead_obstacles()
    assert "no postal address" in postal
    assert "no From address" in sender
    edit_masthead(postal_address="12 Quay Street, Portland", from_address="ruth@harbour.example")
    assert masthead_obstacles() == []


def test_in_production_nobody_writes_from_localhost(settings: Settings) -> None:
    edit_masthead(postal_address="12 Quay Street, Portland", from_address="letters@localhost")
    assert masthead_obstacles() == []
    settings.PRODUCTION = True
    assert "no mailbox accepts" in masthead_obstacles()[0]
