from __future__ import annotations

import pytest

from keepshowingup.letters.compile import WEIGHT_LIMIT, compile_letter, kinds, standard_letter
from keepshowingup.letters.compose import render
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import SAMPLE, LetterValues
from tests.letters.samples import letter_of, links_of, step, words_of


def refusal(body: str, **more: str) -> LetterError:
    with pytest.raises(LetterError) as raised:
        step(body, **more)
    return raised.value


def test_a_link_may_have_a_merge_field_as_its_whole_address() -> None:
    letter = step("Read [the article]({{ article_url }}) today.\n\nAnd [more]({{ article_url }}).")
    html = render(letter, SAMPLE).html
    assert links_of(html).count(SAMPLE.article_url) == 2
    assert "{{" not in html


def test_a_lone_link_becomes_a_button_and_goes_when_it_has_no_address() -> None:
    letter = step("Hello.\n\n[Read on]({{ article_url }})\n\nBye.")
    with_article, without = render(letter, SAMPLE), render(letter, LetterValues())
    assert 'class="button"' in with_article.html
    assert f"Read on:\n{SAMPLE.article_url}\n" in with_article.text
    assert "Read on" not in without.html
    assert "Hello.\n\nBye." in without.text


def test_a_link_in_a_sentence_is_plain_words_when_it_has_no_address() -> None:
    rendered = render(step("You can [read on]({{ article_url }}) there."), LetterValues())
    assert "You can read on there." in words_of(rendered.html)
    assert "You can read on there.\n" in rendered.text
    assert 'href=""' not in rendered.html


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("a\n\n[x](javascript:alert(1))", 3),
        ("[x](data:text/html,hi)", 1),
        ("[x](/relative)", 1),
        ("[x](#part)", 1),
        ("[x](//example.org)", 1),
        ("[x](https://)", 1),
        ("[x](<http://[>)", 1),
        ("[x](ftp://example.org)", 1),
        ("a\nb\n[x](tel:988)", 3),
        ("[x]({{ article_title }})", 1),
        ("[x](https://example.org/{{ article_url }})", 1),
        ('[x](https://example.org/?n={{ first_name|default("x") }})', 1),
        ("a\n\n- b\n- [x](javascript:1)", 4),
        ("[x]: vbscript:1\n\nsee [x]", 3),
    ],
)
def test_a_link_that_is_no_whole_web_address_is_refused_with_its_line(body: str, line: int) -> None:
    error = refusal(body)
    assert error.line == line
    assert "address" in error.message


def test_images_are_refused_because_nothing_in_a_letter_is_fetched() -> None:
    error = refusal("Hello\nthere ![a pixel](https://example.org/p.gif)")
    assert error.line == 2
    assert "fetches nothing" in error.message


def test_a_link_without_words_is_refused() -> None:
    assert "no words" in refusal("[](https://example.org)").message


def test_raw_html_is_shown_and_not_obeyed() -> None:
    html = render(step('Hello <script>alert(1)</script> <img src=x onerror="y"> <b>you</b>'), SAMPLE).html
    assert 'Hello <script>alert(1)</script> <img src=x onerror="y"> <b>you</b>' in words_of(html)
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize("body", ["", "  \n\n ", "---", "[a]: https://example.org"])
def test_a_letter_without_words_is_refused(body: str) -> None:
    assert "no words" in refusal(body).message


def test_a_letter_without_subject_is_refused() -> None:
    assert "no subject" in refusal("Hello.", subject=" ").message


@pytest.mark.parametrize("subject", ["two\nlines", "a\rb", "a\0b", "turned \u202e around", "a\u2028b", "a\x7fb"])
def test_subjects_are_one_line_without_controls(subject: str) -> None:
    assert refusal("Hello.", subject=subject).part == "subject"


def test_a_letter_that_gmail_would_cut_off_is_refused() -> None:
    paragraphs = "\n\n".join(["One line and nothing more."] * 2500)
    assert "its end is cut off" in refusal(paragraphs).message
    assert "100,000 is the most" in refusal("x" * 100_001).message


def test_the_weight_is_there_to_warn_with() -> None:
    light, heavy = step("Hello."), step("\n\n".join(["One line and nothing more."] * 1500))
    assert light.weight < 10_000 < 80_000 < heavy.weight < WEIGHT_LIMIT


def test_an_unknown_kind_names_those_there_are() -> None:
    for kind in ("steps", "_base", "../step", ""):
        with pytest.raises(LetterError, match="There are: already, confirm, "):
            compile_letter(kind, subject="a", preheader="", body="b")


def test_a_language_that_is_no_code_is_refused() -> None:
    with pytest.raises(LetterError, match="no language"):
        compile_letter("step", subject="a", preheader="", body="b", language='en"><b>')


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_renders_for_a_reader_with_all_values_and_for_one_with_none(kind: str) -> None:
    letter = letter_of(kind)
    for values in (SAMPLE, LetterValues()):
        rendered = render(letter, values)
        for part in (rendered.subject, rendered.text, rendered.html):
            assert part.strip()
            assert "{{" not in part
            assert "{%" not in part
            assert "[[" not in part
            assert "zq0x" not in part
        assert 'href=""' not in rendered.html
        assert "\n\n\n" not in rendered.text


def test_a_kind_with_its_own_words_takes_an_authors_instead() -> None:
    letter = compile_letter("welcome", subject="Hello you", preheader="", body="Our own words.")
    rendered = render(letter, SAMPLE)
    assert rendered.subject == "Hello you"
    assert "Our own words." in rendered.text
    assert "thank you for saying yes" not in rendered.text


def test_standard_letters_are_compiled_once() -> None:
    assert standard_letter("confirm") is standard_letter("confirm")


def test_the_text_says_what_the_html_says() -> None:
    rendered = render(letter_of("step"), SAMPLE)
    seen = " ".join(words_of(rendered.html).split())
    for sentence in (
        "Good morning Maya,",
        "Somebody stayed",
        "Take care, Ruth",
        SAMPLE.why,
        SAMPLE.postal_address,
    ):
        assert sentence in seen
        assert sentence in " ".join(rendered.text.split())
    for url in (SAMPLE.unsubscribe_url, SAMPLE.preferences_url, SAMPLE.pause_url, SAMPLE.article_url):
        assert url in rendered.text
        assert url in links_of(rendered.html)
