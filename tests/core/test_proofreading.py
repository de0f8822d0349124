from __future__ import annotations

import datetime as dt
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.proofreading.labelled import labelled_texts
from keepshowingup.core.proofreading import Finding, Report, TextKind, proofread
from keepshowingup.core.word_rules import WordRule, word_rules

RULES = word_rules()
CALM = "The kettle is warm and the window is open. You can sit here for a while, and nobody will ask you to talk. "


def rules_in(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def kind_for(rule: WordRule) -> TextKind:
    return "letter" if "letter" in rule.texts else "subject"


@pytest.mark.parametrize(
    ("rule", "example"),
    [(rule, example) for rule in RULES for example in rule.fails],
    ids=lambda value: value.id if isinstance(value, WordRule) else value[:40],
)
def test_what_a_rule_is_about_is_found(rule: WordRule, example: str) -> None:
    found = [finding for finding in proofread(example, kind_for(rule)).findings if finding.rule == rule.id]
    assert found
    assert found[0].severity == rule.severity
    assert found[0].kind == rule.kind


@pytest.mark.parametrize(
    ("rule", "example"),
    [(rule, example) for rule in RULES for example in rule.passes],
    ids=lambda value: value.id if isinstance(value, WordRule) else value[:40],
)
def test_what_only_looks_like_it_is_left_alone(rule: WordRule, example: str) -> None:
    assert rule.id not in rules_in(proofread(example, kind_for(rule)))


def test_every_rule_says_why_and_has_examples_of_both_kinds() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.why
        assert rule.severity in {"block", "warn", "note"}
        assert rule.passes
        assert rule.fails
        assert rule.advice.endswith(".")


def test_a_finding_says_exactly_where() -> None:
    report = proofread("First line.\r\nMy *brother* is an addict, they say.\r\n", "letter")
    (finding,) = report.findings
    assert finding == Finding(
        2, 19, 25, "addict", "stigma.addict", "stigma", "block",
        "Write “person with a substance use disorder”: “addict” makes the illness the whole person.",
    )  # fmt: skip
    assert report.verdict == "blocked"
    assert report.blocks == (finding,)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["addict", "the the", "a apple", "STOP NOW", "!!", "Share this:", "\n", "\r\n", "\n\n", "# ", "> ", "- ",
             "`x`", "{{ first_name }}", "[here](https://example.org)", "“", "”", '"', "clean since May",
             "ünï", "\ufeff", ". "]
        ),
        max_size=30,
    )
)  # fmt: skip
def test_whatever_the_text_the_phrase_lies_where_the_finding_says(parts: list[str]) -> None:
    text = " ".join(parts)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for finding in proofread(text, "letter").findings:
        line = lines[finding.line - 1]
        assert 0 <= finding.start <= finding.end <= len(line)
        shown = " ".join(line[finding.start : finding.end].split())
        assert finding.phrase.rstrip("…").startswith(shown) or shown.startswith(finding.phrase.rstrip("…"))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.sampled_from(["article", "letter", "subject"]))
def test_any_text_can_be_read(text: str, kind: TextKind) -> None:
    report = proofread(text, kind)
    assert report.verdict in {"good", "look", "blocked", "spun"}
    assert report.grade >= 0
    assert 0 <= report.unseen_pairs <= 1


@pytest.mark.parametrize(
    "text",
    [
        "She went to Alcoholics Anonymous on Mondays.",
        "The National Institute on Drug Abuse wrote it down.",
        "It was in the Journal of Substance Abuse Treatment.",
        "They called her “an addict” for years.",
        '"I was a junkie," he wrote.',
        "> I am an addict, and I am here.",
        "Run `clean addict` in `drug abuse`.",
        "See <https://example.org/addict> for more.",
    ],
)
def test_names_quotations_and_code_are_exempt(text: str) -> None:
    assert [f for f in proofread(text).findings if f.kind == "stigma"] == []


def test_a_heading_in_title_case_is_no_proper_name() -> None:
    assert "stigma.addict" in rules_in(proofread("# How Addicts Get Better\n\nWords follow."))


def test_words_across_a_line_break_are_found_and_across_paragraphs_are_not() -> None:
    assert "stigma.substance-abuse" in rules_in(proofread("It is about substance\nabuse in towns."))
    assert "stigma.substance-abuse" not in rules_in(proofread("It is about a substance\n\nabuse is another word."))


def test_ap_allows_what_the_va_avoids() -> None:
    text = "Alcoholism runs in families."
    assert "stigma.alcoholism" in rules_in(proofread(text))
    assert "stigma.alcoholism" not in rules_in(proofread(text, house="ap"))


