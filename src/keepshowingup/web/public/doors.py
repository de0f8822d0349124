"""What every public page has in common: who may ask, how, and what is answered when the database is away."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from keepshowingup.audience.limits import TooMany, hash_network
from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Masthead

View = Callable[..., HttpResponse]

ALLOWED = ["GET", "HEAD", "OPTIONS", "POST"]
AWAY_SECONDS = 60


def public_page(view: View) -> View:
    """Make a view a public page: GET and HEAD show, POST acts, OPTIONS says so and nothing else is answered.

    What is not found, for whatever reason, is one and the same 404. A database that is away is a 503 with
    ``Retry-After`` (a mail provider then tries its one-click POST again), never a success that is none.
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(ALLOWED)})
        if request.method not in ALLOWED:
            return HttpResponseNotAllowed(ALLOWED)
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error
        except TooMany as error:
            return show(
                request, "public/busy.html", {"message": error.message}, status=error.status, wait=error.retry_after
            )
        except (OperationalError, InterfaceError):
            return _render(request, "public/away.html", {}, 503, AWAY_SECONDS)

    # There is nothing a forged request could ride on: public pages know no cookie and no login. What authorises is
    # in the address itself, and a form on somebody else's site, or a mail provider, must be able to post here.
    exempt: View = csrf_exempt(answer)
    return exempt


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200, wait: int | None = None
) -> HttpResponse:
    """A public page with what its frame needs. ``wait`` is for ``Retry-After``, in seconds."""
    frame = {"masthead": masthead_name(), "quick_exit": settings.QUICK_EXIT_URL}
    return _render(request, template, {**frame, **context}, status, wait)


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], status: int, wait: int | None
) -> HttpResponse:
    answer = render(request, template, context, status=status)
    if wait is not None:
        answer["Retry-After"] = str(wait)
    return answer


def masthead_name() -> str:
    """Who writes, for the top of a page; reads only, because a page that is looked at changes nothing."""
    return Masthead.objects.order_by("pk").values_list("name", flat=True).first() or "Letters"


def network_of(request: HttpRequest) -> str:
    """The keyed hash of the network a request comes from.

    Behind a proxy of ours (``KSU_BEHIND_PROXY``) that is the last address of ``X-Forwarded-For``, the one that proxy
    wrote; the ones before it are whatever the sender likes.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        remote = request.META.get("HTTP_X_FORWARDED_FOR", remote).rpartition(",")[2].strip()
    return hash_network(remote or "unknown")
