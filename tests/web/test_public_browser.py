"""The readers' pages in a real browser: by sight, by keyboard, for axe, and with no script at all."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from keepshowingup.audience.models import Invitation, Subscriber
from keepshowingup.audience.tokens import Purpose, link, make
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.editorial.models import Revision, Sequence
from keepshowingup.web.public import shown
from tests.axe import FAULTS
from tests.factories import InvitationFactory, SubscriberFactory
from tests.web.public_site import harbour_sequence, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Widths and colours do not depend on one another: two of the four are enough.
LOOKS = [((390, 844), "dark"), ((1440, 900), "light")]


@pytest.fixture
def sequence(masthead: object) -> Sequence:
    harbour_sequence("family", "For those who care", audience="family", description="For families and friends.")
    return harbour_sequence()


@pytest.fixture
def reader(sequence: Sequence) -> Subscriber:
    reader = SubscriberFactory.create(email="maya@example.org", zone="America/Santiago", hour=dt.time(8, 30))
    enrol(reader.pk, sequence.pk, settings.CLOCK.now())
    return reader


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test types faster than a person."""
    monkeypatch.setattr(shown, "QUICKEST", 0)


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A browser that runs no script."""
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    yield context.new_page()
    context.close()


def press(page: Page, name: str) -> None:
    """Press a button that sends a form, and wait until the page it leads to is there."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def faults(page: Page, axe_source: str) -> list[str]:
    page.evaluate(axe_source)
    found: list[dict[str, Any]] = page.evaluate(FAULTS)
    return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["phone, dark", "desk, light"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    browser: Browser, live_server: LiveServer, reader: Subscriber, axe_source: str, size: tuple[int, int], scheme: Any
) -> None:
    now = settings.CLOCK.now()
    invitation = InvitationFactory.create(created_at=now, expires_at=now + dt.timedelta(days=7))
    preferences, leave = page_of(Purpose.PREFERENCES, reader), page_of(Purpose.LEAVE, reader)
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    def look(name: str) -> None:
        assert faults(page, axe_source) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"

    paths = ["/", "/s/people", f"/confirm/{make(Purpose.CONFIRM, invitation.opaque)}", preferences, leave]
    letter = Revision.objects.latest("pk")
    paths.append(f"/helped/{make(Purpose.HELPED, f'{reader.opaque}{letter.pk:08x}')}")
    for path in [*paths, "/privacy", "/manage", "/stop", "/s/people/form"]:
        page.goto(live_server.url + path)
        look(path.split("/")[1])

    page.goto(live_server.url + "/s/people")
    page.locator("form.ask").evaluate("form => { form.noValidate = true }")
    press(page, "Send me the first one")
    look("join, with something missing")
    page.locator(".zone summary").click()
    look("join, with the zones open")

    page.goto(live_server.url + preferences)
    page.get_by_role("radio", name="My own time").check()
    press(page, "Save name and time")
    look("preferences, saved")
    page.get_by_role("radio", name="A week", exact=True).check()
    press(page, "Rest my letters")
    look("preferences, paused")
    press(page, "Erase it")
    look("erase")
    page.goto(live_server.url + leave)
    press(page, "Stop all letters")
    look("left")
    context.close()
    # An answer of 422 is a page here, and no fault of it.
    assert [line for line in said if "422" not in line] == []


@pytest.mark.parametrize(("size", "scheme"), [((390, 844), "light"), ((1440, 900), "dark")], ids=["phone", "desk"])
def test_axe_finds_nothing_in_spanish_and_nothing_is_cut_off(
    browser: Browser, live_server: LiveServer, reader: Subscriber, axe_source: str, size: tuple[int, int], scheme: Any
) -> None:
    Subscriber.objects.update(language="es")
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="es-MX", timezone_id="Europe/Madrid"
    )
    page = context.new_page()

    def look(name: str) -> None:
        assert faults(page, axe_source) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
        assert page.evaluate("document.documentElement.lang") == "es", name

    for path in [
        "/",
        "/privacy",
        "/stop",
        "/nothing",
        page_of(Purpose.LEAVE, reader),
        page_of(Purpose.PREFERENCES, reader),
    ]:
        page.goto(live_server.url + path)
        look(path.split("/")[1])
    page.get_by_role("radio", name="Una semana", exact=True).check()
    press(page, "Que mis cartas descansen")
    look("preferences, paused")
    page.goto(live_server.url + "/s/people")
    expect(page.locator("[data-zone-said]")).to_have_text(re.compile("^Madrid, ahora"))
    page.locator(".zone summary").click()
    look("join, with the zones open")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("button", name="Send me the first one")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    context.close()


def test_the_answer_to_joining_is_calm_for_axe_too(
    page: Page, live_server: LiveServer, sequence: Sequence, axe_source: str, no_hurry: None
) -> None:
    join(page, live_server)
    expect(page.get_by_role("heading", name="Look in your inbox.")).to_be_visible()
    assert faults(page, axe_source) == []


