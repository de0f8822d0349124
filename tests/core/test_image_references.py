from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.image_references import replace_images
from keepshowingup.core.licences import licence_name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("![A bench](https://x.example/a.jpg)", "![A bench](images/1)"),
        ('![A bench](https://x.example/a.jpg "By the water")', "![A bench](images/1)"),
        ("![A [small] bench](<https://x.example/a b.jpg>)", "![A (small) bench](images/1)"),
        ("![A bench][b]\n\n[b]: https://x.example/a.jpg", "![A bench](images/1)\n\n[b]: https://x.example/a.jpg"),
        ("![b]\n\n[b]: https://x.example/a.jpg", "![b](images/1)\n\n[b]: https://x.example/a.jpg"),
        ("<img alt='A bench' src=https://x.example/a.jpg>", "![A bench](images/1)"),
        ("![two\nlines](https://x.example/a_(1).jpg)", "![two lines](images/1)"),
        ("[![A bench](https://x.example/a.jpg)](https://x.example/)", "[![A bench](images/1)](https://x.example/)"),
        ("```\n![A bench](https://x.example/a.jpg)\n```", "```\n![A bench](https://x.example/a.jpg)\n```"),
        ("[a link](https://x.example/a.jpg) and !important", "[a link](https://x.example/a.jpg) and !important"),
    ],
)
def test_images_are_found_however_they_are_written(written: str, kept: str) -> None:
    assert replace_images(written, lambda source, words: "images/1") == kept


def test_what_is_left_out_leaves_no_hole() -> None:
    text = "One.\n\n![a](https://x.example/a.jpg)\n\nTwo ![b](b.png) three.\n"
    assert replace_images(text, lambda source, words: None) == "One.\n\nTwo  three.\n"


@given(st.text(alphabet="![]()<>img src=\"'a\n`~ :/", max_size=60))
def test_a_text_without_images_that_are_taken_has_none(text: str) -> None:
    seen: list[str] = []
    replaced = replace_images(text, lambda source, words: seen.append(source))
    if not seen:
        assert replaced == text


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC BY 4.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/2.0/uk/deed.en", "CC BY-NC-SA 2.0 UK"),
        ("Text under https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("our own", "our own"),
        ("© 2026 Harbour", ""),
        ("Copyright Harbour", ""),
        ("Harbour. All rights reserved.", ""),
        ("x" * 200, "x" * 100),
    ],
)
def test_a_licence_is_named_and_a_copyright_line_is_none(said: str, name: str) -> None:
    assert licence_name(said) == name
