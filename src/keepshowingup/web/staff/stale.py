"""The page for a form that can't be told from a stranger's: it is older than the sign-in, or there are no cookies."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do. ``reason`` is Django's, in words for its log; only staff pages ask for it (CSRF_FAILURE_VIEW)."""
    return render(request, "staff/stale_form.html", status=403)
