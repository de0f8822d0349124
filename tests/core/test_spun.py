from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.proofreading.labelled import labelled_texts
from keepshowingup.core.language import is_english
from keepshowingup.core.proofreading import proofread
from keepshowingup.core.word_pairs import pair_table, pairs_of, read_table, write_table

SPUN = (
    "A care gathering can furnish you with the passionate help which is required amid this time. You will construct "
    "sound connections with individuals who have strolled a similar way, and your dear ones will comprehend. It is "
    "basic to keep in intellect that you can adapt to desires. Get sufficient slumber, and consume nicely every day."
)
PLAIN = (
    "A support group can give you the emotional support you need during this time. You will build healthy "
    "relationships with people who have walked the same way, and your loved ones will understand. It is important "
    "to keep in mind that you can cope with cravings. Get enough sleep, and eat well every day."
)


def test_spun_text_is_told_from_the_text_it_was_spun_from() -> None:
    assert proofread(SPUN, "article").verdict == "spun"
    assert proofread(PLAIN, "article").verdict == "good"


def test_swapped_words_are_shown_in_their_places_with_the_ordinary_ones() -> None:
    found = [f for f in proofread(SPUN, "article").findings if f.rule == "garble.swapped"]
    assert len(found) >= 5
    assert all(f.phrase and f.line == 1 for f in found)
    assert any("eat well" in f.suggestion for f in found)
    assert len({(f.line, f.start) for f in found}) == len(found)


def test_one_odd_pair_of_words_is_no_finding() -> None:
    text = "We walked by the river. He spoke of sufficient slumber, and of bread. Then we all went home."
    assert proofread(text, "article").findings == ()


def test_spun_texts_have_more_unseen_pairs_than_plain_ones() -> None:
    assert proofread(SPUN, "article").unseen_pairs > 2 * proofread(PLAIN, "article").unseen_pairs


@pytest.mark.parametrize("part", ["tuned", "held"])
def test_no_good_text_of_the_labelled_set_is_called_spun(part: str) -> None:
    for text in labelled_texts(part):
        if text.is_good:
            assert proofread(text.text, text.kind).verdict != "spun", text.name


def test_names_figures_and_marks_part_words() -> None:
    text = "Then we saw Anna go. The old man, the 3 boats and a well-known song"
    pairs = [(pair.first, pair.second) for pair in pairs_of(text)]
    assert pairs == [("then", "we"), ("we", "saw"), ("the", "old"), ("old", "man"), ("boats", "and"), ("and", "a")]


@given(st.text(max_size=200))
def test_pairs_lie_where_they_say(text: str) -> None:
    for pair in pairs_of(text):
        assert " ".join(text[pair.start : pair.end].lower().split()) == f"{pair.first} {pair.second}"


def test_the_table_knows_common_pairs_and_not_odd_ones() -> None:
    table = pair_table()
    assert table.knows("loved", "ones")
    assert table.knows("of", "the")
    assert not table.knows("passionate", "help")


def test_a_table_is_read_as_it_was_written_and_a_broken_one_is_refused() -> None:
    pairs = [("good", "morning"), ("slow", "bread")]
    data = write_table(["good", "morning", "slow", "bread"], pairs, bits_per_pair=10, hashes=6)
    table = read_table(data)
    assert table.words == {"good", "morning", "slow", "bread"}
    assert all(table.knows(*pair) for pair in pairs)
    for broken in (b"", data[:-1], b"x" + data):
        with pytest.raises(ValueError, match="Make it again"):
            read_table(broken)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        (PLAIN, True),
        ("Er ist seit drei Jahren clean, und seine Familie freut sich sehr darüber, dass er wieder arbeitet.", False),
        ("La semaine dernière, nous avons parlé de la soirée avec des amis, et le pain était encore chaud.", False),
        ("Ella no tiene que hacerlo sola, y la puerta de la casa está abierta todas las noches del año.", False),
        ("Bonjour", True),
    ],
)
def test_languages_are_told_apart(text: str, english: bool) -> None:
    assert is_english(text) is english


def test_another_language_is_not_judged_as_english() -> None:
    text = "Er ist seit drei Jahren clean, und seine Familie freut sich sehr. Er war ein Alcoholic, sagt sein Bruder."
    report = proofread(text, "article")
    assert [(f.rule, f.severity) for f in report.findings] == [("style.language", "note")]
    assert report.unseen_pairs == 0.0


def test_a_foreign_paragraph_in_an_english_text_is_left_alone() -> None:
    german = "Er ist seit drei Jahren clean, und seine Familie freut sich sehr darüber, dass er wieder arbeitet."
    assert proofread(f"{PLAIN}\n\n{german}\n\n{PLAIN} Come in.", "letter").verdict in {"good", "look"}
    assert not [f for f in proofread(f"{PLAIN}\n\n{german}", "article").findings if f.kind == "stigma"]
