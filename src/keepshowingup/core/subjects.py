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
    r"[\ufffc{}<>\\|*_\"\u201c\u201d\u00ab\u00bb()\[\]#@$%=~^\x00-\x1f\u2028\u2029]|\d{3,}|https?:|\u2010|-\s|\w/\w|`"
    # Marks that turn the direction of writing can make a line read as something it is not.
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_CLAUSE_END = re.compile(r"[,;:]\s|\s[–—]\s")  # noqa: RUF001 - both dashes part clauses
_SHORTEST_HEADING = 6
_FEWEST_WORDS_OF_A_CLAUSE = 4
# What sends a reader elsewhere, or belongs to a page and not to a letter.
_POINTS_AWAY = re.compile(
    r"\b(?:below|above|following|this (?:section|chapter|page|file|document|guide|tutorial)|scroll|click"
    r"|more information|see (?:the|also|file)|table of contents|copyright|licen[cs]e|all rights|version"
    r"|available (?:as|from|at|under))\b"
    r"|\A(?:Q|A|Note|Figure|Table|Chapter|Section|Step|Part|Example|Author|Editor|Program)\b[.:]?\s*(?:\d|[A-Z]|\Z)"
    r"|\b[A-Z]{5,}\b"
)


@cache
def _spare() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/lines.toml").read_text("utf-8"))
    return tuple(data["subjects"]), tuple(data["preheaders"]), tuple(data["tails"])


def spare_lines() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The subjects and preheaders that stand ready for letters without a fitting line of their own."""
    subjects, preheaders, _ = _spare()
    return subjects, preheaders


def propose_subject(section: Section, position: int, taken: set[str]) -> str:
    """A neutral subject of 30 to 50 characters that no other letter of the draft has."""
    spare, _, tails = _spare()
    standing = list(_standing_sentences(section))
    whole = (_subject_from(line) for line in (*section.headings, *standing))
    with_tail = (_with_tail(heading, tails[(position - 1) % len(tails)]) for heading in section.headings)
    cut = (part for line in standing for part in _openings(line, SUBJECT_BOUNDS))
    for subject in (*whole, *with_tail, *cut):
        if subject and subject.casefold() not in taken and _fits(subject, "subject"):
            return subject
    for turn in range(len(spare)):
        subject = spare[(position - 1 + turn) % len(spare)]
        if subject.casefold() not in taken:
            return subject
    return f"A few more words for you, number {position}"


def propose_preheader(section: Section, subject: str, position: int) -> str:
    """A neutral line of 40 to 90 characters to stand after the subject, without repeating it."""
    standing = list(_standing_sentences(section))
    pairs = [f"{first} {second}" for first, second in pairwise(standing)]
    cut = [part for line in standing for part in _openings(line, PREHEADER_BOUNDS)]
    for line in (*standing, *pairs, *cut):
        if _within(line, PREHEADER_BOUNDS) and not _repeats(line, subject) and _fits(line, "preheader"):
            return line
    _, spare, _ = _spare()
    return spare[(position - 1) % len(spare)]


def _standing_sentences(section: Section) -> Iterator[str]:
    """The sentences of a section that can stand alone, in order."""
    copy = read_copy(section.markdown)
    for start, end in copy.sentences_of(block for block in copy.prose if block.kind is BlockKind.PARAGRAPH):
        line = " ".join(copy.source[start:end].replace("**", "").split())
        if line[:1].isupper() and line[-1] in ".?!" and not _LEANS.match(line):
            yield line


def _with_tail(heading: str, tail: str) -> str:
    """A heading that is too short for a subject, with a few neutral words after it."""
    heading = " ".join(heading.split()).rstrip(":.").strip()
    line = f"{heading} {tail[0].upper()}{tail[1:]}" if heading.endswith(("?", "!")) else f"{heading}: {tail}"
    return line if len(heading) >= _SHORTEST_HEADING and _within(line, SUBJECT_BOUNDS) else ""


def _openings(line: str, bounds: tuple[int, int]) -> Iterator[str]:
    """How a long sentence begins, up to a comma or a dash, the longest first; the dots say that it goes on."""
    ends = [match.start() for match in _CLAUSE_END.finditer(line)]
    for end in reversed(ends):
        if bounds[0] <= end + 1 <= bounds[1] and not _cuts_a_list(line, end):
            yield f"{line[:end]}…"


def _cuts_a_list(line: str, end: int) -> bool:
    """Whether a line would break off amid an enumeration: very few words before or behind the comma."""
    before, after = _CLAUSE_END.split(line[:end])[-1], _CLAUSE_END.split(line[end + 1 :].strip())[0]
    return min(len(before.split()), len(after.split())) < _FEWEST_WORDS_OF_A_CLAUSE


def _subject_from(line: str) -> str:
    """A sentence as a subject: without its full stop."""
    line = re.sub(r"(?<!\.)\.\Z", "", " ".join(line.split())).rstrip(":").strip()
    return line if _within(line, SUBJECT_BOUNDS) else ""


def _within(line: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(line) <= bounds[1]


def _fits(line: str, kind: str) -> bool:
    """Whether a line is discreet, plain, and passes the proofreader without a warning."""
    if (
        _ODD.search(line)
        or _POINTS_AWAY.search(line)
        or _is_names(line)
        or "!" in line
        or not line[0].isupper()
        or line.isupper()
        or not is_discreet(line)
    ):
        return False
    report = proofread(line, "preheader" if kind == "preheader" else "subject")
    return all(finding.severity == "note" for finding in report.findings)


def _is_names(line: str) -> bool:
    """Whether a line is a row of names: every longer word has a capital."""
    longer = [word for word in words(line) if len(word) > 3]
    return len(longer) > 2 and " and " in line and all(word[0].isupper() for word in longer)


def _repeats(line: str, subject: str) -> bool:
    """Whether a line says the subject again: half of its longer words, or the whole."""
    mine = {word.lower() for word in words(line) if len(word) > 3}
    theirs = {word.lower() for word in words(subject) if len(word) > 3}
    shared = len(mine & theirs)
    return subject.casefold() in line.casefold() or (shared > 0 and shared * 2 >= min(len(mine), len(theirs)))
