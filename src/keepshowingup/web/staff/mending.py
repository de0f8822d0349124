"""Mending a finding in one press: the words a rule prefers, fitted into the sentence. A person sees it at once."""

from __future__ import annotations

import re
from functools import cache

from keepshowingup.core.findings import Finding
from keepshowingup.core.word_rules import word_rules

_ARTICLE = re.compile(r"\b(an?) $", re.IGNORECASE)
_PLURALS = {"person": "people", "baby": "babies"}


def label_of(finding: Finding) -> str:
    """What the button says: ``Replace``, or which of several words it takes; empty where there is nothing to press."""
    words = _words_for(finding)
    if not words or not finding.phrase or finding.phrase.endswith("…"):
        return "Cut it" if finding.kind == "residue" else ""
    return "Replace" if len(words) == 1 else f"Write “{words[0]}”"


def mend(text: str, finding: Finding) -> str:
    """The text with the finding replaced by its rule's first word, or without it where it is residue."""
    start, end = span_of(text, finding)
    words = _words_for(finding)
    if not words:
        return _without_line(text, start)
    before, phrase, after = text[:start], text[start:end], text[end:]
    instead = _as_many(words[0], phrase)
    if article := _ARTICLE.search(before):
        fitting = "an" if instead[0] in "aeiou" else "a"
        fitting = fitting.capitalize() if article[1][0].isupper() else fitting
        before = f"{before[: article.start()]}{fitting} "
    if phrase[:1].isupper():
        instead = instead[0].upper() + instead[1:]
    return before + instead + after


def span_of(text: str, finding: Finding) -> tuple[int, int]:
    """Where the finding stands in the text, from the line and columns it has."""
    line_start = 0
    for _ in range(finding.line - 1):
        line_start = text.find("\n", line_start) + 1
    return line_start + finding.start, line_start + finding.end


def _words_for(finding: Finding) -> tuple[str, ...]:
    return _preferred().get(finding.rule, ())


@cache
def _preferred() -> dict[str, tuple[str, ...]]:
    """What each rule prefers, where it can be put in as it stands: no brackets, nothing left open."""
    return {
        rule.id: tuple(part.removeprefix("or ") for part in rule.prefer.split(", "))
        for rule in word_rules()
        if rule.prefer and not set("(…/") & set(rule.prefer)
    }


def _as_many(instead: str, phrase: str) -> str:
    """``people who drink`` for ``drunks``, ``person who drinks`` for ``drunk``: as many as the phrase means."""
    first, _, rest = instead.partition(" ")
    plural = phrase.rstrip(".,;:!?").lower().endswith("s") and not phrase.lower().endswith("ss")
    if first not in _PLURALS or not plural:
        return instead
    rest = re.sub(r"^who (use|drink)s\b", r"who \1", rest).replace("who has been", "who have been")
    return f"{_PLURALS[first]} {rest}"


def _without_line(text: str, start: int) -> str:
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    rest = text[line_end + 1 :].lstrip("\n") if line_end >= 0 else ""
    return (text[:line_start].rstrip("\n") + "\n\n" + rest).strip("\n") + ("\n" if text.endswith("\n") else "")
