from __future__ import annotations

from typing import Any

import pytest

from keepshowingup.letters.compile import compile_letter
from keepshowingup.letters.compose import render
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import SAMPLE, LetterValues
from tests.letters.samples import step, words_of


def error_of(body: str) -> LetterError:
    with pytest.raises(LetterError) as raised:
        step(body)
    return raised.value


def test_an_unknown_name_is_refused_with_its_line_and_the_nearest_known_one() -> None:
    error = error_of("Hello,\n\nthis is for {{ frist_name }}.\n")
    assert error.line == 3
    assert error.message == "Line 3: There is no merge field 'frist_name'. Did you mean 'first_name'?"


def test_a_name_that_some_readers_lack_needs_a_fallback_and_the_error_says_how() -> None:
    error = error_of("Hello {{ first_name }},")
    assert error.line == 1
    assert 'first_name | default("friend")' in error.message


@pytest.mark.parametrize(
    ("field", "with_name", "without"),
    [
        ('{{ first_name | default("friend") }}', "Maya", "friend"),
        ('{{first_name|default("friend")}}', "Maya", "friend"),
        ("{{ first_name or 'friend' }}", "Maya", "friend"),
        ('{{ first_name | prefix(", ") }}', ", Maya", ""),
        ('{{ first_name | suffix("!") }}', "Maya!", ""),
        ('{{ first_name | upper | default("friend") }}', "MAYA", "friend"),
        ('{{ first_name | default("Größe & <b>") }}', "Maya", "Größe & <b>"),
        ("{{ first_name or part_of_day }}", "Maya", ""),
    ],
)
def test_fallbacks_work_in_both_parts(field: str, with_name: str, without: str) -> None:
    letter = step(f"Hello [{field}] there")
    for values, expected in ((SAMPLE, with_name), (LetterValues(), without)):
        rendered = render(letter, values)
        assert f"Hello [{expected}] there" in rendered.text
        assert f"Hello [{expected}] there" in words_of(rendered.html)


@pytest.mark.parametrize(
    ("body", "line", "word"),
    [
        ("a\n{% if first_name %}b{% endif %}", 2, "{% … %}"),
        ("a %} b", 1, "{% … %}"),
        ("a\n\nb {{ part_of_day", 3, "not closed"),
        ("a {{ part_of_day\n}} b", 1, "not closed"),
        ("a\npart_of_day }} b", 2, "without a {{"),
        ("a {{ part_of_day {{ part_of_day }}", 1, "twice"),
        ("a {{ }} b", 1, "can't be read"),
        ("a {{ part_of_day || }} b", 1, "can't be read"),
        ("a {{ 7*7 }} b", 1, "only a name and its fallback"),
        ("a {{ part_of_day.upper() }} b", 1, "only a name and its fallback"),
        ("a {{ part_of_day['x'] }} b", 1, "only a name and its fallback"),
        ("a {{ part_of_day if why else why }} b", 1, "only a name and its fallback"),
        ("a {{ -part_of_day- }} b", 1, "can't be read"),
        ("a {{ 5 }} b", 1, "only a name and its fallback"),
        ("a {{ part_of_day | safe }} b", 1, "no filter 'safe'"),
        ("a {{ part_of_day | default }} b", 1, 'default("words")'),
        ("a {{ part_of_day | default(why) }} b", 1, 'default("words")'),
        ("a {{ part_of_day | upper(1) }} b", 1, "| upper"),
        ("a {{ help_now }} b", 1, "no merge field 'help_now'"),
        ("a {{ first_name | upper }} b", 1, "Not every reader has a first_name"),
        ("a {{ part_of_day or milestone }} b", 1, "Not every reader has a milestone"),
        ("a {{ next_letter }} b", 1, "no merge field 'next_letter'"),
        ("```\n{{ nonsense }}\n```", 2, "no merge field"),
    ],
)
def test_what_is_not_a_name_and_its_fallback_is_refused(body: str, line: int, word: str) -> None:
    error = error_of(body)
    assert error.line == line
    assert word in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize("part", ["subject", "preheader"])
def test_subject_and_preheader_say_where_the_fault_is(part: str) -> None:
    parts: dict[str, Any] = {"subject": "Hello", "preheader": ""} | {part: "For {{ nobody }}"}
    with pytest.raises(LetterError) as raised:
        compile_letter("step", body="Hello.", **parts)
    assert raised.value.part == part
    assert raised.value.message.startswith(f"{part.capitalize()}: There is no merge field 'nobody'.")


@pytest.mark.parametrize(
    "text", ["{", "}", "{a}", "{ {", "} }", "{#x#}", "a {# b", "\\{\\{ 7*7 \\}\\}", "{\\{x}\\}", "{\\% raw %\\}"]
)
def test_single_and_escaped_braces_are_shown_as_written(text: str) -> None:
    rendered = render(step(f"See {text} here"), SAMPLE)
    shown = f"See {text.replace(chr(92), '')} here"
    assert shown in words_of(rendered.html)
    assert shown in rendered.text


def test_braces_made_of_html_entities_do_not_become_a_field() -> None:
    rendered = render(step("See &#123;&#123; 7*7 &#125;&#125; here"), SAMPLE)
    assert "See {{ 7*7 }} here" in words_of(rendered.html)
    assert "See {{ 7*7 }} here" in rendered.text


def test_a_subject_keeps_its_braces_and_its_field() -> None:
    letter = step("Hello.", subject='{a} for {{ first_name | default("you") }} & "us" <b>')
    assert render(letter, SAMPLE).subject == '{a} for Maya & "us" <b>'
    assert "<title>{a} for Maya &amp; " in render(letter, SAMPLE).html
