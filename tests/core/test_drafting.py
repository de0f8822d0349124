from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from keepshowingup.core.discretion import is_discreet, topic_spans
from keepshowingup.core.drafting import DEFAULT_CADENCE, GREETING, DraftStep, article_title, draft
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.proofreading import proofread
from keepshowingup.core.prose import sentences
from keepshowingup.letters.compile import compile_letter

ARTICLES = sorted(
    (entry for entry in files("keepshowingup.editorial").joinpath("articles").iterdir() if entry.name.endswith(".md")),
    key=lambda entry: entry.name,
)
WORDS = [
    "lamp", "bread", "river", "kettle", "window", "bench", "garden", "thread", "coat", "bus", "letter",
    "spoon", "bridge", "stone", "apple", "cloud", "road", "chair", "quiet", "warm", "slow", "plain",
    "small", "early", "late", "green", "wide", "mild", "kind", "carries", "keeps", "finds", "opens",
    "mends", "follows", "brings", "holds", "leaves", "waits",
]  # fmt: skip


def sentence(number: int, length: int = 12) -> str:
    row = [WORDS[(number * 7 + index * 5 + number // 3) % len(WORDS)] for index in range(length - 1)]
    return f"{row[0].capitalize()} {' '.join(row[1:])} {number}."


def paragraph(first: int, count: int = 5, length: int = 12) -> str:
    return " ".join(sentence(first + index, length) for index in range(count))


def told(steps: list[DraftStep]) -> list[str]:
    """The sentences of the article in the letters, in order: no greeting, no heading, no call to action of ours."""
    said = []
    for step in steps:
        for block in step.markdown.split("\n\n"):
            if block != GREETING and not block.startswith(("## ", "**One small thing.** ")):
                said += [" ".join(part.split()) for part in sentences(block)]
    return said


@st.composite
def articles(draw: st.DrawFn) -> tuple[str, list[str]]:
    """An article, and its sentences: with headings, marked or not, and with some line ends."""
    body, said = [], []
    number = 0
    kinds = draw(st.sampled_from([["atx", "setext", "bold", "none"], ["plain"]]))
    for part in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(kinds))
        name = f"{WORDS[part * 3].capitalize()} and {WORDS[part * 3 + 1]}"
        if kind != "none":
            body.append({"atx": f"## {name}", "setext": f"{name}\n------", "plain": name, "bold": f"**{name}**"}[kind])
        for _ in range(draw(st.integers(1, 6))):
            count, length = draw(st.integers(2, 9)), draw(st.integers(5, 30))
            lines = [sentence(number + index, length) for index in range(count)]
            number += count
            said += lines
            body.append(draw(st.sampled_from([" ", "\n"])).join(lines))
    text = "\n\n".join(body)
    text = draw(st.sampled_from(["", "\ufeff", "---\ntitle: Some days\n---\n\n"])) + text
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"]))), said


@settings(max_examples=80, deadline=None)
@given(articles())
def test_every_sentence_of_the_article_is_in_exactly_one_letter_in_order(article: tuple[str, list[str]]) -> None:
    text, said = article
    # A line set apart above the text is its title, and no sentence here is one.
    assert told(draft(text)) == said


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=1500))
def test_a_draft_of_any_text_at_all_is_made_of_letters_that_can_be_compiled(text: str) -> None:
    for step in draft(text):
        assert step.words > 0
        compile_letter("step", subject=step.subject, preheader=step.preheader, body=step.markdown)


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet="{}%# \n\"'|ab.[]()*_-", max_size=200))
def test_braces_of_an_article_are_printed_and_never_run(text: str) -> None:
    environment = ImmutableSandboxedEnvironment()
    for step in draft(f"Plain words first. {text}"):
        rendered = environment.from_string(step.markdown).render(first_name="")
        assert rendered.startswith("Hello friend,")
        assert rendered.count("{") <= text.count("{")


