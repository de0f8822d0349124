"""What all tests share: a moment in time, a masthead, a real browser."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.browser import CHROMIUM_ARGUMENTS, find_chromium
from tests.databases import ON_POSTGRES, migrated_database
from tests.factories import MONDAY, MastheadFactory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from keepshowingup.editorial.models import Masthead

# How fast the machine is today is no property of the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
# Milliseconds for which a page is waited for: for what never comes, not for slow machines.
PATIENCE = 60_000
# Groups whose tests take minutes together.
LONGEST = ("restore", "chaos", "rates", "kill")
OPENS_THE_DATABASE = {"db", "transactional_db", "live_server", "migrated"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What waits longest begins first. On PostgreSQL only what can reach one is played: all else was said on SQLite.

    pytest-django lets nobody near the database who has not asked for it, and processes of a test's own are given the
    suite's PostgreSQL only in acceptance tests: everywhere else ``tests.processes.environment`` takes it away.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_turn)
    if not ON_POSTGRES:
        return
    config.hook.pytest_deselected(items=[item for item in items if not _may_reach_the_database(item)])
    items[:] = filter(_may_reach_the_database, items)


def _turn(item: pytest.Item) -> int:
    """Those that wait for processes and browsers first: the many small ones fill the time in which they do."""
    group = next((str(mark.args[0]) for mark in item.iter_markers("xdist_group")), "")
    if group in LONGEST:
        return LONGEST.index(group)
    waits = group or item.get_closest_marker("acceptance") or item.get_closest_marker("browser")
    return len(LONGEST) if waits else len(LONGEST) + 1


def _may_reach_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or item.get_closest_marker("acceptance"):
        return True
    return not OPENS_THE_DATABASE.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture
def now() -> dt.datetime:
    """Monday 23 November 2026, 09:00 UTC."""
    return MONDAY


@pytest.fixture(autouse=True)
def _nothing_has_been_sent_from_here(settings: Any) -> None:
    """A test's database forgets what it did; the data folder remembers, and would take it for one that was restored."""
    (settings.DATA_DIR / "high-water.json").unlink(missing_ok=True)
    for folder in ("journal", "handed-over"):
        shutil.rmtree(settings.DATA_DIR / folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests with real processes empty their tables afterwards, which on SQLite is a DELETE: the logbook lets them.

    On PostgreSQL it is a TRUNCATE, and the guard stays up.
    """
    from django.db import connection

    from keepshowingup.logbook import guarding

    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            guarding.take_down(connection)


@pytest.fixture
def masthead(db: None) -> Masthead:
    """Harbour letters, with a postal address."""
    return MastheadFactory.create()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What :func:`tests.databases.copied` makes copies of."""
    with migrated_database(tmp_path_factory.mktemp("migrated")) as database:
        yield database


def missing(part: str) -> None:
    """Skip with a reason; in CI a part that is missing is a failure, because there everything is installed."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} is not there, and in CI it must be")
    pytest.skip(f"{part} is not there")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One real Chromium for the session, headless."""
    from playwright.sync_api import Error, expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    # Playwright's synchronous interface runs an event loop in this thread; Django would take it for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        except Error:
            missing("Chromium")
            return
        new_context = chromium.new_context

        def patient(**options: Any) -> BrowserContext:
            context = new_context(**options)
            context.set_default_timeout(PATIENCE)
            return context

        # Whatever a test opens waits as long as ``expect`` does: half a minute is nothing in a crowd.
        chromium.new_context = patient  # type: ignore[method-assign]
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh context: no cookies, nothing cached."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def axe_source() -> str:
    """The text of axe-core, to be injected with ``page.evaluate``."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
