"""A letter filled into its skeleton is the letter rendered for that reader."""

from __future__ import annotations

import quopri
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.letters.compile import CompiledLetter
from keepshowingup.letters.compose import compose, render
from keepshowingup.letters.environment import TEXT
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.quoted import quoted_piece, quoted_printable
from keepshowingup.letters.skeleton import Personal, Skeleton, has_holes_only, skeleton_of
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import HEADERS, letter_of, step
from tests.letters.test_compose import assert_wire_form, parts_of, read

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
paths = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/?=&;,+%#", max_size=120)
BODY = """\
Hello{{ first_name | prefix(" ") }},

{{ first_name | default("friend") }}: [pause]({{ pause_url }}), [your letters]({{ preferences_url }}).
From here on every line may begin with a word of its own.
"""


def both(letter: CompiledLetter, personal: Personal) -> tuple[bytes, bytes]:
    """The same letter both ways: filled in, and rendered."""
    headers = replace(HEADERS, unsubscribe_url=personal.unsubscribe_url)
    shared = replace(SAMPLE, first_name="", unsubscribe_url="", preferences_url="", pause_url="", helped_url="")
    skeleton = skeleton_of(letter, shared, tuple(map(bool, personal)))
    assert skeleton is not None
    rendered = render(letter, replace(SAMPLE, **personal._asdict()))
    return skeleton.write(personal, headers), compose(rendered, headers)


URLS = ("unsubscribe_url", "preferences_url", "pause_url", "helped_url")
ALL = (True,) * len(Personal._fields)
THERE = Personal("Maya", *(f"https://letters.example.org/{name}" for name in URLS))


@given(names, paths)
@example("From now on", "From")
@example('<b>Eve</b> & "Rock" \'n {{ 7*7 }}', "a=b&c=d#e")
@example(".", ".")
@example("e" * 75 + " ", "x" * 75)
@example("a\r\nb\nc\rd \t", "")
@example("\ue000", "=20")
@settings(deadline=None)
def test_both_ways_a_reader_reads_the_same(name: str, path: str) -> None:
    letter = step(BODY, subject="A note")
    urls = (f"https://letters.example.org/{place}/{path}" for place in URLS)
    filled, rendered = both(letter, Personal(name, *urls))
    assert_wire_form(filled)
    assert parts_of(filled) == parts_of(rendered)
    assert list(read(filled).items()) == list(read(rendered).items())


@pytest.mark.parametrize("kind", ["step", "issue", "welcome", "goodbye", "resume"])
@pytest.mark.parametrize("name", ["", "Maya", "Zoë"])
def test_every_kind_of_letter_has_a_skeleton_for_readers_with_and_without_a_name(kind: str, name: str) -> None:
    filled, rendered = both(letter_of(kind), THERE._replace(first_name=name))
    assert parts_of(filled) == parts_of(rendered)


def test_a_name_in_the_subject_is_each_readers_own() -> None:
    letter = replace(step(BODY), subject="A note for {{ first_name | default('you') }}")
    assert read(both(letter, THERE)[0])["Subject"] == "A note for Maya"
    assert read(both(letter, THERE._replace(first_name=""))[0])["Subject"] == "A note for you"


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name | upper }}",
        "{{ first_name | default(signature) }}",
        "{% if first_name == 'Maya' %}x{% endif %}",
        "{% set name = first_name %}{{ name }}",
        "{{ first_name | default('x') | upper }}",
        "{% for letter in first_name %}{{ letter }}{% endfor %}",
        "{{ 'x' if first_name | upper else 'y' }}",
        "{% if signature | default(first_name) %}x{% endif %}",
    ],
)
def test_a_template_that_does_more_than_write_a_name_down_is_rendered_for_each_reader(source: str) -> None:
    TEXT.parse(source)
    assert not has_holes_only(source)
    assert skeleton_of(replace(step(BODY), text=source), SAMPLE, ALL) is None


def test_a_letter_that_cannot_be_rendered_has_no_skeleton_either() -> None:
    with pytest.raises(LetterError):
        Skeleton(replace(step(BODY), text="{{ 1 // 0 }}"), SAMPLE, ALL)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200), max_size=8))
@example(["From", " the", "\nFrom here", "From "])
@example(["From " + "x" * 70, "." * 76, "\n.", ".a", "\n" + "." * 200])
@example(["a ", "\n", " b", "\n.", "\n"])
@settings(deadline=None)
def test_pieces_encoded_apart_say_what_they_say_together(pieces: list[str]) -> None:
    encoded = b"".join(map(quoted_piece, [*pieces, "\n"]))
    assert quopri.decodestring(encoded) == quopri.decodestring(quoted_printable("".join(pieces)))
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b"From ", b"."))
