"""A walk through the desk, with pictures: written, mended, looked at, approved by a second person, started.

``make pictures`` keeps them in docs/pictures; the test alone keeps none that the README shows.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from keepshowingup.editorial.masthead import edit_masthead
from keepshowingup.editorial.models import Sequence
from tests.factories import EnrolmentFactory, SubscriberFactory
from tests.web.desk_browser import editor, words
from tests.web.staff_desk import person, sequence_by, url
from tests.web.test_staff_browser import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SUBJECTS = ("What to expect", "You don't have to do it alone", "Trust comes back slowly", "More than a label")
LETTER = """Good {{ part_of_day }} {{ first_name | default("friend") }},

## One small thing

Somebody stayed. A sister who called on Sundays. A neighbour who never asked why.

You may not feel ready for a room. That is all right. My brother was an addict for years, and his first step was
small: he let **one person** know how he was that day.

Think of one person you could write to this week. It can be one line.

[Change when letters come]({{ preferences_url }})"""


def test_a_walk_through_the_desk(live_server: LiveServer, browser: Browser, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("KSU_PICTURES") or tmp_path)
    person("sender", "Ruth")
    sequence = sequence_by(person("editor", "Mara"), subjects=SUBJECTS)
    step = sequence.steps.get(position=2)
    edit_masthead(postal_address="12 Quay Street", from_address="ruth@harbour.example")
    noor = SubscriberFactory.create(first_name="Noor")
    EnrolmentFactory.create(sequence=sequence, subscriber=noor, next_step=None, due_at=None)
    context, hers = (
        browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="null") for _ in range(2)
    )
    page = context.new_page()
    complaints = sign_in(page, live_server, "mara")

    def picture(of: Page, name: str) -> None:
        of.screenshot(path=pictures / f"{name}.png")

    # Written, and mended where it says so.
    page.goto(live_server.url + url("letter", step.pk))
    editor(page).focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(LETTER)
    letter = page.frame_locator("#preview")
    expect(letter.get_by_text("My brother was an addict for years")).to_be_visible()
    expect(page.locator(".cm-lintRange-error")).to_have_text("addict")
    page.keyboard.press("F8")
    expect(page.locator(".cm-finding")).to_contain_text("“addict”")
    picture(page, "composer")
    page.locator(".cm-finding").get_by_role("button", name="Replace").click()
    expect(words(page)).to_have_value(re.compile("a person with a substance use disorder for years"))
    expect(letter.get_by_text("a person with a substance use disorder for years")).to_be_visible()

    # Looked at in the dark, on a phone, and as plain text.
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("#look")).to_have_class(re.compile("as-dark"))
    page.get_by_label("As", exact=True).select_option("noor")
    expect(letter.get_by_text(re.compile("^Good (morning|afternoon|evening) Noor,"))).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 760})
    page.locator("#look").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('look').scrollIntoView()")
    expect(letter.get_by_text(re.compile("^Good (morning|afternoon|evening) Noor,"))).to_be_in_viewport()
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    picture(page, "preview-dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Plain text").click()
    expect(letter.locator("pre")).to_contain_text("Somebody stayed.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("A second person approves it before it goes out.")).to_be_visible()

    # A second person reads and says yes, and the letters start.
    ruth = hers.new_page()
    complaints += sign_in(ruth, live_server, "ruth")
    ruth.goto(live_server.url + url("approve", sequence.slug))
    expect(ruth.get_by_role("heading", name="Read and approve")).to_be_visible()
    expect(ruth.frame_locator("iframe").first.get_by_text("Somebody stayed.")).to_be_visible()
    picture(ruth, "approve")
    for reason in ruth.get_by_label("Let it stand, because").all():
        reason.fill("Read and found right.")
    ruth.get_by_role("button", name=re.compile("^Approve")).click()
    expect(ruth.locator("header .pill")).to_contain_text("Ready to start")
    ruth.get_by_role("link", name="Start for 1 reader").click()
    ruth.get_by_role("button", name="Start for 1 reader").click()
    expect(ruth.get_by_text("These letters are live.")).to_be_visible()
    assert Sequence.objects.get().state == Sequence.State.LIVE

    # What will arrive, when, and why.
    ruth.goto(live_server.url + url("reader_calendar", noor.opaque))
    expect(ruth.get_by_text("Trust comes back slowly").first).to_be_visible()
    picture(ruth, "calendar")
    ruth.goto(live_server.url + url("reader", noor.opaque))
    expect(ruth.get_by_text("What to expect").first).to_be_visible()
    picture(ruth, "reader")
    assert complaints == []
    context.close()
    hers.close()
