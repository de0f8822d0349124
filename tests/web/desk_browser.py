"""What the browser tests of the composer share: its parts as people call them, what it says aloud, whom it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WATCH = """addEventListener("securitypolicyviolation", (event) => {
  const { violatedDirective, blockedURI, sourceFile, lineNumber, columnNumber, target } = event;
  const at = `${sourceFile}:${lineNumber}:${columnNumber}`;
  console.error(`${violatedDirective} ${blockedURI} ${at} ${target?.outerHTML?.slice(0, 200)}`);
}, true)"""
# An editor's announcement stands for a moment only, so that it can be said again.
LISTEN = """() => {
  window.heard = [];
  const live = document.querySelector(".cm-announced");
  new MutationObserver(() => window.heard.push(live.textContent)).observe(live, { childList: true, subtree: true });
}"""


def editor(page: Page) -> Locator:
    """Where the letter is written, once its script is there: before that the textarea has the same name."""
    return page.locator(".cm-content")


def words(page: Page) -> Locator:
    """The form's own field, which always holds the same words: for ``expect(…).to_have_value``."""
    return page.locator("#body")


def asked_elsewhere(page: Page, home: str) -> list[str]:
    """A list that every request to another origin goes into; and the console hears of what the policy stops."""
    page.add_init_script(WATCH)
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if not request.url.startswith((home, "data:")) else None
    )
    return asked
