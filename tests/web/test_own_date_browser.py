"""The page that changes a date in a real browser: on a phone, in the dark, for axe, by keyboard, with no script."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose
from keepshowingup.cadence.counting import count_from
from tests.cadence.world import milestones
from tests.factories import SubscriberFactory
from tests.web.public_site import page_of
from tests.web.test_public_browser import LOOKS, faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reader(masthead: object) -> Subscriber:
    milestones()
    return SubscriberFactory.create(email="maya@example.org", zone="Europe/London")


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A browser that runs no script."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["phone, dark", "desk, light"])
def test_axe_finds_nothing_and_the_three_ways_weigh_the_same(
    browser: Browser, live_server: LiveServer, reader: Subscriber, axe_source: str, size: tuple[int, int], scheme: Any
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()

    def look(name: str) -> None:
        assert faults(page, axe_source) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"

    page.goto(live_server.url + page_of(Purpose.PREFERENCES, reader))
    look("their page, without a date")
    page.goto(live_server.url + page_of(Purpose.PREFERENCES, reader) + "/date")
    look("no date yet")
    today = settings.CLOCK.now()
    count_from(reader.pk, today.date() - dt.timedelta(days=40), today)
    page.goto(live_server.url + page_of(Purpose.PREFERENCES, reader) + "/date")
    look("change my date")
    buttons = page.locator("section.card button")
    looks = (
        "b => { const s = getComputedStyle(b); return [s.backgroundColor, s.color, s.fontSize, s.borderColor].join() }"
    )
    assert buttons.count() == 3
    assert len({each.evaluate(looks) for each in buttons.all()}) == 1
    page.get_by_role("button", name="Stop counting").click()
    look("done")
    context.close()


def test_a_date_is_given_and_changed_without_a_script(plain: Page, live_server: LiveServer, reader: Subscriber) -> None:
    from playwright.sync_api import expect

    today = settings.CLOCK.now().date()
    plain.goto(live_server.url + page_of(Purpose.PREFERENCES, reader))
    plain.get_by_label("The date").fill((today - dt.timedelta(days=3)).isoformat())
    plain.get_by_role("button", name="Count from this date").click()
    expect(plain.get_by_text("From tomorrow on")).to_be_visible()
    plain.get_by_role("link", name="Back to your letters").click()
    plain.get_by_role("link", name="Change my date").click()
    expect(plain.get_by_label("The date")).to_have_value("")
    plain.get_by_label("The date").fill((today - dt.timedelta(days=1)).isoformat())
    plain.keyboard.press("Enter")
    expect(plain.get_by_text("From tomorrow on")).to_be_visible()
    plain.goto(live_server.url + page_of(Purpose.PREFERENCES, reader) + "/date")
    plain.get_by_role("button", name="Rest all letters").click()
    expect(plain.get_by_text("All letters rest until you say.")).to_be_visible()
    reader.refresh_from_db()
    assert reader.counted_from == today - dt.timedelta(days=1)
    assert reader.paused_at is not None
