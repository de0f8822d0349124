"""Findings as sentences, and mending them in one press."""

from __future__ import annotations

import pytest

from keepshowingup.core.word_rules import word_rules
from keepshowingup.web.staff.preview import Shown
from keepshowingup.web.staff.reading import even_lines, read_article, read_letter, replace
from keepshowingup.web.staff.underlining import underlines_of

SUBJECT, LINE = "You don't have to do it alone", "A short note about the people around you"


def mended(body: str) -> str:
    """The body after the first finding that can be mended was."""
    reading = read_letter(SUBJECT, LINE, body)
    note = next(note for note in reading.notes if note.mend)
    return replace(SUBJECT, LINE, body, note.key)["body"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("My brother is an addict.", "My brother is a person with a substance use disorder."),
        ("Addicts often feel alone.", "People with a substance use disorder often feel alone."),
        ("The drunks are loud.", "The people who drink heavily are loud."),
        ("She is a recovering alcoholic.", "She is a person in recovery."),
        ("He committed suicide.", "He died by suicide."),
    ],
)
def test_one_press_puts_the_better_words_into_the_sentence(before: str, after: str) -> None:
    assert mended(before) == after


def test_only_the_finding_that_was_pressed_is_mended() -> None:
    body = "First line.\r\n\r\nHe is an addict. She is an addict.\r\n"
    reading = read_letter(SUBJECT, LINE, body)
    second = [note for note in reading.notes if note.mend][1]
    text = replace(SUBJECT, LINE, body, second.key)["body"]
    assert text == "First line.\n\nHe is an addict. She is a person with a substance use disorder.\n"


def test_a_finding_that_is_gone_mends_nothing() -> None:
    reading = read_letter(SUBJECT, LINE, "My brother is an addict.")
    key = reading.notes[0].key
    assert replace(SUBJECT, LINE, "My brother is well.", key) == {}
    assert replace(SUBJECT, LINE, "My brother is an addict.", "body:1:0:9:nonsense") == {}


def test_every_rule_that_can_be_mended_leaves_none_of_its_own_findings() -> None:
    tried = 0
    for rule in word_rules():
        if not rule.texts & {"letter"}:
            continue
        for example in rule.fails:
            notes = [n for n in read_letter(SUBJECT, LINE, example).notes if n.finding.rule == rule.id and n.mend]
            if notes:
                tried += 1
                after = replace(SUBJECT, LINE, example, notes[0].key)["body"]
                left = [n for n in read_letter(SUBJECT, LINE, after).notes if n.finding.rule == rule.id]
                assert len(left) < len(notes), (rule.id, example, after)
    assert tried > 20


def test_marks_are_counted_as_browsers_count() -> None:
    body = "🌊🌊 First.\n\nMy brother is an addict."
    (underline,) = underlines_of(body, read_letter(SUBJECT, LINE, body), Shown(None))
    units = body.encode("utf-16-le")
    assert units[2 * underline["start"] : 2 * underline["end"]].decode("utf-16-le") == "addict"
    assert (underline["severity"], underline["mend"]) == ("block", "Replace")


def test_the_line_that_keeps_it_from_being_a_letter_is_underlined() -> None:
    body = "One\r\n\r\n  Hello {{ shoe_size }}"
    fault = Shown(None, fault="There is no such field.", part="body", line=3)
    *found, underline = underlines_of(body, read_letter(SUBJECT, LINE, body), fault)
    assert even_lines(body)[underline["start"] : underline["end"]] == "Hello {{ shoe_size }}"
    assert underline["says"] == "There is no such field."
    past_the_end = Shown(None, fault="It ends too soon.", part="body", line=9)
    assert underlines_of(body, read_letter(SUBJECT, LINE, body), past_the_end) == found


def test_what_blocks_comes_first_and_a_clear_letter_has_nothing() -> None:
    reading = read_letter(SUBJECT, LINE, "A little willpower helps.\n\nMy brother is an addict.")
    assert [note.word for note in reading.notes][:2] == ["Blocks", "Look"]
    assert (reading.blocks, reading.found) == (1, "2 findings")
    clear = read_letter(SUBJECT, LINE, "Somebody stayed, and that was enough for the day.")
    assert clear.blocks == 0


def test_a_subject_that_gives_the_topic_away_blocks() -> None:
    reading = read_letter("Your first sober week is behind you", LINE, "Somebody stayed.")
    note = next(note for note in reading.notes if note.finding.severity == "block")
    assert (note.part, note.where) == ("subject", "The subject")


def test_an_article_is_read_too() -> None:
    reading = read_article("Finding your people\n\nMy brother is an addict.\n")
    assert reading.blocks == 1
    assert reading.weight.startswith("8 words")


def test_a_text_that_was_spun_blocks_as_a_whole() -> None:
    said = "A sister called on Sundays, and a neighbour never asked why he came so late. "
    reading = read_letter(SUBJECT, LINE, said * 6)
    assert reading.verdict == "spun"
    first = reading.notes[0]
    assert (first.word, first.what, first.where, first.mend) == ("Blocks", "The letter as a whole", "", "")
    assert "in your own words" in first.finding.suggestion
