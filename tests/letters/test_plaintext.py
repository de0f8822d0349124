from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.letters.compose import render
from keepshowingup.letters.markdown import read_markdown
from keepshowingup.letters.plaintext import WIDTH, to_text
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import step


def text_of(markdown: str) -> str:
    return to_text(read_markdown(markdown))[0]


def test_headings_lists_and_quotations_read_well() -> None:
    markdown = (
        "# One\n\n## Two\n\n### Three\n\n- a\n- b\n  - c\n\n3. x\n4. y\n\n> quoted\n>\n> twice\n\n***\n\n    code\n"
    )
    assert text_of(markdown) == (
        "One\n===\n\nTwo\n---\n\nThree\n-----\n\n- a\n- b\n  - c\n\n3. x\n4. y\n\n> quoted\n>\n> twice\n\n"
        + "* * *".center(WIDTH).rstrip()
        + "\n\n    code"
    )


def test_loose_lists_keep_their_air() -> None:
    assert text_of("- a\n\n- b\n\n  more") == "- a\n\n- b\n\n  more"


def test_links_in_sentences_become_numbered_notes() -> None:
    body, notes = to_text(read_markdown("See [one](https://example.org/1) and [two](https://example.org/2).\n"))
    assert body == "See one [1] and two [2]."
    assert notes == "[1] https://example.org/1\n[2] https://example.org/2"


def test_a_link_that_shows_its_address_needs_no_note() -> None:
    body, notes = to_text(read_markdown("See <https://example.org/1> or write to <mailto:ruth@example.org> today."))
    assert body == "See https://example.org/1 or write to mailto:ruth@example.org today."
    assert notes == ""


def test_a_lone_link_is_its_words_and_its_address_on_a_line_of_its_own() -> None:
    address = "https://example.org/" + "a" * 90
    assert text_of(f"Hello.\n\n[Read on]({address})") == f"Hello.\n\nRead on:\n{address}"


def test_emphasis_and_forced_line_breaks_stay_visible() -> None:
    assert text_of("a *b* **c** `d`  \ne\\\nf\ng") == "a _b_ *c* d\ne\nf g"


def test_lines_wrap_with_the_readers_values_in_mind() -> None:
    body = "x" * 60 + ' {{ first_name | default("friend") }} ' + "y" * 20
    lines = render(step(body), SAMPLE).text.split("\n")
    assert lines[0] == "x" * 60 + " Maya"
    assert lines[1] == "y" * 20


def test_entities_are_characters_and_html_is_as_written() -> None:
    assert text_of("a &amp; b &lt;c&gt; <b>d</b>") == "a & b <c> <b>d</b>"


words = st.text(
    st.characters(categories=["L", "N", "Po", "So"], exclude_characters="{}[]<>&*_`#+-=~|\\!:;."), min_size=1
)


@given(st.lists(words, min_size=1, max_size=80))
@settings(deadline=None)
def test_wrapping_loses_no_word_and_breaks_none(said: list[str]) -> None:
    paragraph = " ".join(said)
    lines = text_of("x " + paragraph).split("\n")
    assert " ".join(lines).split() == ["x", *paragraph.split()]
    for line in lines:
        assert len(line) <= WIDTH or " " not in line
