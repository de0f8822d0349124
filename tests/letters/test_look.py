"""What a reader's program makes of the letters, in a real browser: light and dark, telephone and desk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pytest

from keepshowingup.letters.compile import kinds
from keepshowingup.letters.compose import render
from keepshowingup.letters.values import SAMPLE
from tests.axe import faults_by
from tests.letters.samples import letter_of, step

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SURFACE = {"light": "rgb(255, 253, 249)", "dark": "rgb(26, 34, 32)"}


def show(page: Page, html: str, *, width: int = 390, scheme: Literal["light", "dark"] = "light") -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.set_content(html)


def colour(page: Page, selector: str, what: str = "backgroundColor") -> str:
    return str(page.evaluate("([s, w]) => getComputedStyle(document.querySelector(s))[w]", [selector, what]))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_colour_scheme_of_the_reader_wins(page: Page, scheme: Literal["light", "dark"]) -> None:
    show(page, render(letter_of("step"), SAMPLE).html, scheme=scheme)
    assert colour(page, ".letter") == SURFACE[scheme]
    assert colour(page, "a.button") == {"light": "rgb(29, 79, 74)", "dark": "rgb(143, 199, 187)"}[scheme]
    assert colour(page, "a.button", "color") == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 26, 24)"}[scheme]


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrente" * 2
    letter = step(f"Hello,\n\n{long} and https://example.org/{long}\n\n    {long}\n\n[{long}](https://example.org)\n")
    show(page, render(letter, SAMPLE).html, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.column').offsetWidth") <= 560


def test_the_preheader_is_not_seen_in_the_letter(page: Page) -> None:
    show(page, render(letter_of("step"), SAMPLE).html)
    assert not page.locator(".peek").is_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", kinds())
def test_no_accessibility_fault_is_found(
    page: Page, axe_source: str, kind: str, scheme: Literal["light", "dark"]
) -> None:
    show(page, render(letter_of(kind), SAMPLE).html, scheme=scheme)
    page.evaluate(axe_source)
    found = page.evaluate(faults_by("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"))
    assert found == [], json.dumps(found, indent=1)[:2000]


def test_the_letter_asks_for_nothing_over_the_network(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, render(letter_of("step"), SAMPLE).html)
    page.wait_for_load_state("networkidle")
    assert asked == []
