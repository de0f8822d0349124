"""No CSS that Gmail, Outlook, Apple Mail or Yahoo ignore breaks a letter; see ``docs/letters-in-mail-programs.md``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keepshowingup.letters.themes import themes
from tests.axe import faults_by
from tests.letters import mail_programs

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_whatever_a_program_ignores_has_a_reason_why_no_letter_breaks() -> None:
    assert {row.feature for row in mail_programs.ignored()} == set(mail_programs.reasons()["ignored"])


def test_what_the_data_has_no_page_for_is_known() -> None:
    listed = mail_programs.data()["features"].keys()
    assert mail_programs.used() - listed == set(mail_programs.reasons()["unlisted"])


def test_letters_use_nothing_that_no_program_but_one_knows() -> None:
    families = {program.split("/")[0] for program in mail_programs.PROGRAMS}
    for row in mail_programs.ignored():
        ignoring = {program for program, answer in row.answers.items() if answer == "n"}
        knowing = {program.split("/")[0] for program in mail_programs.PROGRAMS.keys() - ignoring}
        assert len(knowing) > 1, row.feature
    assert families == {"gmail", "outlook", "apple-mail", "yahoo"}


def test_the_report_is_what_would_be_written_today() -> None:
    assert mail_programs.REPORT.read_text(encoding="utf-8") == mail_programs.report(), "run: make mail-programs"


@pytest.mark.browser
@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize(
    "program", ["gmail/mobile-webmail", "gmail/android", "outlook/windows", "apple-mail/ios", "yahoo/android"]
)
def test_a_letter_without_what_a_program_ignores_is_still_a_letter(
    page: Page, axe_source: str, program: str, theme: str
) -> None:
    """On a telephone in dark mode: where ``@media`` is ignored the letter must stay light as a whole."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.set_content(mail_programs.as_shown_by(mail_programs.letters()["step", theme], program))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate(axe_source)
    found = page.evaluate(faults_by("wcag2a", "wcag2aa"))
    assert found == [], json.dumps(found, indent=1)[:2000]
    # Outlook has mso-hide instead, which no browser knows.
    if program != "outlook/windows":
        box = page.locator(".peek").bounding_box()
        assert box is None or box["height"] <= 1
