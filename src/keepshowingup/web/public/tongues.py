"""In which language a reader's page speaks: what the address asks for, the reader's own, the browser's, the house's."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation.trans_real import parse_accept_lang_header

from keepshowingup.letters.words import main_language

#: What the pages speak, and what each language calls itself. A language more is a catalogue more in ``web/locale``.
TONGUES = {"en": "English", "es": "Español"}
FALLBACK = "en"


def asked_for(request: HttpRequest) -> str:
    """The language that ``?lang=`` names; empty when it names none we speak."""
    return first_spoken([request.GET.get("lang", "")[:20]])


def accepted(request: HttpRequest) -> list[str]:
    """The languages the browser says its reader reads, the preferred ones first (RFC 9110 section 12.5.4)."""
    return [tag for tag, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]


def first_spoken(wishes: Iterable[str]) -> str:
    """The first of these language tags that the pages speak, as its main language: ``es`` for ``es-MX``; or empty."""
    return next((tag for wish in wishes if (tag := main_language(wish).lower()) in TONGUES), "")


def speak(request: HttpRequest, *wishes: str) -> None:
    """Say the rest of this page in the language ``?lang=`` asks for, else in the first of ``wishes`` that we speak.

    ``public_page`` puts the language back when the page is done.
    """
    if tongue := asked_for(request) or first_spoken(wishes):
        translation.activate(tongue)


def spoken() -> str:
    """The language the page speaks now."""
    return first_spoken([translation.get_language() or ""]) or FALLBACK


def others() -> list[tuple[str, str]]:
    """The other languages of this page, and their names."""
    return [(tag, name) for tag, name in TONGUES.items() if tag != spoken()]


def kept_language(request: HttpRequest, letters: str) -> str:
    """What is kept of somebody who asks for letters written in ``letters``: what they asked for, or read anyway."""
    asked, read = asked_for(request), accepted(request)
    if asked or not read or main_language(letters) in {main_language(tag) for tag in read}:
        return asked or letters
    return first_spoken(read) or letters


def say(sentence: str) -> str:
    """A sentence from another room in the page's language. One nobody has translated is not shown in English."""
    translated = gettext(sentence)
    if spoken() != FALLBACK and translated == sentence:
        return gettext("That could not be done. Please try again in a while.")
    return translated
