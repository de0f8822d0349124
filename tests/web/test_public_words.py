"""Every sentence of a reader's page is there in every language the pages speak, with nothing lost on the way."""

from __future__ import annotations

import re
from collections import Counter
from gettext import GNUTranslations
from io import BytesIO

import pytest

from keepshowingup.web.public.tongues import FALLBACK, TONGUES
from tests.web.catalogues import LOCALES, compiled, entries
from tests.web.reader_words import (
    TEMPLATES,
    bare_texts,
    said_in_other_rooms,
    said_in_sources,
    said_in_templates,
)

OTHERS = sorted(set(TONGUES) - {FALLBACK})
# A zone is called so by IANA; the others are names of shapes.
NO_WORDS = {"Europe/London", "narrow", "middle", "wide", "widenarrow"}
PLACES = re.compile(r"%\(\w+\)s")
TAGS = re.compile(r"</?[a-z]+[^>]*>")


def test_the_pages_speak_the_languages_there_are_catalogues_for() -> None:
    assert sorted(folder.name for folder in LOCALES.iterdir()) == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    said = {(row.singular, row.plural) for row in (*said_in_templates(), *said_in_sources(), *said_in_other_rooms())}
    assert len(said) > 200
    there = {english for english, other in entries(language) if all(other[: 1 + bool(english[1])])}
    assert said - there == set(), "not translated"
    assert there - said == set(), "said nowhere"


@pytest.mark.parametrize("language", OTHERS)
def test_places_for_values_and_tags_are_the_same(language: str) -> None:
    for english, other in entries(language):
        for source, said in zip(english, other, strict=True):
            assert Counter(TAGS.findall(source)) == Counter(TAGS.findall(said)), source
        # What is said of one may say its number in words; what is said of several has all places.
        most = bool(english[1])
        assert Counter(PLACES.findall(english[most])) == Counter(PLACES.findall(other[most])), english
        assert set(PLACES.findall(other[0])) <= set(PLACES.findall(english[most])), english


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    """``python -m tests.web.catalogues`` compiles it again."""
    kept = (LOCALES / language / "LC_MESSAGES" / "django.mo").read_bytes()
    then, now = (dict(vars(GNUTranslations(BytesIO(each)))["_catalog"]) for each in (kept, compiled(language)))
    del then[""], now[""]  # the heading says when it was compiled
    assert then == now


def test_no_page_says_anything_outside_of_its_marks() -> None:
    for name, text in bare_texts():
        without = re.sub(
            r"<!--.*?-->|<[^>]*>|&[a-z]+;.*?&[a-z]+;|&[a-z]+;", " ", text.replace("\0", " "), flags=re.DOTALL
        )
        left = set(re.findall(r"[A-Za-z]{2,}(?:/[A-Za-z]+)?", without)) - NO_WORDS
        assert left == set(), name
        for attribute in re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text):
            assert not re.search("[A-Za-z]", attribute), (name, attribute)
    assert "public/join.html" in TEMPLATES