def test_template_code_in_an_article_stays_text() -> None:
    body = "Write {{ secret }} and {% for x in y %} and {# this #} just so, and the rest follows."
    (step,) = draft(body)
    assert body in ImmutableSandboxedEnvironment().from_string(step.markdown).render(first_name="Maya")


@pytest.mark.parametrize("article", ARTICLES, ids=lambda entry: str(entry.name))
def test_our_own_articles_draft_into_letters_that_are_fit_to_send(article: object) -> None:
    text = article.read_text("utf-8")  # type: ignore[attr-defined]
    steps = draft(text)
    assert 5 <= len(steps) <= 6
    assert [step.day for step in steps] == list(DEFAULT_CADENCE[: len(steps)])
    for step in steps:
        assert 120 <= step.words <= 250
        assert proofread(step.markdown, "letter").verdict == "good"
        assert proofread(step.subject, "subject").verdict == "good"
        assert proofread(step.preheader, "preheader").verdict == "good"
        assert "CC BY" not in step.markdown
    assert len({step.subject for step in steps}) == len(steps)


def test_our_own_articles_are_of_the_promised_size() -> None:
    assert len(ARTICLES) == 3
    for article in ARTICLES:
        report = proofread(article.read_text("utf-8"), "article")
        assert report.findings == ()
        assert 700 <= report.words <= 1130  # the title and the source line are counted too
        assert report.grade <= 7


def test_each_section_becomes_a_letter_and_keeps_its_heading() -> None:
    text = "# A title\n\n" + "\n\n".join(f"## Part {n}\n\n{paragraph(n * 20, 10)}" for n in range(4))
    steps = draft(text)
    assert [re.findall("^## (.*)", step.markdown, re.MULTILINE) for step in steps] == [[f"Part {n}"] for n in range(4)]
    assert all("A title" not in step.markdown for step in steps)


def test_small_sections_are_merged() -> None:
    text = "\n\n".join(f"## Part {n}\n\n{paragraph(n * 20, 3)}" for n in range(6))
    steps = draft(text)
    assert len(steps) < 6
    assert all(step.words >= 80 for step in steps)


def test_a_long_section_is_split_between_paragraphs() -> None:
    text = "## One\n\n" + "\n\n".join(paragraph(n * 20, 5) for n in range(12))
    steps = draft(text)
    assert len(steps) > 1
    assert all(120 <= step.words <= 250 for step in steps)
    assert all(block in text for step in steps for block in step.markdown.split("\n\n")[1:-1])


def test_a_wall_of_text_is_split_between_sentences() -> None:
    wall = " ".join(sentence(n, 14) for n in range(200))
    steps = draft(wall)
    assert told(steps) == sentences(wall)
    assert all(80 <= step.words <= 300 for step in steps)


def test_an_article_without_headings_is_split_all_the_same() -> None:
    text = "\n\n".join(paragraph(n * 9, 6) for n in range(8))
    assert len(draft(text)) >= 3


def test_ten_words_make_one_letter() -> None:
    (step,) = draft("These are ten words and they make one short letter.")
    assert step.position == 1
    assert step.day == 0


@pytest.mark.parametrize("text", ["", "   \n\n ", "\ufeff", "---\ntitle: Nothing\n---\n", "<!-- nothing -->", "***"])
def test_a_text_without_words_makes_no_letter(text: str) -> None:
    assert draft(text) == []


def test_twenty_thousand_words_are_drafted_too() -> None:
    text = "\n\n".join(paragraph(n * 8, 8, 16) for n in range(160))
    steps = draft(text)
    assert sum(step.words for step in steps) > 20_000
    assert steps[-1].day == 365 + 60 * (len(steps) - 14)
    assert len({step.subject for step in steps}) == len(steps)


