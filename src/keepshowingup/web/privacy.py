"""What keeps traces of readers out of browsers, proxies, search engines and our own logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class PrivateByDefault:
    """Adds ``Cache-Control: no-store`` and ``X-Robots-Tag: noindex`` to every answer that is no static file."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the headers."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response


class HideTokens(logging.Filter):
    """Takes the secret part out of readers' addresses in log lines: ``/preferences/…``.

    Django logs the path of each answer above 400, and whoever reads the log could otherwise open a reader's page.
    """

    _PATH = re.compile(r"/(confirm|preferences|unsubscribe)/[^/\s]+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the line through, without the token."""
        line = record.getMessage()
        hidden = self._PATH.sub(r"/\1/…", line)
        if hidden != line:
            record.msg, record.args = hidden, None
        return True