@pytest.mark.parametrize(
    "text",
    ["She had had enough.", "I think that that is fine.", "It was very very late.", "Walla Walla is a town.",
     "Bye bye now.", "I will go to to-do lists.", "He gave her her coat."],
)  # fmt: skip
def test_words_that_may_stand_twice_do(text: str) -> None:
    assert proofread(text).findings == ()


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It is in the the house.", "the the"),
        ("We walk and\nand talk.", "and and"),
        ("It takes rest rest.", "rest rest"),
    ],
)
def test_words_said_twice_by_mistake_are_found(text: str, phrase: str) -> None:
    assert [f.phrase for f in proofread(text).findings if f.rule == "garble.word-twice"] == [phrase]


@pytest.mark.parametrize(
    "text",
    ["An hour, an honest heir, a house.", "A union, a user, a European, a one-way street.", "An apple and an umbrella.",
     "A unit of a university.", "An MRI, a CD, an SMS.", "Vitamin A is good.", "Hepatitis a and b.", "An 8-day walk.",
     "A uniform, an uncle, an understanding ear.", "A usual day, an unusual one.", "An herb or a herb.",
     "An eye, an ear, an idea.", "An ordinary oven, an hourly bus, a once quiet town.", "A eulogy.", "An inn.",
     "A ukulele and an uproar."],
)  # fmt: skip
def test_articles_go_by_sound(text: str) -> None:
    assert [f.phrase for f in proofread(text).findings if f.rule == "garble.article"] == []


@pytest.mark.parametrize(
    ("text", "advice"),
    [("A apple a day.", "an apple"), ("He is an kind man.", "a kind"), ("It was a honest word.", "an honest"),
     ("An university town.", "a university"), ("a hour later", "an hour")],
)  # fmt: skip
def test_wrong_articles_are_found(text: str, advice: str) -> None:
    (found,) = [f for f in proofread(text).findings if f.rule == "garble.article"]
    assert advice in found.suggestion


def test_spun_text_is_called_spun() -> None:
    text = (
        "Chemical reliance is an hard thing for dear ones. A care gathering can assist you to recuperate, and and the "
        "heal of the body begins. Keep in intellect that passionate support matters. Think almost your recovery "
        "excursion each day."
    )
    assert proofread(text, "article").verdict == "spun"


def test_a_sentence_pasted_twice_is_found_once() -> None:
    line = "The lamp beside the door is lit for you every evening."
    report = proofread(f"{line} Come in.\n\nSomething else. {line}")
    assert rules_in(report).count("garble.sentence-twice") == 1


def test_residue_is_found_line_by_line() -> None:
    text = f"# Slow days\n\nHome > Blog > Slow days\n\n{CALM}\n\nSlow days\n\nShare this:\nFacebook\n\n3 Comments\n"
    found = [(f.line, f.rule) for f in proofread(text, "article").findings if f.kind == "residue"]
    assert found == [
        (3, "residue.furniture"),
        (7, "residue.title"),
        (9, "residue.furniture"),
        (10, "residue.furniture"),
        (12, "residue.furniture"),
    ]


def test_a_claim_about_health_names_its_source() -> None:
    assert "claim.unsourced" in rules_in(proofread("Research shows that sleep heals the brain."))
    assert "claim.unsourced" not in rules_in(proofread("Research shows that sleep helps ([NIH](https://nih.gov/x))."))
    assert "claim.unsourced" not in rules_in(proofread("Research shows that bees like blue."))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("You can do it!! Go on.", "style.exclamation"),
        ("THIS IS VERY LOUD today.", "style.capitals"),
        ("You are NOT alone here.", "style.capitals"),
        ("![](lamp.png) A lamp.", "structure.no-alt"),
        ("Hello {{ first_name }}, good morning.", "structure.no-fallback"),
        ("[One](https://a.example)\n\nWords.\n\n[Two](https://b.example)", "structure.two-actions"),
    ],
)
def test_loud_and_unfinished_letters_are_noticed(text: str, rule: str) -> None:
    assert rule in rules_in(proofread(text))


def test_acronyms_and_fallbacks_are_fine() -> None:
    text = 'Hello {{ first_name | default("friend", true) }}, NASA and the NHS wrote. See {{ article_url }}.'
    assert proofread(text).findings == ()


@pytest.mark.parametrize(("times", "severity"), [(12, "warn"), (20, "block")])
def test_a_long_letter_is_noticed(times: int, severity: str) -> None:
    text = "\n\n".join(f"{CALM} Number {number} is done." for number in range(times))
    (found,) = [f for f in proofread(text).findings if f.rule == "structure.length"]
    assert found.severity == severity
    assert "structure.length" not in rules_in(proofread(text, "article"))


