"""What four word processors put on the clipboard for the same letter comes out as the same clean Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.pasting import PASTE_LIMIT, pasted_to_markdown
from keepshowingup.letters.compile import compile_letter

PASTED = Path(__file__).parent / "pasted"


@pytest.mark.parametrize("program", ["word", "google-docs", "libreoffice", "pages"])
def test_a_word_processors_html_comes_out_clean(program: str) -> None:
    markdown = pasted_to_markdown((PASTED / f"{program}.html").read_text(encoding="utf-8"))
    assert markdown == (PASTED / "expected.md").read_text(encoding="utf-8")
    assert "Somebody stayed" in compile_letter("step", subject="A note", preheader="", body=markdown).text


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("", ""),
        ("<p>&nbsp;</p><p><o:p></o:p></p>", ""),
        ("hello", "hello\n"),
        ("<b>one</b> word", "**one** word\n"),
        ("<p>a<script>alert(1)</script></p><style>p{color:red}</style>", "a\n"),
        ('<p onclick="x()">a <a href="javascript:alert(1)">b</a> <a href="#_ftn1">[1]</a></p>', "a b [1]\n"),
        ('<p>a<img src="https://spy.example/p.gif"></p>', "a\n"),
        ('<p>a<span style="display:none">secret</span></p>', "a\n"),
        ('<p><span style="font-weight:700;font-style:italic">both</span></p>', "***both***\n"),
        ("<p><b>one </b><b>two</b></p>", "**one two**\n"),
        ('<p class="MsoTitle">A title</p><p class="MsoHeading8">text</p>', "# A title\n\ntext\n"),
        ("<h2><b>Bold heading</b></h2>", "## Bold heading\n"),
        ("<blockquote><p>said</p></blockquote>", "> said\n"),
        ("<p>one<br>two</p>", "one\ntwo\n"),
        (
            "<p>Hello {{ first_name | default(&quot;friend&quot;) }},</p>",
            'Hello {{ first_name | default("friend") }},\n',
        ),
        ("<ul><li>a</li></ul><p>b</p><ul><li>c</li></ul>", "- a\n\nb\n\n- c\n"),
    ],
)
def test_what_is_meant_is_kept_and_the_rest_goes(html: str, markdown: str) -> None:
    assert pasted_to_markdown(html) == markdown


def test_a_book_is_refused() -> None:
    with pytest.raises(Refused, match="more than a letter can hold"):
        pasted_to_markdown("x" * (PASTE_LIMIT + 1))


words = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12)
tags = st.sampled_from(
    ["p", "b", "i", "span", "li", "ul", "h2", "div", "font", "o:p", "a", "blockquote", "br", "table", "td"]
)
looks = st.sampled_from(
    ["", ' style="font-weight:700"', " style='mso-list:l0 level2 lfo1'", ' style="font-style:italic', " class=MsoTitle"]
)


@given(st.lists(st.tuples(tags, looks, words, st.booleans()), max_size=12))
@settings(deadline=None, max_examples=60)
def test_however_broken_the_html_no_word_and_nothing_else_comes_out(
    pieces: list[tuple[str, str, str, bool]],
) -> None:
    html = "".join(f"<{tag}{look}>{word} {'</' + tag + '>' if closed else ''}" for tag, look, word, closed in pieces)
    markdown = pasted_to_markdown(html)
    assert "<" not in markdown
    assert "mso-" not in markdown
    if '="font-style:italic>' not in html:  # a quotation mark that is not closed swallows what follows
        for _, _, word, _ in pieces:
            assert word in markdown
