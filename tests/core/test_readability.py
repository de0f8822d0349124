from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.prose import count_words, sentence_spans, sentences
from keepshowingup.core.readability import grade, grade_of, syllables

COUNTED = {
    1: "cat house makes hopes asked friend loved whole smile league tongue fruit friends years goes breathe guess",
    2: "water little hopeless walking needed table quiet science being maybe trying wishes voices giant evening isn't",
    3: "together beautiful community connection serious opinion telephone religion audience museum suicide".replace(
        "community", "medical"
    ),
    4: "recovery medication community anxiety society experience information usually everybody alcoholic",
}


@pytest.mark.parametrize(("count", "word"), [(count, word) for count, row in COUNTED.items() for word in row.split()])
def test_syllables_are_counted_as_they_are_spoken(count: int, word: str) -> None:
    assert syllables(word) == count


def test_a_compound_is_the_sum_of_its_parts() -> None:
    assert syllables("well-known") == 2
    assert syllables("2020") == 1


def test_the_grade_is_the_formula_of_flesch_and_kincaid() -> None:
    assert grade_of(words=100, sentences=10, syllables=150) == pytest.approx(6.0, abs=0.05)
    assert grade("The cat sat on the mat. It was warm.") == 0.0


def test_long_words_and_sentences_raise_the_grade() -> None:
    plain = "We sat by the river and talked for a while. Then it was time to go home."
    hard = (
        "Organisational considerations regarding interdisciplinary collaboration necessitate comprehensive evaluation "
        "of institutional responsibilities, methodological presuppositions and administrative accountability."
    )
    assert grade(plain) < 4
    assert grade(hard) > 15


@pytest.mark.parametrize("text", ["", "   ", "...", "\ufeff"])
def test_a_text_without_words_has_grade_zero(text: str) -> None:
    assert grade(text) == 0.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Ames came at 5 p.m. and stayed.", 1),
        ("He came at 5 p.m. She left.", 2),
        ("Bring bread, e.g. rye. Then sit.", 2),
        ("It costs 3.50 today. Good.", 2),
        ("“Is it late?” she asked. No.", 2),
        ("Wait... what? Yes!", 2),
        ("No stop at the end", 1),
        ("One.\n\nTwo", 2),
        ("これは文です。次の文です。", 2),
    ],
)
def test_sentences_end_where_a_reader_would_stop(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@given(st.text())
def test_every_character_is_in_exactly_one_sentence(text: str) -> None:
    covered = [index for start, end in sentence_spans(text) for index in range(start, end)]
    assert len(covered) == len(set(covered))
    assert {index for index, character in enumerate(text) if not character.isspace()} <= set(covered)


def test_words_are_counted_as_people_count_them() -> None:
    assert count_words("Don't count the well-known twice, at 3.50 each.") == 8
    assert count_words("日本語") == 3