def join(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/s/people")
    page.get_by_label("Email").fill("ana@example.org")
    page.get_by_label("First name").fill("Ana")
    page.get_by_role("radio", name="Evening").check()
    if not page.locator("#zone").input_value():
        page.locator("#zone").select_option("America/Santiago")
    page.get_by_label("Yes, send me these letters").check()
    press(page, "Send me the first one")


def test_the_whole_journey_works_without_any_script(
    plain: Page, live_server: LiveServer, sequence: Sequence, no_hurry: None
) -> None:
    join(plain, live_server)
    expect(plain.get_by_role("heading", name="Look in your inbox.")).to_be_visible()

    token = make(Purpose.CONFIRM, Invitation.objects.get().opaque)
    plain.goto(f"{live_server.url}/confirm/{token}")
    press(plain, "Yes, send me the letters")
    expect(plain.get_by_role("heading", name="Good. That is all.")).to_be_visible()
    reader = Subscriber.objects.get(email_key="ana@example.org")
    assert (reader.state, reader.first_name, reader.hour) == ("active", "Ana", dt.time(19, 0))

    plain.get_by_role("link", name="Look after my letters").click()
    plain.get_by_role("radio", name="Two weeks").check()
    press(plain, "Rest my letters")
    expect(plain.get_by_role("status")).to_contain_text("Letters rest until")
    press(plain, "Start again now")
    expect(plain.get_by_role("status")).to_contain_text("coming again")

    plain.locator(".zone summary").click()
    plain.get_by_label("Where are you?").select_option("Europe/Lisbon")
    plain.get_by_role("radio", name="My own time").check()
    plain.get_by_label("My own time", exact=True).last.fill("07:45")
    press(plain, "Save name and time")
    expect(plain.get_by_text("They come at 7:45, Lisbon time.")).to_be_visible()

    plain.get_by_label("For those who care").check()
    press(plain, "Save my choice")
    expect(plain.get_by_label("For those who care")).to_be_checked()

    with plain.expect_download() as waiting:
        plain.get_by_role("button", name="Download it").click()
    assert json.loads(waiting.value.path().read_text())["you"]["address"] == "ana@example.org"

    press(plain, "Stop all letters")
    expect(plain.get_by_role("status")).to_contain_text("no more letters")
    press(plain, "Erase it")
    press(plain, "Yes, erase everything")
    expect(plain.get_by_role("heading", name="You are forgotten here")).to_be_visible()
    assert not Subscriber.objects.exists()
    assert plain.context.cookies() == []


def test_leaving_and_coming_back_without_any_script(plain: Page, live_server: LiveServer, reader: Subscriber) -> None:
    plain.goto(live_server.url + page_of(Purpose.LEAVE, reader))
    press(plain, "Stop all letters")
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    press(plain, "Start them again")
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE


def test_the_browsers_own_zone_is_offered(browser: Browser, live_server: LiveServer, sequence: Sequence) -> None:
    context = browser.new_context(timezone_id="Asia/Kathmandu", locale="en")
    page = context.new_page()
    page.goto(live_server.url + "/s/people")
    expect(page.locator("#zone")).to_have_value(re.compile("^Asia/Kath?mandu$"))
    expect(page.locator("[data-zone-said]")).to_have_text(re.compile("^Kath?mandu, now"))
    page.locator(".zone summary").click()
    page.get_by_label("Where are you?").select_option("Europe/Lisbon")
    expect(page.locator("[data-zone-said]")).to_have_text(re.compile("^Lisbon, now"))
    context.close()


def test_the_form_can_be_filled_in_by_keyboard_alone(
    page: Page, live_server: LiveServer, sequence: Sequence, no_hurry: None
) -> None:
    page.goto(live_server.url + "/s/people")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_label("Email").focus()
    for key in ["Tab", "Tab", "ArrowRight"]:
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.value") == "afternoon"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "consent"  # the field for robots is not on the way


def test_the_way_out_leads_elsewhere_and_tells_nothing(page: Page, live_server: LiveServer, reader: Subscriber) -> None:
    asked: list[dict[str, str]] = []

    def answer(route: Any) -> None:
        asked.append(route.request.all_headers())
        route.fulfill(body="<title>Elsewhere</title>", content_type="text/html")

    page.route("https://www.wikipedia.org/**", answer)
    page.goto(live_server.url + page_of(Purpose.PREFERENCES, reader))
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url("https://www.wikipedia.org/")
    assert "referer" not in asked[0]


def test_a_page_asks_only_our_own_house(page: Page, live_server: LiveServer, reader: Subscriber) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ["/", "/s/people", page_of(Purpose.PREFERENCES, reader), page_of(Purpose.LEAVE, reader), "/privacy"]:
        page.goto(live_server.url + path, wait_until="networkidle")
    assert all(url.startswith((live_server.url, "data:")) for url in asked)
    assert page.context.cookies() == []


def test_links_in_letters_lead_to_these_pages(page: Page, live_server: LiveServer, reader: Subscriber) -> None:
    for purpose, title in [(Purpose.LEAVE, "Stop letters"), (Purpose.PREFERENCES, "Your letters")]:
        page.goto(link(purpose, reader.opaque).replace(settings.BASE_URL, live_server.url))
        assert page.title() == title
