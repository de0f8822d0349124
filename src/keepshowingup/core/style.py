"""How a text reads: its grade, its long sentences, its capitals; and whether a letter is built as letters are."""

from __future__ import annotations

import re

from keepshowingup.core.blocks import BlockKind
from keepshowingup.core.findings import Finding, Findings, found_at, found_in_whole
from keepshowingup.core.prose import count_words, words
from keepshowingup.core.readability import grade_of, syllables
from keepshowingup.core.reading_copy import ReadingCopy, Span

LONG_SENTENCE = 25
VERY_LONG_SENTENCE = 40
GRADE_WARN, GRADE_BLOCK = 8.0, 10.0
LETTER_WARN, LETTER_BLOCK = 250, 400
# The formula says nothing about a few words.
_FEWEST_WORDS_FOR_A_GRADE = 40

_SHOUTED_RUN = re.compile(r"\b[A-Z]{2,}(?:'[A-Z]+)?(?:[ ,-]+(?:[A-Z]{2,}(?:'[A-Z]+)?|I|A)\b)+")
_SHOUTED_WORD = re.compile(
    r"\b(?:NOT|NEVER|ALWAYS|ALL|EVERY|MUST|NOW|FREE|STOP|PLEASE|IMPORTANT|VERY|HELP|CALL|DO(?!')|DON'T(?!s)|YOU|YOUR|ONLY|NO|YES|"
    r"NEED|WANT|BEST|TODAY|HOPE|LOVE|WILL|CAN|EVERYONE|ANYONE|URGENT|WARNING|REALLY)\b"
)
_MANY_MARKS = re.compile(r"[!?]*(?:!\s?!|!\?|\?!)[!?]*")
_FIELD = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*((?:\||or\b)[^}]*)?\}\}")
_IMAGE_WITHOUT_ALT = re.compile(r"!\[\s*\]\([^)]*\)|<img\b(?![^>]*\balt\s*=\s*[\"'][^\"'\s])[^>]*>", re.IGNORECASE)
_LONE_LINK = re.compile(r"\s*(?:\*\*|__)?\[[^\]]+\]\([^)]+\)(?:\*\*|__)?\s*\Z")
_LINK_HOST = re.compile(r"\]\(\s*<?https?://(?:[^/@\s)]*@)?([^/:\s)>?#]+)|<https?://([^/:\s>?#]+)", re.IGNORECASE)
#: Merge fields that every reader has. All others may be empty and need a word to stand in.
ALWAYS_FILLED = frozenset({
    "sequence_title", "signature", "masthead_name", "postal_address", "why", "joined_on",
    "unsubscribe_url", "preferences_url", "pause_url", "article_url", "article_title", "confirm_url", "part_of_day",
    "milestone",
})  # fmt: skip


def grade_of_copy(copy: ReadingCopy) -> float:
    """The Flesch-Kincaid grade of the running text: no headings, no tables, no greeting."""
    counted = sentences = sounds = 0
    for start, end in _spoken(copy):
        said = words(copy.plain[start:end])
        counted += len(said)
        sentences += bool(said)
        sounds += sum(map(syllables, said))
    return grade_of(counted, sentences, sounds) if counted else 0.0


def _spoken(copy: ReadingCopy) -> list[Span]:
    """The sentences of the running text. A paragraph that ends in a comma is a greeting."""
    return copy.sentences_of(block for block in copy.prose if not block.text.rstrip().endswith(","))


def find_style(copy: ReadingCopy, grade: float) -> list[Finding]:
    """What makes any text hard to read."""
    return [*_grade(copy, grade), *_long_sentences(copy)]


def _grade(copy: ReadingCopy, grade: float) -> Findings:
    if grade <= GRADE_WARN or count_words(copy.plain) < _FEWEST_WORDS_FOR_A_GRADE:
        return
    advice = f"This reads at grade {grade:g}; aim at 6 to 8. Shorter sentences and plainer words bring it down."
    yield found_in_whole(copy, "style.grade", "style", "block" if grade > GRADE_BLOCK else "warn", advice)


