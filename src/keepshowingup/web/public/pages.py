"""The pages beside: how we keep this private, a way back to your settings, and stopping mail to an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from keepshowingup.audience.joining import ask_for_link
from keepshowingup.audience.leaving import ask_to_stop
from keepshowingup.audience.limits import count_attempt
from keepshowingup.core.address import check_address
from keepshowingup.web.public.doors import network_of, public_page, show
from keepshowingup.web.public.forms import AddressForm
from keepshowingup.web.public.joining import TOO_FAST
from keepshowingup.web.public.shown import Pace, pace_of, stamp


@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """What we keep, for how long, who sees it, and what we never do."""
    return show(request, "public/privacy.html", {})


@public_page
def manage(request: HttpRequest) -> HttpResponse:
    """For readers who lost the way to their own page: it is sent to the address, if that address has one."""

    def send(address: str) -> None:
        ask_for_link(address, network_of(request), settings.CLOCK.now())

    return _ask(request, "public/manage.html", send)


@public_page
def stop(request: HttpRequest) -> HttpResponse:
    """Anybody may ask that an address gets no more mail: its letters rest, and staff look at it."""

    def rest(address: str) -> None:
        now = settings.CLOCK.now()
        with transaction.atomic():
            count_attempt(network_of(request), now)
            ask_to_stop(check_address(address).key, now)

    return _ask(request, "public/stop.html", rest)


def _ask(request: HttpRequest, template: str, act: Callable[[str], None]) -> HttpResponse:
    """A form with one address; ``act`` is done for it. The answer is the same page for every address."""
    if request.method != "POST":
        return show(request, template, _blank())
    form = AddressForm(request.POST)
    if form.is_robot():
        return show(request, template, {"asked": True})
    if form.is_valid() and pace_of(request.POST.get("shown", ""), settings.CLOCK.real()) is not Pace.USUAL:
        form.add_error(None, TOO_FAST)
    if not form.is_valid():
        again = {"form": form, "shown": request.POST.get("shown") or stamp(settings.CLOCK.real())}
        return show(request, template, again, status=422)
    act(form.cleaned_data["email"])
    return show(request, template, {"asked": True})


def _blank() -> dict[str, Any]:
    return {"form": AddressForm(), "shown": stamp(settings.CLOCK.real())}
