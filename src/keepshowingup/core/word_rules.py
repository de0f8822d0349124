"""Rules about words: reviewed data, a term and its context, what to prefer, why, and who says so.

The tables are ``data/*.toml``. A rule's examples are its tests: each of ``fail`` is found, none of ``pass`` is.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from keepshowingup.core.reading_copy import ReadingCopy, Span

House = Literal["va", "ap"]
TABLES = ("words", "claims", "spam", "tortured", "leftovers")


@dataclass(frozen=True)
class WordRule:
    """One rule. ``near`` must, and ``unless`` must not, stand in the same sentence; ``beside`` must not overlap.

    ``reviewed`` is the day somebody last looked at it. ``raw`` rules read the text itself, with its brackets, not the
    reading copy.
    """

    id: str
    kind: str
    stems: tuple[str, ...]
    find: re.Pattern[str]
    near: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    beside: re.Pattern[str] | None
    prefer: str
    why: str
    severity: str
    source: str
    reviewed: dt.date
    texts: frozenset[str]
    houses: frozenset[str]
    quotable: bool
    raw: bool
    passes: tuple[str, ...]
    fails: tuple[str, ...]

    @property
    def advice(self) -> str:
        """What a writer is told, in a sentence or two."""
        if not self.prefer:
            return f"Leave it out: {self.why}."
        return f"Write “{self.prefer}”: {self.why}."


@dataclass(frozen=True)
class Hit:
    """A rule that was broken, and where."""

    rule: WordRule
    start: int
    end: int


@cache
def word_rules() -> tuple[WordRule, ...]:
    """All rules of all tables, in the order they are written."""
    return tuple(rule for table in TABLES for rule in _read_table(table))


def _read_table(table: str) -> Iterator[WordRule]:
    data = tomllib.loads(files("keepshowingup.core").joinpath(f"data/{table}.toml").read_text("utf-8"))
    terms: dict[str, str] = {}
    for name, pattern in data.get("terms", {}).items():
        terms[name] = _spelled_out(pattern, terms)
    for row in data["rule"]:
        yield _rule({"source": data.get("source", ""), "reviewed": data["reviewed"], **row}, data["kind"], terms)


def _rule(row: dict[str, Any], kind: str, terms: dict[str, str]) -> WordRule:
    def pattern(field: str) -> re.Pattern[str] | None:
        return _compile(row[field], terms) if field in row else None

    return WordRule(
        id=f"{kind}.{row['id']}",
        kind=kind,
        stems=tuple(row.get("stems", [""])),
        find=_compile(row["find"], terms),
        near=pattern("near"),
        unless=pattern("unless"),
        beside=pattern("beside"),
        prefer=row.get("prefer", ""),
        why=row["why"],
        severity=row["severity"],
        source=row["source"],
        reviewed=row["reviewed"],
        texts=frozenset(row.get("texts", ["article", "letter", "subject"])),
        houses=frozenset(row.get("houses", ["va", "ap"])),
        quotable=kind == "stigma",
        raw=row.get("raw", False),
        passes=tuple(row["pass"]),
        fails=tuple(row["fail"]),
    )


def _spelled_out(pattern: str, terms: dict[str, str]) -> str:
    return re.sub(r"(?<!\?P)<([a-z]+)>", lambda name: f"(?:{terms[name.group(1)]})", pattern)


def _compile(pattern: str, terms: dict[str, str]) -> re.Pattern[str]:
    """``<name>`` stands for a term of the table; a space for any gap within a paragraph, a hyphen too."""
    gap = r"(?:[^\S\n]*\n[^\S\n]*(?=\S)|[^\S\n]+|-)"
    return re.compile(_spelled_out(pattern, terms).replace(" ", gap), re.IGNORECASE)


_INSTITUTION = re.compile(
    r"\b(?:Anonymous|Institutes?|Administration|Association|Cent(?:er|re)s?|Council|Journal|Act|Foundation|Society|"
    r"Department|Commission|Committee|Clinic|Agency|Network|Alliance|Services|Trust|Academy|College|University|"
    r"Board|Bureau|Office|Coalition|Fund|Charity|Fellowship|Education)\b"
)
_NAME = re.compile(r"(?:[A-Z][\w'.&-]*)(?:[ \n]+(?:(?:of|on|and|for|the|in|to|&)[ \n]+){0,2}[A-Z][\w'.&-]*)+")
_TITLES = re.compile(r"\bWar on Drugs\b|\bJust Say No (?:campaign|era|movement|slogan|programme|program)\b")


def name_spans(copy: ReadingCopy) -> list[Span]:
    """Proper names of institutions, and a few names of history: they are called what they are called."""
    names = [match.span() for match in _NAME.finditer(copy.plain) if _INSTITUTION.search(match.group())]
    return names + [match.span() for match in _TITLES.finditer(copy.plain)]


_SINGLE_QUOTED = re.compile(r"(?<![\w'])'(?=[A-Za-z])(?P<word>[^'\n.!?]{2,60}?)'(?!\w)")
_EMPHASISED = re.compile(r"(?<![\w*_])([*_]{1,2})(?=\S)(?P<word>[^*_\n]{2,40}?)(?<=\S)\1(?![\w*_])")
_OF_WORDS = re.compile(
    r"\b(?:words?|terms?|labels?|phrases?|slurs?|say|says|said|saying|call|calls|called|calling|name|names|named|write"
    r"|writes|instead of|rather than|avoid)\b",
    re.IGNORECASE,
)


def mention_spans(copy: ReadingCopy) -> list[Span]:
    """Words that are spoken about, not used: “the word 'addict' hurts”, and italics in a sentence about words."""
    found = [match.span("word") for match in _SINGLE_QUOTED.finditer(copy.plain)]
    for match in _EMPHASISED.finditer(copy.source):
        if _OF_WORDS.search(copy.plain[slice(*copy.sentence_at(match.start("word")))]):
            found.append(match.span("word"))
    return found


def find_hits(copy: ReadingCopy, kind: str, house: House = "va") -> list[Hit]:
    """Where a text of a kind (article, letter, subject) breaks rules; of two that overlap the longer one stands."""
    names = name_spans(copy)
    exempt = names + copy.quotations + mention_spans(copy)
    lowered = copy.plain.lower()
    found: list[Hit] = []
    for rule in word_rules():
        if kind not in rule.texts or house not in rule.houses or not any(stem in lowered for stem in rule.stems):
            continue
        excused = exempt if rule.quotable else names
        found += [hit for hit in _hits_of(rule, copy) if not _within(hit, excused)]
    return _longest(found)


def _hits_of(rule: WordRule, copy: ReadingCopy) -> Iterator[Hit]:
    for match in rule.find.finditer(copy.source if rule.raw else copy.plain):
        start, end = _span_of(match)
        if rule.raw and not copy.is_read(start):
            continue
        sentence = copy.plain[slice(*copy.sentence_at(start))]
        if rule.near and not rule.near.search(sentence):
            continue
        if rule.unless and rule.unless.search(sentence):
            continue
        if rule.beside and _overlapped(rule.beside, copy.plain, start, end):
            continue
        yield Hit(rule, start, end)


def _span_of(match: re.Match[str]) -> Span:
    """Where the term itself stands: the group ``it`` where a pattern needs words before it."""
    if "it" in match.re.groupindex and match.start("it") >= 0:
        return match.span("it")
    return match.span()


def _overlapped(pattern: re.Pattern[str], text: str, start: int, end: int) -> bool:
    """Whether a longer expression that makes the term harmless covers part of it."""
    around = pattern.finditer(text, max(0, start - 80), min(len(text), end + 80))
    return any(match.start() < end and match.end() > start for match in around)


def _within(hit: Hit, spans: list[Span]) -> bool:
    return any(start <= hit.start and hit.end <= end for start, end in spans)


def _longest(hits: list[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if all(hit.end <= other.start or hit.start >= other.end for other in kept if other.rule.kind == hit.rule.kind):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.end))