def _long_sentences(copy: ReadingCopy) -> Findings:
    for start, end in _spoken(copy):
        length = count_words(copy.plain[start:end])
        if length > LONG_SENTENCE:
            severity = "warn" if length > VERY_LONG_SENTENCE else "note"
            advice = f"This sentence has {length} words. Make two or three of it; {LONG_SENTENCE} is a good most."
            yield found_at(copy, start, end, "style.long-sentence", "style", severity, advice)  # type: ignore[arg-type]


def find_shouting(copy: ReadingCopy) -> Findings:
    """Capitals and exclamation marks that raise the voice."""
    runs = []
    for match in _SHOUTED_RUN.finditer(copy.plain):
        long_words = [word for word in re.findall(r"[A-Z]+", match.group()) if len(word) >= 4]
        if (
            len(long_words) >= 2
            or (long_words and match.group().count(" ") >= 2)
            or _SHOUTED_WORD.search(match.group())
        ):
            runs.append(match.span())
            yield found_at(
                copy, *match.span(), "style.capitals", "style", "warn", "Write this in small letters: capitals shout."
            )
    for match in _SHOUTED_WORD.finditer(copy.plain):
        if not any(start <= match.start() < end for start, end in runs):
            advice = f"Write “{match.group().lower()}”: capitals shout. *Italics* stress a word."
            yield found_at(copy, *match.span(), "style.capitals", "style", "warn", advice)
    for match in _MANY_MARKS.finditer(copy.plain):
        yield found_at(
            copy, *match.span(), "style.exclamation", "style", "warn", "One mark is enough; a full stop is calmer."
        )


def find_structure(copy: ReadingCopy, kind: str, hosts: frozenset[str] | None) -> list[Finding]:
    """What a letter must have and must not have. Articles are only checked for images without words."""
    found = list(_images(copy))
    if kind == "letter":
        found += [*_length(copy), *_actions(copy), *_fields(copy)]
        if hosts is not None:
            found += _links(copy, hosts)
    return found


def _length(copy: ReadingCopy) -> Findings:
    length = count_words(copy.plain)
    if length > LETTER_WARN:
        severity = "block" if length > LETTER_BLOCK else "warn"
        advice = f"The letter has {length} words. 120 to {LETTER_WARN} are read to the end; make two letters of it."
        yield found_in_whole(copy, "structure.length", "structure", severity, advice)  # type: ignore[arg-type]


def _actions(copy: ReadingCopy) -> Findings:
    lone = [block for block in copy.blocks if block.kind is BlockKind.PARAGRAPH and _LONE_LINK.match(block.text)]
    for block in lone[1:]:
        advice = "Ask for one thing a letter: this is a second button. Put it in a sentence, or in another letter."
        yield found_at(copy, block.start, block.end, "structure.two-actions", "structure", "warn", advice)


def _fields(copy: ReadingCopy) -> Findings:
    for match in _FIELD.finditer(copy.source):
        name, rest = match.group(1), match.group(2) or ""
        if name not in ALWAYS_FILLED and not re.search(r"default|prefix|suffix|\bor\b", rest):
            advice = f'Not everybody has a {name}. Write {{{{ {name} | default("friend", true) }}}}.'
            yield found_at(copy, *match.span(), "structure.no-fallback", "structure", "block", advice)


def _images(copy: ReadingCopy) -> Findings:
    for match in _IMAGE_WITHOUT_ALT.finditer(copy.source):
        in_code = copy.source[max(0, match.start() - 1)] == "`"
        if in_code or not any(block.start <= match.start() < block.end for block in copy.blocks):
            continue
        advice = "Say in words what the image shows: ![what it shows](address)."
        yield found_at(copy, *match.span(), "structure.no-alt", "structure", "warn", advice)


def _links(copy: ReadingCopy, hosts: frozenset[str]) -> Findings:
    for match in _LINK_HOST.finditer(copy.source):
        host = (match.group(1) or match.group(2)).lower()
        if host not in hosts and not any(host.endswith(f".{known}") for known in hosts):
            advice = f"{host} is not on the list of hosts. Check where the link goes, then add it or take it out."
            place = match.span(1) if match.group(1) else match.span(2)
            yield found_at(copy, *place, "structure.unlisted-host", "structure", "warn", advice)
