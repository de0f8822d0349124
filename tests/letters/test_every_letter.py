"""A walk through every kind of letter, in every theme and language: what is on the wire, byte for byte and as read."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import lxml.html
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.letters.compile import WEIGHT_LIMIT, kinds
from keepshowingup.letters.compose import HelpNow, LetterValues, compose, render
from keepshowingup.letters.dates import say_day, say_greeting, say_part_of_day, say_span
from keepshowingup.letters.themes import themes
from keepshowingup.letters.values import MERGE_FIELDS, SAMPLE, URL_FIELDS
from keepshowingup.letters.words import choose_language, foot_of, languages, sentence
from tests.letters.samples import HEADERS, letter_of, words_of
from tests.letters.test_compose import assert_wire_form

NAME = """<b>Zoë</b> & "O'Neill" {{ 7*7 }} =?utf-8?q?x?= --> <!--"""
SPANISH = replace(
    SAMPLE,
    sequence_title="Nueve cartas",
    help_now=(HelpNow("En peligro", "911", "llama al", "a cualquier hora"),),
    why=sentence("why", "es", joined_on="22 de noviembre"),
    joined_on="22 de noviembre",
    part_of_day=say_part_of_day(0, "es"),
    greeting=say_greeting(0, "es"),
    milestone=say_span("es", days=90),
    foot=foot_of("es"),
)


def only_the_hour(language: str) -> LetterValues:
    """What is known of somebody of whom nothing else is."""
    return LetterValues(
        part_of_day=say_part_of_day(0, language), greeting=say_greeting(0, language), foot=foot_of(language)
    )


VALUES = {"en": SAMPLE, "es": SPANISH}
# A word of each language's own that the other's letters can't hold; names and addresses are the same in both.
ENGLISH = re.compile(r"\b(the|you|your|this|letters?|Hello|Take|now)\b")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize("kind", kinds())
def test_what_leaves_is_a_good_letter(kind: str, theme: str, language: str) -> None:
    letter = letter_of(kind, theme=theme, language=language)
    values = replace(VALUES[language], first_name=NAME)
    rendered = render(letter, values)
    raw = compose(rendered, HEADERS)
    assert_wire_form(raw)
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == rendered.subject
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = (part.get_content() for part in message.iter_parts())

    page = lxml.html.document_fromstring(html)
    assert page.get("lang") == language
    (foot,) = page.xpath("//td[@class='foot']")
    assert (foot.get("lang"), foot.get("dir")) == (language, "ltr")
    assert not re.search(r"<(?:img|script|link|iframe|object|video|audio)\b|\burl\(|@import|\bsrc=", html)
    assert len(html.encode()) < WEIGHT_LIMIT / 4
    assert "<b>Zoë" not in html

    for said in (plain, words_of(html)):
        assert values.postal_address in said
        assert (NAME in said) == ("{{ first_name" in letter.text)
        assert not re.search(r"\[\[|\]\]|\[%|\{%|&(?:amp|lt|#3?4);", said.replace(NAME, ""))
    assert all(len(line) <= 72 or "https://" in line or NAME in line for line in plain.splitlines())
    assert "\n\n\n" not in plain
    if language == "es":
        own = plain.replace(NAME, "").replace(SAMPLE.masthead_name, "")
        assert not ENGLISH.search(re.sub(r"https?://\S+", "", own))


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("language", languages())
def test_a_reader_of_whom_nothing_is_known_gets_whole_sentences(kind: str, language: str) -> None:
    rendered = render(letter_of(kind, language=language), only_the_hour(language))
    for said in (rendered.subject, rendered.text, words_of(rendered.html)):
        assert not re.search(r" ,| \.|,,|\(\)|None|Undefined", said)
    assert rendered.subject.strip()


def all_saying(value: str) -> LetterValues:
    """A reader about whom every word is this one."""
    said: dict[str, Any] = dict.fromkeys(TEXT_FIELDS, value)
    return replace(SAMPLE, **said)


hostile = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
TEXT_FIELDS = sorted(MERGE_FIELDS - set(URL_FIELDS))


@given(hostile, st.sampled_from(kinds()), st.sampled_from(themes()))
@example(NAME, "step", "large")
@example("</td></table><script>alert(1)</script>", "goodbye", "plain")
@example("{% raw %}{{", "welcome", "paper")
@settings(deadline=None, max_examples=60)
def test_whatever_a_value_holds_it_is_words_in_every_kind_of_letter(value: str, kind: str, theme: str) -> None:
    letter = letter_of(kind, theme=theme)
    tame, wild = render(letter, all_saying("x")), render(letter, all_saying(value))
    assert wild.html.count("<") == tame.html.count("<")
    assert wild.html.count('"') == tame.html.count('"')
    assert wild.text.count(value) >= tame.text.count("Harbour")


def test_a_language_falls_back_to_its_main_one_then_to_the_houses_then_to_english() -> None:
    assert choose_language(["es-MX", "en"]) == "es"
    assert choose_language(["eu", "es-419"]) == "es"
    assert choose_language(["eu", "nb"]) == "en"
    assert choose_language([]) == "en"


@pytest.mark.parametrize(
    ("said", "english", "spanish"),
    [
        (lambda tag: say_greeting(1, tag), "Good afternoon", "Buenas tardes"),
        (lambda tag: say_span(tag, days=90), "90 days", "90 días"),
        (lambda tag: say_span(tag, years=1, months=6), "1 year and 6 months", "1 año y 6 meses"),
        (lambda tag: say_span(tag), "0 days", "0 días"),
    ],
)
def test_time_is_said_in_the_language(said: object, english: str, spanish: str) -> None:
    assert callable(said)
    assert (said("en"), said("es-MX"), said("nb")) == (english, spanish, english)


def test_a_day_is_said_in_the_language() -> None:
    day = dt.date(2026, 11, 22)
    assert (say_day(day, "en"), say_day(day, "es")) == ("22 November", "22 de noviembre")
