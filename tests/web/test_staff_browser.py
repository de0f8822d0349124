"""The desk in a real browser: the whole way from an article to a running sequence, and every page for everybody."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from playwright.sync_api import expect

from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.editorial.models import Sequence
from tests.axe import FAULTS
from tests.cadence.world import drip
from tests.factories import EnrolmentFactory, SubscriberFactory
from tests.processes import eventually
from tests.web.desk_browser import editor
from tests.web.staff_desk import PASSWORD, person, sequence_by, url

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ARTICLE = files("keepshowingup.editorial").joinpath("articles/finding-your-people.md").read_text("utf-8")
SIZES = {"390": (390, 844), "1440": (1440, 900)}


def sign_in(page: Page, server: LiveServer, name: str) -> list[str]:
    """Sign in by the form; answers with the list that every complaint of the browser goes into."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/staff/")
    page.get_by_label("Email").fill(f"{name}@harbour.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Today").wait_for()
    return complaints


def test_from_an_article_to_a_running_sequence(live_server: LiveServer, browser: Browser) -> None:
    person("editor", "Mara")
    person("sender", "Ruth")
    mine, hers = browser.new_context().new_page(), browser.new_context().new_page()
    complaints = sign_in(mine, live_server, "mara")

    mine.get_by_role("link", name="Bring in an article").click()
    mine.get_by_label("Or the text itself").fill(ARTICLE)
    mine.get_by_role("button", name="Bring it in and read it").click()
    mine.get_by_role("button", name="Draft letters from this").click()
    letters = mine.get_by_label("Letters on their days").get_by_role("listitem")
    expect(letters.nth(1)).to_be_visible()

    # The findings, the counters and the letter follow the typing.
    frame = mine.frame_locator("#preview")
    mine.get_by_label("Subject").fill("A short note for an ordinary day")
    editor(mine).fill("Dear {{ first_name | default('friend') }},\n\nHe is an addict.")
    mine.get_by_text("32 of 50").wait_for()
    mine.get_by_label("Findings").get_by_text("“addict”").first.wait_for()
    frame.get_by_text("Dear Maya,").wait_for()
    expect(mine.locator(".cm-lintRange-error")).to_have_text("addict")
    expect(mine.locator("#saved")).to_contain_text("Kept, not saved yet")

    # A press mends a finding; a field that does not exist is a sentence, and the words stay.
    mine.get_by_label("Findings").get_by_role("button", name="Replace").click()
    frame.get_by_text("He is a person with a substance use disorder.").wait_for()
    body = editor(mine)
    expect(mine.locator("#body")).to_have_value(re.compile("a person with a substance use disorder"))
    body.press("Control+End")
    body.press_sequentially(" {{ shoe_size }}")
    mine.get_by_label("Findings").get_by_text("There is no merge field 'shoe_size'").wait_for()
    body.fill("Good {{ part_of_day }} {{ first_name | default('friend') }},\n\nSomebody stayed, and so can you.")
    frame.get_by_text(re.compile("^Good (morning|afternoon|evening) Maya,")).wait_for()

    # The tabs and the invented reader change the letter without a new page.
    mine.get_by_label("As", exact=True).select_option("none")
    frame.get_by_text(re.compile("^Good (morning|afternoon|evening) friend,")).wait_for()
    mine.get_by_role("button", name="Plain text").click()
    frame.locator("pre").wait_for()
    mine.get_by_role("button", name="Phone").click()

    # What is not saved is still there after going away and coming back.
    mine.reload()
    mine.get_by_text("These words are kept for you").wait_for()
    expect(mine.get_by_label("Subject")).to_have_value("A short note for an ordinary day")
    mine.keyboard.press("Control+s")
    mine.get_by_text("A second person approves it before it goes out.").wait_for()

    # The writer can only ask; the second person reads and approves, and starts it for those who wait.
    mine.get_by_role("link", name="Ask Ruth to approve").click()
    mine.get_by_text("Ruth can approve them").wait_for()
    sequence = Sequence.objects.get()
    for _ in range(2):
        EnrolmentFactory.create(sequence=sequence, subscriber=SubscriberFactory.create(), next_step=None, due_at=None)
    complaints += sign_in(hers, live_server, "ruth")
    hers.get_by_role("link", name=re.compile("^Approve")).click()
    hers.get_by_role("button", name=re.compile("^Approve")).wait_for()
    for reason in hers.get_by_label("Let it stand, because").all():
        reason.fill("Read and found right.")
    hers.get_by_role("button", name=re.compile("^Approve")).click()
    expect(hers.locator("header .pill")).to_contain_text("Ready to start")
    from keepshowingup.editorial.masthead import edit_masthead

    edit_masthead(postal_address="12 Quay Street", from_address="ruth@harbour.example")
    hers.get_by_role("link", name="Start for 2 readers").click()
    hers.get_by_role("button", name="Start for 2 readers").click()
    hers.get_by_text("These letters are live.").wait_for()
    sequence.refresh_from_db()
    assert sequence.state == "live"
    assert complaints == []
    mine.context.close()
    hers.context.close()


