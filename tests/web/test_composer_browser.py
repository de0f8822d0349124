"""Writing in a real browser: merge fields, findings at their place, undo, and letters dragged along their days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from keepshowingup.editorial.models import Sequence
from tests.web.desk_browser import LISTEN, asked_elsewhere, editor, words
from tests.web.staff_desk import person, sequence_by, url
from tests.web.test_staff_browser import faults_now, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Milliseconds: for the first 75 the editor takes no key for what it offers, so that nobody accepts it by accident.
DELAY = 150


def test_a_letter_is_written_and_mended_with_the_keyboard_alone(
    live_server: LiveServer, browser: Browser, axe_source: str
) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    elsewhere = asked_elsewhere(page, live_server.url)
    complaints = sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", step.pk))
    editor(page).focus()
    page.evaluate(LISTEN)

    # A merge field is offered with what it says, and comes with the words for those who have none.
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("Dear ")
    page.keyboard.type("{{ fi")
    expect(page.get_by_role("option", name="first_name")).to_be_visible()
    found = faults_now(page, axe_source, "merge fields")
    page.wait_for_timeout(DELAY)
    page.keyboard.press("Enter")
    expect(words(page)).to_have_value('Dear {{ first_name | default("friend") }}')
    page.keyboard.insert_text(", read ")
    page.keyboard.type("{{ article_u")
    expect(page.get_by_role("option", name="article_url")).to_be_visible()
    page.wait_for_timeout(DELAY)
    page.keyboard.press("Enter")
    expect(words(page)).to_have_value(re.compile(re.escape("read [Read the whole article]({{ article_url }})")))

    # A finding is underlined where it stands, said there and aloud, and mended by a key; one Undo takes it back.
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("He is an addict.\nShe stayed")
    expect(page.locator(".cm-lintRange-error")).to_have_text("addict")
    page.keyboard.press("F8")
    expect(page.locator(".cm-finding")).to_contain_text("“addict”")
    page.wait_for_function("window.heard.some((words) => words.startsWith('Blocks: “addict”'))")
    found += faults_now(page, axe_source, "a finding")
    page.keyboard.press("Control+.")
    expect(words(page)).to_have_value("He is a person with a substance use disorder.\nShe stayed")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(words(page)).to_have_value("He is an addict.\nShe stayed")
    expect(page.locator(".cm-lintRange-error")).to_have_text("addict")

    # A press in the list goes to the place, and what a script writes into the field is in the editor.
    page.get_by_label("Findings").get_by_role("button", name="Line 1").click()
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Control+b")
    expect(words(page)).to_have_value("He is an **addict**.\nShe stayed")
    page.evaluate("document.getElementById('body').value = 'Somebody stayed.'")
    expect(editor(page)).to_have_text("Somebody stayed.")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(" Call on Sunday.")
    expect(page.locator("#saved")).to_contain_text("Kept, not saved yet")

    # A subject's findings stand under it.
    page.get_by_label("Subject").fill("Your addiction, day 2")
    expect(page.locator("#subject-remarks")).to_contain_text("Blocks")
    found += faults_now(page, axe_source, "a subject")
    assert found == []
    assert complaints == [], "\n".join(complaints)
    assert elsewhere == []
    context.close()


def test_letters_are_moved_along_their_days_by_hand_and_by_key(live_server: LiveServer, page: Page) -> None:
    sequence = sequence_by(person("editor", "Mara"), subjects=("One", "Two", "Three", "Four"))
    complaints = sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", sequence.steps.get(position=2).pk))
    expect(editor(page)).to_be_visible()
    days = page.locator("#days > li")

    # What is typed is kept first: the page comes back with it.
    page.get_by_label("Subject").fill("Somebody is writing")
    start, end = days.nth(2).bounding_box(), days.nth(0).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 120, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 120, start["y"] - 10, steps=4)
    page.mouse.move(end["x"] + 120, end["y"] + 10, steps=12)
    page.mouse.up()
    expect(page.get_by_text("“Three” comes on day 0 now.")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("Somebody is writing")
    expect(days.locator("strong")).to_have_text(["Three", "One", "Two", "Four"])
    expect(days.locator(".day b")).to_have_text(["0", "7", "14", "21"])

    # The letter that was moved has the focus, so the next key moves it on.
    expect(days.nth(0).get_by_role("link", name="Three")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_text("“Three” comes on day 7 now.")).to_be_visible()
    page.get_by_role("button", name="Down one place").click()
    expect(page.get_by_text("“Two” comes on day 21 now.")).to_be_visible()
    order = Sequence.objects.get().steps.order_by("position").values_list("subject", "after_days")
    assert list(order) == [("One", 0), ("Three", 7), ("Four", 14), ("Two", 21)]
    assert complaints == []
