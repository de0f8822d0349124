"""The page people join on, the same for one sequence, and the form they can put on a site of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy

from keepshowingup.audience.joining import JoinRequest, ask_to_join, consent_text, consent_version
from keepshowingup.core.timing import load_zone
from keepshowingup.web.public.doors import network_of, public_page, show
from keepshowingup.web.public.forms import JoinForm, parts_of_day
from keepshowingup.web.public.offers import Offer, live_offers, offer_for
from keepshowingup.web.public.shown import Pace, pace_of, stamp
from keepshowingup.web.public.tongues import FALLBACK, accepted, asked_for, kept_language, speak, spoken
from keepshowingup.web.public.zones import country_of, guess_zone, place_of, zone_groups

TOO_FAST = gettext_lazy("That was very quick. Please look it over and press the button once more.")


@public_page
def join(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """GET shows what arrives when, and the form. POST asks; its answer is one page, whoever the address belongs to."""
    now = settings.CLOCK.now()
    if slug is None:
        offers = live_offers(now.date())
    elif offer := offer_for(slug, now.date()):
        offers = [offer]
        if not accepted(request):
            speak(request, offer.language)
    else:
        raise Http404
    if request.method != "POST" or not offers:
        return _page(request, offers, JoinForm(), slug, now)
    form = JoinForm(request.POST)
    offer = _chosen(form, offers)
    pace = pace_of(request.POST.get("shown", ""), settings.CLOCK.real())
    if form.is_robot():
        return _answer(request)
    if form.is_valid() and pace is Pace.TOO_FAST:
        form.add_error(None, TOO_FAST)
    if not form.is_valid() or offer is None:
        return _page(request, offers, form, slug, now, status=422)
    wanted = form.cleaned_data
    zone = wanted["zone"] or guess_zone(request.headers.get("Accept-Language", "")) or "UTC"
    ask_to_join(
        JoinRequest(
            address=wanted["email"],
            first_name=wanted["first_name"],
            zone=zone,
            hour=wanted["when"],
            sequence_id=offer.id,
            audience=offer.audience,
            language=kept_language(request, offer.language),
            text_version=consent_version(asked_for(request) or FALLBACK),
            country=country_of(zone),
            form=f"{request.path} {wanted['form']}".strip(),
            network=network_of(request),
            unseen=pace is Pace.UNSEEN,
        ),
        now,
    )
    return _answer(request)


@public_page
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """A plain HTML form for somebody's own site, to copy."""
    offer = offer_for(slug, settings.CLOCK.now().date())
    if offer is None:
        raise Http404
    context = {
        "offer": offer,
        "action": f"{settings.BASE_URL}/s/{slug}" + ("" if spoken() == FALLBACK else f"?lang={spoken()}"),
        "consent": consent_text(spoken()),
    }
    return show(request, "public/embed.html", context)


def zone_context(zone: str, now: datetime) -> dict[str, Any]:
    """What the zone field needs: the list, the one chosen (which may be an old name), and its clock."""
    groups = zone_groups()
    listed = any(zone == each.name for _, zones in groups for each in zones)
    return {
        "zone": zone,
        "zone_place": place_of(zone) if zone else "",
        "zone_clock": now.astimezone(load_zone(zone)).strftime("%H:%M") if zone else "",
        "zone_groups": groups,
        "zone_unlisted": zone if zone and not listed else "",
    }


def _chosen(form: JoinForm, offers: list[Offer]) -> Offer | None:
    """The offer meant; on the page of one sequence, or where there is only one, nothing needs to be said."""
    if len(offers) == 1:
        return offers[0]
    chosen = next((offer for offer in offers if offer.slug == form.data.get("sequence")), None)
    if chosen is None:
        form.add_error("sequence", gettext("Please choose which letters you would like."))
    return chosen


def _answer(request: HttpRequest) -> HttpResponse:
    """The one answer. Nothing of what was written is repeated: it must not differ by a byte."""
    return show(request, "public/asked.html", {})


def _page(
    request: HttpRequest,
    offers: list[Offer],
    form: JoinForm,
    slug: str | None,
    now: datetime,
    *,
    status: int = 200,
) -> HttpResponse:
    said = form.data.get("zone", "")
    guess = guess_zone(request.headers.get("Accept-Language", ""))
    zone = said if said and "zone" not in form.errors else guess
    context = {
        "offers": offers,
        "offer": offers[0] if len(offers) == 1 else None,
        "is_one": slug is not None,
        "form": form,
        "parts_of_day": parts_of_day(),
        "part": form.data.get("when") or "morning",
        "consent": consent_text(spoken()),
        # An answer keeps the moment its form was first shown, so that pressing once more is not too fast again.
        "shown": form.data.get("shown") or stamp(settings.CLOCK.real()),
        "zone_is_a_guess": not said,
        **zone_context(zone, now),
    }
    return show(request, "public/join.html", context, status=status)