def test_the_composer_works_without_any_script(live_server: LiveServer, browser: Browser) -> None:
    mara = person("editor", "Mara")
    sequence = sequence_by(mara)
    step = sequence.steps.get(position=1)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", step.pk))
    body = page.get_by_label("The letter, in Markdown")
    body.fill("Dear {{ first_name | default('friend') }}, he is an addict.")
    page.get_by_role("button", name="Show it as a letter").click()
    page.frame_locator("#preview").get_by_text("Dear Maya,").wait_for()
    page.get_by_role("button", name="Replace").click()
    expect(body).to_have_value(re.compile("person with a substance use disorder"))
    page.get_by_role("button", name="Plain text").click()
    page.frame_locator("#preview").locator("pre").wait_for()
    expect(body).to_have_value(re.compile("Dear"))
    page.get_by_role("button", name="Save this letter").last.click()
    page.get_by_text("A second person approves it").wait_for()
    assert step.revisions.count() == 2
    context.close()


def test_the_dark_tab_shows_the_letter_of_a_reader_who_reads_in_the_dark(
    live_server: LiveServer, browser: Browser
) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    context = browser.new_context(color_scheme="null")
    page = context.new_page()
    sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", step.pk))
    asks = "() => matchMedia('(prefers-color-scheme: dark)').matches"

    def letter_is_dark() -> bool:
        page.frame_locator("#preview").get_by_text("Somebody stayed.").wait_for()
        return bool(page.frames[-1].evaluate(asks))

    assert not letter_is_dark()
    page.get_by_role("button", name="Dark").click()
    eventually(letter_is_dark, "the letter to be shown in the dark")
    context.close()


def test_a_hostile_letter_runs_nothing_in_the_preview(live_server: LiveServer, page: Page) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    sign_in(page, live_server, "mara")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(live_server.url + url("letter", step.pk))
    with page.expect_response(re.compile("/preview/")):
        editor(page).fill(
            "Hello <script>alert(1)</script> <img src='https://elsewhere.example/x.png' onerror='alert(2)'>\n\nThe end."
        )
    page.frame_locator("#preview").get_by_text("The end.").wait_for()
    assert [address for address in asked if not address.startswith((live_server.url, "data:"))] == []


# Widths and colours do not depend on one another: two of the four are enough.
@pytest.mark.parametrize(("size", "scheme"), [("390", "dark"), ("1440", "light")])
def test_every_page_is_there_for_everybody(
    live_server: LiveServer, browser: Browser, axe_source: str, size: str, scheme: str
) -> None:
    mara = person("admin", "Mara")
    person("editor", "Ruth")
    sequence = sequence_by(mara)
    step = sequence.steps.get(position=1)
    reader = SubscriberFactory.create()
    EnrolmentFactory.create(sequence=sequence, subscriber=reader, due_at=settings.CLOCK.now(), next_step=step)
    enrol(reader.pk, drip(1, 3, 30, title="Somebody stayed").pk, settings.CLOCK.now())
    pause(reader.pk, settings.CLOCK.now(), 5)
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/staff/login/")
    found = faults(page, axe_source, "login")
    complaints = sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("article_import"))
    page.get_by_label("Or the text itself").fill(ARTICLE + "\nMy brother is an addict.\n")
    with page.expect_navigation():
        page.get_by_role("button", name="Bring it in and read it").click()
    found += faults(page, axe_source, "article")
    for path in (
        url("today"),
        url("articles"),
        url("article_import"),
        url("feeds"),
        url("sequences"),
        url("sequence_create"),
        url("letter", step.pk),
        url("letter", step.pk) + "?show=dark",
        url("letter_compare", step.pk),
        url("sequence_settings", sequence.slug),
        url("forecast", sequence.slug),
        url("ask", sequence.slug),
        url("approve", sequence.slug),
        url("start", sequence.slug),
        url("letter_delete", step.pk),
        url("change", step.pk) + "?what=delete",
        url("changes", sequence.slug),
        url("readers"),
        url("reader", reader.opaque),
        url("reader_calendar", reader.opaque),
        url("ahead"),
        url("delivery"),
        url("masthead"),
        url("people"),
        url("logbook") + "?check=1",
        "/staff/account/second-step/",
        "/staff/account/password/",
    ):
        page.goto(live_server.url + path)
        found += faults(page, axe_source, path)
    assert found == []
    assert complaints == []
    context.close()


def faults(page: Page, axe_source: str, name: str) -> list[str]:
    """What axe finds on the page, and whether it can be read without scrolling sideways."""
    page.wait_for_load_state("networkidle")
    return faults_now(page, axe_source, name)


def faults_now(page: Page, axe_source: str, name: str) -> list[str]:
    """The same of a page as it stands, such as a composer whose preview has just been loaded again."""
    page.evaluate(axe_source)
    violations = page.evaluate(FAULTS)
    found = [f"{name}: {v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}" for v in violations]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{name}: wider than the window")
    return found


def test_the_keyboard_reaches_the_letter_and_says_where_it_is(live_server: LiveServer, page: Page) -> None:
    step = sequence_by(person("editor", "Mara")).steps.get(position=1)
    sign_in(page, live_server, "mara")
    page.goto(live_server.url + url("letter", step.pk))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => [document.activeElement.getAttribute('aria-labelledby'),"
            " getComputedStyle(document.activeElement.closest('.cm-editor') ?? document.activeElement).boxShadow]"
        )
        if focused[0] == "body-label":
            break
    assert focused[0] == "body-label"
    assert focused[1] != "none"
