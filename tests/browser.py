"""Make sure there is a Chromium for the browser tests: ``python -m tests.browser``.

Order: ``KSU_CHROMIUM``, a Chromium on PATH, one that Playwright has, Playwright's download. Where none can be had the
browser tests are skipped with that reason, and in CI they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Error, sync_playwright

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """``KSU_CHROMIUM``, then a Chromium on PATH; None leaves it to Playwright's own download."""
    named = os.environ.get("KSU_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def works() -> bool:
    """Whether a Chromium starts."""
    with sync_playwright() as playwright:
        try:
            playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS).close()
        except Error:
            return False
        return True


def main() -> int:
    """Exit 0 when a browser is there, or when none can be had outside CI."""
    if works():
        return 0
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium-headless-shell"], check=False)
    if works():
        return 0
    print("No Chromium: install one, or name it in KSU_CHROMIUM. The browser tests will be skipped.", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
