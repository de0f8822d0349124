"""Pasting into the composer, in a real browser, with what a word processor puts on the clipboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.desk_browser import editor
from tests.web.staff_desk import person, sequence_by, url
from tests.web.test_staff_browser import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASTED = Path(__file__).parents[1] / "editorial" / "pasted"
PASTE = """([html, plain]) => {
  const clipboard = new DataTransfer();
  if (html) clipboard.setData("text/html", html);
  clipboard.setData("text/plain", plain);
  const event = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
  return document.querySelector(".cm-content").dispatchEvent(event);
}"""


def test_a_word_processors_letter_lands_in_the_editor_as_markdown(live_server: LiveServer, page: Page) -> None:
    from playwright.sync_api import expect

    sequence = sequence_by(person("editor", "Mara"))
    complaints = sign_in(page, live_server, "mara")
    page.goto(f"{live_server.url}{url('composer', sequence.slug)}")
    editor(page).fill("")
    html = (PASTED / "word.html").read_text(encoding="utf-8")
    assert not page.evaluate(PASTE, [html, "Somebody stayed"]), "the browser's own paste would come as well"
    expect(page.locator("#body")).to_have_value((PASTED / "expected.md").read_text(encoding="utf-8").rstrip("\n"))
    # What has no form of its own is pasted as it is.
    page.evaluate(PASTE, ["<div style='font-family:monospace'>- one</div>", "- one"])
    expect(page.locator("#body")).to_have_value(re.compile("- one$"))
    assert complaints == []