def test_unmarked_headings_are_found() -> None:
    lines = [
        "What Helps on Slow Days",
        paragraph(1, 9),
        "The quiet hour",
        paragraph(30, 9),
        "Why wait?",
        paragraph(60, 9),
    ]
    text = "\n\n".join(lines)
    steps = draft(text)
    assert [re.findall("^## (.*)", step.markdown, re.MULTILINE) for step in steps] == [
        [],
        ["The quiet hour"],
        ["Why wait?"],
    ]
    assert article_title(text) == "What Helps on Slow Days"


def test_numbered_lines_that_stand_alone_are_headings_and_lists_are_lists() -> None:
    shopping = "1. tea\n2. bread\n3. salt"
    text = "\n\n".join(["1. Open the window", paragraph(1, 9), "2. Put the kettle on", paragraph(30, 9), shopping])
    steps = draft(text)
    assert [re.findall("^## (.*)", step.markdown, re.MULTILINE) for step in steps] == [
        ["Open the window"],
        ["Put the kettle on"],
    ]
    assert shopping in steps[-1].markdown


def test_page_residue_is_left_behind() -> None:
    text = (
        "Home > Blog > Slow days\n\nSlow days\n\nPosted on May 4, 2020 by admin\n\n"
        f"{paragraph(1, 9)}\n\n![A lamp](lamp.png)\n\nShare this:\n\nFacebook\nTwitter\n\nLeave a comment\n\n"
        "We use cookies to make this site better.\n"
    )
    steps = draft(text)
    assert told(steps) == sentences(paragraph(1, 9))


def test_links_that_lead_nowhere_become_words_and_good_ones_stay() -> None:
    text = (
        "See [the guide][1] and [our page](/about) and ![x](y.png) [mail us](mailto:a@example.org) "
        f"or <b>rest</b>.[^2] {paragraph(1, 6)}\n\n[1]: https://example.org/guide\n"
    )
    (step,) = draft(text)
    assert (
        "See [the guide](https://example.org/guide) and our page and  [mail us](mailto:a@example.org) or rest."
        in step.markdown
    )


def test_a_subject_never_gives_the_topic_away() -> None:
    text = "\n\n".join(
        f"## Your recovery from alcohol, part {n}\n\nThis drug is hard to leave behind for you. {paragraph(n * 20, 10)}"
        for n in range(5)
    )
    for step in draft(text):
        assert topic_spans(step.subject) == []
        assert is_discreet(step.preheader)
        assert 30 <= len(step.subject) <= 50
        assert 40 <= len(step.preheader) <= 90
        assert step.subject.lower() not in step.preheader.lower()


def test_a_letter_asks_for_one_thing() -> None:
    asks = "Try one small thing this week."
    text = "\n\n".join(f"## Part {n}\n\n{paragraph(n * 20, 10)}" for n in range(3)) + f"\n\n{asks}"
    steps = draft(text)
    assert [step.markdown.count("**One small thing.**") for step in steps] == [1, 1, 0]
    assert steps[-1].action == "own"


def test_the_days_come_from_the_cadence_and_go_on_beyond_it() -> None:
    text = "\n\n".join(f"## Part {n}\n\n{paragraph(n * 20, 10)}" for n in range(4))
    assert [step.day for step in draft(text, cadence=(1, 3))] == [1, 3, 63, 123]
    assert all(a.day < b.day for a, b in pairwise(draft(text)))


@pytest.mark.parametrize("cadence", [(), (3, 1), (0, 0), (-1, 2)])
def test_a_cadence_that_does_not_rise_is_refused(cadence: tuple[int, ...]) -> None:
    with pytest.raises(WrongUsage, match="rises"):
        draft("Some words.", cadence=cadence)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'Slow days'\n---\nText.", "Slow days"),
        ("# Slow days\n\n## One\n\nText.", "Slow days"),
        ("Slow days\n=========\n\nText follows here and goes on.", "Slow days"),
        ("Some words without a name. More of them.", "Some words without a name"),
        ("", "Untitled"),
    ],
)
def test_an_article_has_a_title(text: str, title: str) -> None:
    assert article_title(text) == title