def test_hard_text_is_graded_and_blocked() -> None:
    hard = (
        "Organisational considerations regarding interdisciplinary collaboration necessitate comprehensive "
        "evaluation of institutional responsibilities and administrative accountability. Considerable methodological "
        "presuppositions notwithstanding, practitioners nevertheless demonstrate remarkable perseverance throughout "
        "increasingly complicated, heterogeneous, and unpredictable organisational environments, which ultimately "
        "transforms communities everywhere around them in surprising ways."
    )
    report = proofread(hard)
    assert report.grade > 10
    assert any(f.rule == "style.grade" and f.severity == "block" for f in report.findings)
    assert proofread(CALM * 4).grade < 6


def test_long_sentences_are_marked() -> None:
    text = " ".join(["quiet"] + ["lamp and river"] * 9) + "."
    found = [f for f in proofread(text).findings if f.rule == "style.long-sentence"]
    assert [f.severity for f in found] == ["note"]


@pytest.mark.parametrize(
    "subject",
    ["Your recovery today", "One year sober", "About alcohol", "After a relapse", "Treatment options", "AA tonight?"],
)
def test_a_subject_that_gives_the_topic_away_is_blocked(subject: str) -> None:
    report = proofread(subject, "subject")
    assert report.verdict == "blocked"
    assert any(finding.kind == "discreet" for finding in report.findings)


def test_a_calm_subject_is_good() -> None:
    assert proofread("You don't have to do it alone", "subject").verdict == "good"
    assert proofread("A subject that goes on and on and on, well past what fits", "subject").verdict == "look"


def test_links_to_hosts_nobody_listed_are_noticed() -> None:
    text = "[This](https://known.example/a), [that](https://www.known.example/b), [more](https://odd.example/c) of it."
    found = [
        f for f in proofread(text, hosts=frozenset({"known.example"})).findings if f.rule == "structure.unlisted-host"
    ]
    assert len(found) == 1
    assert "odd.example" in found[0].suggestion
    assert proofread(text).findings == ()


def test_commercial_phrases_said_again_and_again_are_stuffing() -> None:
    text = "Our rehab center is near. The rehab center is warm. A rehab center can rest you. Pick a rehab center."
    assert "spam.stuffed" in rules_in(proofread(text, "article"))


def test_front_matter_is_not_read() -> None:
    assert proofread("---\ntitle: Addicts\n---\n\nCalm words.").findings == ()


def test_twenty_thousand_words_are_read_too() -> None:
    text = "\n\n".join(f"{CALM} Number {number} is done, and so is the day." for number in range(660))
    report = proofread(text, "article")
    assert report.words > 20_000


MEASURES = tomllib.loads(files("keepshowingup.core").joinpath("data/measures.toml").read_text("utf-8"))["rule"]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: str(measure["id"]))
def test_rules_that_are_code_have_examples_too_and_keep_to_them(measure: dict[str, Any]) -> None:
    hosts = frozenset(measure["hosts"]) if "hosts" in measure else None
    kind = measure.get("read_as", "letter")
    assert measure["source"]
    assert measure["fail"]
    assert measure["pass"]
    for example in measure["fail"]:
        found = [f for f in proofread(example, kind, hosts=hosts).findings if f.rule == measure["id"]]
        assert found, example
        assert found[0].severity in measure["severity"]
    for example in measure["pass"]:
        assert measure["id"] not in rules_in(proofread(example, kind, hosts=hosts)), example


def test_no_finding_comes_from_a_rule_that_is_not_written_down() -> None:
    known = {rule.id for rule in RULES} | {str(measure["id"]) for measure in MEASURES} | {"structure.length"}
    for part in ("tuned", "held"):
        for text in labelled_texts(part):
            assert set(rules_in(proofread(text.text, text.kind, hosts=text.hosts))) <= known


def test_a_rule_names_its_source_and_the_day_it_was_looked_at() -> None:
    for rule in RULES:
        assert rule.source, rule.id
        assert rule.reviewed >= dt.date(2026, 1, 1), rule.id


@pytest.mark.parametrize(
    "text",
    ["The word 'addict' hurts.", "Some still say *junkie* for a neighbour.", "He avoids the term _substance abuse_."],
)
def test_words_that_are_spoken_about_are_no_finding(text: str) -> None:
    assert proofread(text).findings == ()


def test_emphasis_alone_excuses_no_word() -> None:
    assert "stigma.addict" in rules_in(proofread("My *addict* brother sat there."))
