"""What every public page has in common: who may ask, how, and what is answered when the database is away."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from keepshowingup.audience.limits import TooMany, hash_network
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, read
from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Masthead
from keepshowingup.web.public.tongues import FALLBACK, accepted, asked_for, first_spoken, others, say, speak, spoken

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
        with translation.override(asked_for(request) or first_spoken(accepted(request)) or FALLBACK):
            try:
                if not asked_for(request) and not accepted(request):
                    speak(request, house_language())
                return view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404 from error
            except TooMany as error:
                message = say(error.message)
                return show(
                    request, "public/busy.html", {"message": message}, status=error.status, wait=error.retry_after
                )
            except (OperationalError, InterfaceError):
                return _render(request, "public/away.html", {}, 503, AWAY_SECONDS)

    # There is nothing a forged request could ride on: public pages know no cookie and no login. What authorises is
    # in the address itself, and a form on somebody else's site, or a mail provider, must be able to post here.
    exempt: View = csrf_exempt(answer)
    return exempt


def whose_page(request: HttpRequest, token: str) -> Subscriber:
    """The reader whose own page this link opens; the page speaks their language. A 404 where it opens none."""
    opaque = read(Purpose.PREFERENCES, token)
    reader = Subscriber.objects.filter(opaque=opaque).first() if opaque else None
    if reader is None:
        raise Http404
    speak(request, reader.language)
    return reader


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200, wait: int | None = None
) -> HttpResponse:
    """A public page with what its frame needs. ``wait`` is for ``Retry-After``, in seconds."""
    frame = {"masthead": masthead_name(), "quick_exit": settings.QUICK_EXIT_URL}
    return _render(request, template, {**frame, **context}, status, wait)


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], status: int, wait: int | None
) -> HttpResponse:
    # Links and forms lead on in the language that was chosen here; where a reader is known, theirs is kept with them.
    carried = asked_for(request) or ("" if "token" in context or spoken() == FALLBACK else spoken())
    tongue = {"spoken": spoken(), "other_tongues": others(), "q": f"?lang={carried}" if carried else ""}
    answer = render(request, template, {**tongue, **context}, status=status)
    answer["Content-Language"] = spoken()
    if wait is not None:
        answer["Retry-After"] = str(wait)
    return answer


def masthead_name() -> str:
    """Who writes, for the top of a page; reads only, because a page that is looked at changes nothing."""
    return Masthead.objects.order_by("pk").values_list("name", flat=True).first() or gettext("Letters")


def house_language() -> str:
    """What the house speaks where nobody says."""
    return Masthead.objects.order_by("pk").values_list("language", flat=True).first() or FALLBACK


def nothing_here(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The one 404, whatever was not found; at the desk it is in English, like all of the desk."""
    return _lost(request, "404.html", 404)


def our_fault(request: HttpRequest) -> HttpResponse:
    """The page for what went wrong with us. It asks the database nothing."""
    return _lost(request, "500.html", 500)


def _lost(request: HttpRequest, template: str, status: int) -> HttpResponse:
    at_the_desk = request.path.startswith("/staff/")
    tongue = "" if at_the_desk else asked_for(request) or first_spoken(accepted(request))
    with translation.override(tongue or FALLBACK):
        return _render(request, template, {}, status, None)


def network_of(request: HttpRequest) -> str:
    """The keyed hash of the network a request comes from.

    Behind a proxy of ours (``KSU_BEHIND_PROXY``) that is the last address of ``X-Forwarded-For``, the one that proxy
    wrote; the ones before it are whatever the sender likes.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        remote = request.META.get("HTTP_X_FORWARDED_FOR", remote).rpartition(",")[2].strip()
    return hash_network(remote or "unknown")
