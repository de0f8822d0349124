"""What changed between two texts, and putting two people's changes together."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.core.differences import Piece, paragraphs, rows_between, words_between
from keepshowingup.core.merging import merge, sentences

WORDS = st.sampled_from(
    ["Somebody ", "stayed", ". ", "! ", "\n", "\n\n", " ", "a ", "the ", "don\u2019t ", "É", "{{ x }}", ", "]
)
TEXT = st.one_of(st.lists(WORDS, max_size=40).map("".join), st.text(max_size=60))


@settings(max_examples=60)
@given(TEXT, TEXT)
def test_the_rows_give_both_texts_back(before: str, after: str) -> None:
    rows = rows_between(before, after)
    assert "".join(piece.text for row in rows for piece in row.before) == before
    assert "".join(piece.text for row in rows for piece in row.after) == after
    assert all(piece.text for row in rows for piece in row.pieces)
    assert (before == after) == all(row.is_same for row in rows)


@given(TEXT)
def test_paragraphs_and_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(paragraphs(text)) == text
    assert "".join(sentences(text)) == text


def test_one_changed_word_is_one_changed_word() -> None:
    assert words_between("A sister called on Sundays.", "A brother called on Sundays.") == (
        Piece("same", "A "),
        Piece("gone", "sister"),
        Piece("new", "brother"),
        Piece("same", " called on Sundays."),
    )


def test_changed_words_next_to_each_other_read_as_one_change() -> None:
    pieces = words_between("one two three", "one red fox three")
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind != "same"] == [
        ("gone", "two"),
        ("new", "red fox"),
    ]
    assert words_between("old, grey", "new, blue") == (Piece("gone", "old, grey"), Piece("new", "new, blue"))


def test_a_paragraph_that_came_in_leaves_the_others_alone() -> None:
    rows = rows_between("One.\n\nThree.\n", "One.\n\nTwo.\n\nThree.\n")
    assert [(row.is_same, "".join(piece.text for piece in row.after)) for row in rows] == [
        (True, "One.\n\n"),
        (False, "Two.\n\n"),
        (True, "Three.\n"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a " * 20_000, "b a " * 10_000),
        ("\n" * 40_000, "x\n" * 20_000),
        ("a\n\n" * 8_000, "a\n\nb\n\n" * 4_000),
        (" ".join(f"word{n}" for n in range(5_000)), " ".join(f"word{n}" for n in reversed(range(5_000)))),
        ("x a x b x c " * 4_000, "x 1 x 2 x 3 " * 4_000),
        ("." * 40_000, ". " * 20_000),
    ],
    ids=["one word", "empty lines", "short paragraphs", "turned round", "one word among others", "dots"],
)
def test_the_longest_letter_takes_no_time_worth_speaking_of(before: str, after: str) -> None:
    began = time.process_time()
    rows = rows_between(before, after)
    merge(before, after, before + "x")
    # Without a bound these take minutes to hours of processor time.
    assert time.process_time() - began < 30
    assert "".join(piece.text for row in rows for piece in row.after) == after


@settings(max_examples=60)
@given(TEXT, TEXT)
def test_who_changed_nothing_gets_what_the_other_wrote(base: str, other: str) -> None:
    for merged in (merge(base, other, base), merge(base, base, other), merge(base, other, other)):
        assert merged.text == other
        assert merged.is_whole


@settings(max_examples=60)
@given(TEXT, TEXT, TEXT)
def test_it_makes_no_difference_who_was_first_unless_they_touch(base: str, one: str, other: str) -> None:
    merged, turned = merge(base, one, other), merge(base, other, one)
    assert merged.is_whole == turned.is_whole
    if merged.is_whole:
        assert merged.text == turned.text


SENTENCES = st.lists(st.sampled_from(["One. ", "Two! ", "Three? ", "Four\n", "Five.\n\n"]), min_size=1, max_size=8)


@given(SENTENCES, st.data())
def test_changes_in_different_sentences_are_both_there(words: list[str], data: st.DataObject) -> None:
    places = st.integers(0, len(words) - 1)
    here = data.draw(places)
    there = data.draw(places.filter(lambda place: place != here) if len(words) > 1 else places)
    base = [f"{number} {text}" for number, text in enumerate(words)]
    theirs, mine, both = base.copy(), base.copy(), base.copy()
    theirs[here] = both[here] = f"Theirs {base[here]}"
    if there != here:
        mine[there] = both[there] = f"Mine {base[there]}"
    merged = merge("".join(base), "".join(theirs), "".join(mine))
    assert merged.is_whole
    assert merged.text == "".join(both)


def test_changes_in_one_sentence_touch_and_mine_is_in_the_text() -> None:
    merged = merge("Good day. A sister called.", "Good day. A brother called.", "Good day. An aunt called.")
    assert merged.text == "Good day. An aunt called."
    assert [(touch.base, touch.theirs, touch.mine) for touch in merged.touches] == [
        ("A sister called.", "A brother called.", "An aunt called.")
    ]


def test_two_sentences_put_in_at_one_place_touch() -> None:
    merged = merge("One. Three.", "One. Two. Three.", "One. Deux. Three.")
    assert merged.text == "One. Deux. Three."
    assert len(merged.touches) == 1
