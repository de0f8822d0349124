"""Subjects and preheaders a draft proposes: the article's own words where they are short and discreet."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise

from keepshowingup.core.blocks import BlockKind
from keepshowingup.core.discretion import is_discreet
from keepshowingup.core.proofreading import proofread
from keepshowingup.core.prose import words
from keepshowingup.core.reading_copy import read_copy
from keepshowingup.core.sections import Section

SUBJECT_BOUNDS = (30, 50)
PREHEADER_BOUNDS = (40, 90)

# A sentence that leans on the one before it can't stand alone.
_LEANS = re.compile(
    r"(?:and|but|so|or|nor|yet|because|this|that|these|those|it|its|it's|they|they're|their|he|he's|she|she's|his|her|him|them"
    r"|then|which|such|however|also|instead|either|neither|both|another|others?|for example|for instance|even so|still,"
    r"|therefore|there,|here,|as a result|in addition|besides|after that|before that|until then|with that|not that"
    r"|(?:say|do|try|ask) (?:exactly |just )?(?:that|this|it))\b",
    re.IGNORECASE,
)
_ODD = re.compile(
    r"[\ufffc{}<>\\|*_\"\u201c\u201d\u00ab\u00bb()\[\]#@$%=~^\x00-\x1f\u2028\u2029]|\d{3,}|https?:"
    # Marks that turn the direction of writing can make a line read as something it is not.
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@cache
def _spare() -> tuple[tuple[str, ...], tuple[str, ...]]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/lines.toml").read_text("utf-8"))
    return tuple(data["subjects"]), tuple(data["preheaders"])


def propose_subject(section: Section, position: int, taken: set[str]) -> str:
    """A neutral subject of 30 to 50 characters that no other letter of the draft has."""
    for line in (*section.headings, *_standing_sentences(section)):
        subject = _subject_from(line)
        if subject and subject.casefold() not in taken and _fits(subject, "subject"):
            return subject
    spare, _ = _spare()
    for turn in range(len(spare)):
        subject = spare[(position - 1 + turn) % len(spare)]
        if subject.casefold() not in taken:
            return subject
    return f"A few more words for you, number {position}"


def propose_preheader(section: Section, subject: str, position: int) -> str:
    """A neutral line of 40 to 90 characters to stand after the subject, without repeating it."""
    standing = list(_standing_sentences(section))
    pairs = [f"{first} {second}" for first, second in pairwise(standing)]
    for line in (*standing, *pairs):
        if _within(line, PREHEADER_BOUNDS) and not _repeats(line, subject) and _fits(line, "preheader"):
            return line
    _, spare = _spare()
    return spare[(position - 1) % len(spare)]


def _standing_sentences(section: Section) -> Iterator[str]:
    """The sentences of a section that can stand alone, in order."""
    copy = read_copy(section.markdown)
    for start, end in copy.sentences_of(block for block in copy.prose if block.kind is BlockKind.PARAGRAPH):
        line = " ".join(copy.source[start:end].replace("**", "").split())
        if line[:1].isupper() and line[-1] in ".?!" and not _LEANS.match(line):
            yield line


def _subject_from(line: str) -> str:
    """A sentence as a subject: without its full stop."""
    line = re.sub(r"(?<!\.)\.\Z", "", " ".join(line.split())).rstrip(":").strip()
    return line if _within(line, SUBJECT_BOUNDS) else ""


def _within(line: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(line) <= bounds[1]


def _fits(line: str, kind: str) -> bool:
    """Whether a line is discreet, plain, and passes the proofreader without a warning."""
    if _ODD.search(line) or "!" in line or not line[0].isupper() or line.isupper() or not is_discreet(line):
        return False
    report = proofread(line, "preheader" if kind == "preheader" else "subject")
    return all(finding.severity == "note" for finding in report.findings)


def _repeats(line: str, subject: str) -> bool:
    """Whether a line says the subject again: half of its longer words, or the whole."""
    mine = {word.lower() for word in words(line) if len(word) > 3}
    theirs = {word.lower() for word in words(subject) if len(word) > 3}
    shared = len(mine & theirs)
    return subject.casefold() in line.casefold() or (shared > 0 and shared * 2 >= min(len(mine), len(theirs)))
