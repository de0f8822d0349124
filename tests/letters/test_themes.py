"""Themes: chosen by wish, complete in light and dark, and an operator's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keepshowingup.letters.compile import compile_letter, compile_looks
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.themes import DEFAULT_THEME, choose_theme, read_theme, theme_labels, themes
from tests.letters.samples import BODY


def test_a_readers_wish_goes_before_the_sequences_and_that_before_the_houses() -> None:
    assert choose_theme(["large", "plain", "paper"]) == "large"
    assert choose_theme(["", "plain", "paper"]) == "plain"
    assert choose_theme(["", "", ""]) == DEFAULT_THEME
    assert choose_theme(["gone-since", "", "plain"]) == "plain"


def test_every_theme_says_everything_for_light_and_for_dark_and_has_a_name_for_people() -> None:
    tables = {name: read_theme(name) for name in themes()}
    assert set(tables) == {"paper", "plain", "large"}
    for table in tables.values():
        assert table.light.keys() == tables["paper"].light.keys()
        assert table.dark.keys() == tables["paper"].dark.keys()
    assert theme_labels()["large"] == "Large print"


def test_large_print_has_nothing_small() -> None:
    letter = compile_letter("step", subject="A note", preheader="", body=BODY, theme="large")
    seen = letter.html.partition("<body")[2]
    sizes = [int(size) for size in re.findall(r"font-size: ?(\d+)px", seen)]
    assert min(size for size in sizes if size != 1) >= 18  # one pixel is the preview line, which nobody sees


def test_all_looks_are_made_at_once_and_differ_only_in_how_they_look() -> None:
    letter, looks = compile_looks("step", subject="A note", preheader="", body=BODY)
    assert looks.keys() == {"plain", "large"}
    assert {shape_of(html) for html in looks.values()} == {shape_of(letter.html)}


def shape_of(html: str) -> str:
    """What stands in the letter, without how it looks."""
    return re.sub(r""" (?:style|width|height|bgcolor)=(?:"[^"]*"|'[^']*')""", "", html.partition("<body")[2])


def test_an_operators_theme_may_be_one_line_or_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_themes").mkdir()
    (tmp_path / "_themes" / "plain.toml").write_text('ink = "#102030"\n')
    monkeypatch.setenv("KSU_TEMPLATES", str(tmp_path))
    assert "#102030" in compile_letter("step", subject="A note", preheader="", body=BODY, theme="plain").html
    assert "#102030" not in compile_letter("step", subject="A note", preheader="", body=BODY).html


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("ink = ", "can't be read"),
        ("ink = 5", "one CSS value"),
        ('ink = "red; } body { background: url(x)"', "one CSS value"),
        ('dark = "no"', "under \\[dark\\]"),
        ('label = "New"', "no attribute|has no|undefined"),
    ],
)
def test_a_faulty_theme_is_named(table: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_themes").mkdir()
    (tmp_path / "_themes" / "new.toml").write_text(table)
    monkeypatch.setenv("KSU_TEMPLATES", str(tmp_path))
    with pytest.raises(LetterError, match=said):
        compile_letter("step", subject="A note", preheader="", body=BODY, theme="new")
