"""Articles of odd make, each after a real one (documentation, READMEs, manuals, books, blogs) that drafted badly."""

from __future__ import annotations

import pytest

from keepshowingup.core.drafting import draft
from keepshowingup.core.subjects import spare_lines

WALK = (
    "We walked down to the river and sat there for a while. Nobody said much. The bread was still warm, and the dog "
    "slept. Later on the rain came over the hill. We went home and put the kettle on. "
)


def test_a_short_heading_becomes_a_subject_with_a_few_words_after_it() -> None:
    line = "It rained all day long on the roof of the old house by the river and on the boats and on the road. "
    text = "\n\n".join(f"## {name}\n\n{line * 8}" for name in ("Bread and butter", "Why wait?"))
    subjects = [step.subject for step in draft(text)]
    assert subjects[0].startswith("Bread and butter: ")
    assert subjects[1].startswith("Why wait? ")
    assert all(30 <= len(subject) <= 50 for subject in subjects)


def test_a_long_sentence_lends_its_beginning_and_says_so() -> None:
    line = "When the evenings are longer than you would like, it helps to have a plan for the hour after supper, "
    (step,) = draft(f"{line}and to have it written down on the back of an old envelope in the kitchen drawer.")
    assert step.subject == "When the evenings are longer than you would like…"


@pytest.mark.parametrize(
    "line",
    [
        "For more information, see the file COPYING.",
        "Please scroll to the end to see the picture.",
        "Q. I moved here from the coast last year.",
        "We'll cover these situations below today.",
        "Nicholas Nethercote and Julian Seward.",
        "Special thanks to Paul Adams, Brian May, and others who came by to help us with the roof last summer in June.",
    ],
)
def test_lines_that_say_nothing_outside_their_page_are_no_subjects(line: str) -> None:
    (step,) = draft(line)
    assert step.subject in spare_lines()[0]


def test_a_question_stays_with_its_answer() -> None:
    asked = "Q. Should I sit on this bench or on the other one?"
    answer = f"A. {WALK * 3}"
    for step in draft("\n\n".join([asked, answer] * 6)):
        blocks = step.markdown.split("\n\n")
        assert not any(block == asked for block in blocks[-1:])
        assert [block for block in blocks if block == asked]


def test_the_lines_of_a_poem_stay_lines() -> None:
    poem = "I went by the wall in the morning,\nI went by the wall at noon,\nAnd nobody came to ask me."
    (step,) = draft(poem)
    assert "in the morning,\\\nI went by the wall at noon,\\\nAnd nobody" in step.markdown


def test_wrapped_prose_is_no_poem() -> None:
    (step,) = draft("We walked down to the river\nand sat there for a while.\nNobody said much.")
    assert "\\\n" not in step.markdown


def test_lines_of_a_sites_template_are_left_behind() -> None:
    loop = "{% for event in site.events %}\n{{ page.title }}\n{% endfor %}\n"
    (step,) = draft("{% include head.html %}\n\n" + f"{WALK}\n\n{loop}")
    assert "include" not in step.markdown
    assert "endfor" not in step.markdown
    assert "river" in step.markdown


def test_headings_in_capitals_never_shout_from_an_inbox() -> None:
    text = "\n\n".join(f"{name}\n\n{WALK * 4}" for name in ("THE MORNING AFTER THE RAIN CAME", "ON BREAD AND BUTTER"))
    for step in draft(text):
        assert not step.subject.isupper()


def test_badges_and_bare_images_are_left_behind() -> None:
    text = f"# Gate\n\n[![build](https://example.org/b.svg)](https://example.org) ![x](y.png)\n\n{WALK}"
    (step,) = draft(text)
    assert "svg" not in step.markdown
    assert "png" not in step.markdown


def test_code_is_kept_whole_and_asks_nobody_for_anything() -> None:
    (step,) = draft(f"{WALK}\n\n```\nsudo make bench\nmake clean\n```\n\n{WALK}")
    assert "```\nsudo make bench\nmake clean\n```" in step.markdown
