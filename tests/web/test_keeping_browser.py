"""Words that are never lost, in a real browser: without a connection, and with two people at one letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from keepshowingup.editorial import reviewing
from tests.factories import MONDAY
from tests.processes import eventually
from tests.web.staff_desk import person, sequence_by, url
from tests.web.test_staff_browser import faults, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('ksu:draft:')).length"


def test_words_typed_without_a_connection_are_there_again(live_server: LiveServer, browser: Browser) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    there = live_server.url + url("letter", step.pk)
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, live_server, "mara")
    page.goto(there)
    told = page.locator("#keeping")
    page.get_by_label("Subject").fill("Words that arrived")
    expect(told).to_have_text(re.compile(r"^Kept \d\d:\d\d, not saved yet$"))
    eventually(lambda: page.evaluate(KEPT) == 0, "the words to have arrived")

    context.set_offline(True)
    page.get_by_label("Subject").fill("Words on a train")
    expect(told).to_have_text("Not saved: no connection, kept here")
    page.keyboard.press("Control+s")
    expect(told).to_have_text("Not saved: no connection, kept here")
    page.close()
    context.set_offline(False)

    page = context.new_page()
    page.goto(there)
    expect(page.get_by_label("Subject")).to_have_value("Words on a train")
    eventually(lambda: page.evaluate(KEPT) == 0, "the words to have arrived")

    # When the connection is back while the page is open, they go by themselves.
    context.set_offline(True)
    page.get_by_label("Subject").fill("Words on another train")
    expect(page.locator("#keeping")).to_have_text("Not saved: no connection, kept here")
    context.set_offline(False)
    expect(page.locator("#keeping")).to_have_text(re.compile("^Kept"))
    page.keyboard.press("Control+s")
    page.get_by_text("A second person approves it before it goes out.").wait_for()
    step.refresh_from_db()
    assert step.subject == "Words on another train"

    # Who signs out with words that are only here is asked first.
    page.route("**/draft/", lambda route: route.abort())
    page.get_by_label("Subject").fill("Words on a third train")
    expect(page.locator("#keeping")).to_have_text("Not saved: no connection, kept here")
    page.goto(f"{live_server.url}/staff/")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept() if len(questions) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    page.locator(".me summary").click()
    page.get_by_role("button", name="Sign out").click()
    eventually(lambda: page.evaluate(KEPT) == len(questions) == 1, "the question whether to let words go")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    assert len(questions) == 2
    assert page.evaluate(KEPT) == 0
    context.close()


def test_two_browsers_at_one_letter(live_server: LiveServer, browser: Browser, axe_source: str) -> None:
    person("editor", "Ruth")
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    reviewing.approve(step.sequence_id, approver="ruth@harbour.example", now=MONDAY)
    there = live_server.url + url("letter", step.pk)
    mine, hers = (
        browser.new_context().new_page(),
        browser.new_context(viewport={"width": 390, "height": 844}).new_page(),
    )
    complaints = sign_in(mine, live_server, "mara") + sign_in(hers, live_server, "ruth")
    mine.goto(there)
    hers.goto(there)
    hers.get_by_label("Subject").fill("What Ruth thought of")
    expect(hers.locator("#keeping")).to_have_text(re.compile("^Kept"))
    hers.locator("#save").click()
    hers.get_by_text("A second person approves it before it goes out.").wait_for()

    mine.get_by_label("Preview line").fill("What Mara thought of, a short note")
    mine.get_by_text("Ruth saved other words while these were typed.").wait_for()
    mine.keyboard.press("Control+s")
    mine.get_by_role("heading", name="Ruth saved this letter while you were writing").wait_for()
    assert faults(mine, axe_source, "meanwhile") == []
    mine.get_by_role("button", name="Save both together").click()
    mine.get_by_text("A second person approves it before it goes out.").wait_for()
    step.refresh_from_db()
    assert (step.subject, step.preheader) == ("What Ruth thought of", "What Mara thought of, a short note")

    # She says something about words she marked, and compares what he made of hers, on a phone.
    hers.goto(there)
    hers.get_by_label("Subject").select_text()
    hers.get_by_label("About these words").fill("What Ruth thought of")
    hers.get_by_label("Comment", exact=True).fill("Better than before.")
    hers.get_by_role("button", name="Comment", exact=True).click()
    hers.get_by_text("1 open comment").wait_for()
    assert faults(hers, axe_source, "comments") == []
    hers.get_by_role("link", name="Compare revisions").click()
    expect(hers.locator("ins").first).to_be_visible()
    assert faults(hers, axe_source, "compare") == []
    assert complaints == []
    mine.context.close()
    hers.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_what_an_approver_typed_about_one_letter_is_there_when_another_was_sent_back(
    live_server: LiveServer, browser: Browser, script: bool
) -> None:
    person("editor", "Ruth")
    sequence = sequence_by(person("editor", "Mara"))
    first, second = sequence.steps.order_by("position")
    page = browser.new_context(java_script_enabled=script).new_page()
    sign_in(page, live_server, "ruth")
    page.goto(live_server.url + url("approve", sequence.slug))
    here = page.get_by_label("A comment on this letter")
    here.first.fill("For the first letter")
    page.get_by_role("button", name=re.compile(f"Send it back.*{second.subject}")).click()
    page.get_by_text("Say what to rework").wait_for()
    expect(here.first).to_have_value("For the first letter")
    here.last.fill("For the second letter")
    page.get_by_role("button", name=re.compile(f"Send it back.*{second.subject}")).click()
    page.get_by_text("who finds your comment on Today").wait_for()
    assert second.comments.get().sends_back
    expect(here).to_have_value("For the first letter")
    page.get_by_role("button", name="Approve 1 letter").click()
    page.get_by_text("1 letter approved. 1 comment kept with it.").wait_for()
    assert first.comments.get().text == "For the first letter"
    page.context.close()
