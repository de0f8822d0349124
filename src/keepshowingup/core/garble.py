"""Text that nobody wrote: words and sentences said twice, a before a vowel, verbs in the place of nouns.

Machines that swap synonyms leave these behind. Swapped set phrases are word rules (``data/tortured.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from keepshowingup.core.blocks import BlockKind
from keepshowingup.core.findings import Finding, Findings, found_at
from keepshowingup.core.prose import words
from keepshowingup.core.reading_copy import ReadingCopy

_GAP = r"(?:[^\S\n]+|[^\S\n]*\n[^\S\n]*(?=\S))"
_TWICE = re.compile(rf"\b([A-Za-z]+(?:'[a-z]+)?){_GAP}\1\b(?!['-])", re.IGNORECASE)
_PHRASE_TWICE = re.compile(rf"\b((?:[A-Za-z']+{_GAP}){{1,7}}[A-Za-z']+){_GAP}\1\b", re.IGNORECASE)
_ARTICLE = re.compile(rf"(?<![\w.'-])(a|an|A|An){_GAP}([\"'(“]?)([A-Za-z0-9][\w'-]*)")
_VOWEL_BY_SOUND = re.compile(
    r"(?:a|i|e(?!u|we)|o(?!ne(?:s|self|-|\b)|nce\b|ui)"
    r"|u(?!ni(?!n|m|d)|s[aeiu]|se\b|t[ei]|r[aeiou]|k|b[ei]|gand|topi|v(?:ul|u)|-)"
    r"|hono?u?r|hour(?!i)|heir|honest|8|11(?!\d)|18(?!\d))",
    re.IGNORECASE,
)
_CONSONANT_OR_EITHER = re.compile(
    r"(?:eu|ew|on(?:e|ce)\b|one-|oui|u(?:ni|s|t|r|b|k|v)|x-|herb|hist|hotel|habit|hyst|heroic)", re.IGNORECASE
)


@dataclass(frozen=True)
class _Words:
    may_repeat: frozenset[str]
    never_twice: frozenset[str]
    after_a_letter: frozenset[str]
    verb_as_noun: re.Pattern[str]


@cache
def _words() -> _Words:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/garble.toml").read_text("utf-8"))
    verbs = "|".join(data["verbs"])
    return _Words(
        frozenset(data["may_repeat"]),
        frozenset(data["never_twice"]),
        frozenset(data["after_a_letter"]),
        re.compile(
            rf"\b(?:the|a|an|your|their|our|my|his|her|this|these){_GAP}({verbs})"
            rf"(?={_GAP}(?:of|from|process|is|was|are|can|will|journey|and|for|to|in|that)\b|[.,;])",
            re.IGNORECASE,
        ),
    )


def find_garble(copy: ReadingCopy) -> list[Finding]:
    """Every sign that a text was garbled, or pasted twice, in no particular order."""
    return [
        *_words_twice(copy),
        *_phrases_twice(copy),
        *_sentences_twice(copy),
        *_articles(copy),
        *_verbs_as_nouns(copy),
    ]


def _words_twice(copy: ReadingCopy) -> Findings:
    for match in _TWICE.finditer(copy.plain):
        first, word = match.group(1), match.group(1).lower()
        second = match.group()[-len(first) :]
        # "Walla Walla" is a name, "That that" was begun twice.
        name = first[0].isupper() and second[0].isupper() and word not in _words().never_twice
        if (
            word in _words().may_repeat
            or name
            or (first[0].islower() and second[0].isupper())
            or _in_sound(copy.plain, match.end())
        ):
            continue
        yield found_at(
            copy, *match.span(), "garble.word-twice", "garble", "warn", f"Say “{first}” once: it stands here twice."
        )


def _in_sound(plain: str, end: int) -> bool:
    """Whether the word goes on being repeated, as a song does: rain, rain, rain."""
    return plain[end : end + 1] == "…"


def _phrases_twice(copy: ReadingCopy) -> Findings:
    for match in _PHRASE_TWICE.finditer(copy.plain):
        phrase = match.group(1)
        if len({word.lower() for word in words(phrase)}) < 2:
            continue
        yield found_at(
            copy,
            *match.span(),
            "garble.phrase-twice",
            "garble",
            "warn",
            "Say this once: the same words follow each other.",
        )


def _sentences_twice(copy: ReadingCopy) -> Findings:
    seen: dict[str, int] = {}
    for start, end in copy.sentences_of(block for block in copy.blocks if block.kind is BlockKind.PARAGRAPH):
        said = " ".join(words(copy.plain[start:end].lower()))
        # A name under each of somebody's quotations is no slip.
        if said.count(" ") < 6 or copy.plain[start] in "—–-@":  # noqa: RUF001 - dashes of a byline
            continue
        if said in seen:
            line = copy.place(seen[said]).line
            yield found_at(
                copy,
                start,
                end,
                "garble.sentence-twice",
                "garble",
                "warn",
                f"Cut this sentence: line {line} says it too.",
            )
        else:
            seen[said] = start


def _articles(copy: ReadingCopy) -> Findings:
    for match in _ARTICLE.finditer(copy.plain):
        article, mark, word = match.groups()
        if word.lower() in _words().after_a_letter or _is_letter_name(copy, match):
            continue
        wanted = _wanted_article(word)
        if wanted and wanted != article.lower():
            yield found_at(
                copy,
                *match.span(),
                "garble.article",
                "garble",
                "warn",
                f"Write “{wanted} {mark}{word}”: it is said that way.",
            )


def _is_letter_name(copy: ReadingCopy, match: re.Match[str]) -> bool:
    """Whether the A is a letter's name (vitamin A, plan A), not an article: a capital in mid-sentence."""
    if match.group(1)[0] != "A":
        return False
    return copy.sentence_at(match.start())[0] != match.start() and copy.plain[match.start() - 1] not in "\"'“("


def _wanted_article(word: str) -> str:
    """The article a word wants by its sound; empty when both are heard, or nobody can tell."""
    if len(word) == 1 or (word.isupper() and len(word) <= 6) or any(letter.isdigit() for letter in word[1:]):
        return ""
    if sum(letter.isupper() for letter in word) > 1:
        return ""
    if word[0].isdigit():
        return ("an" if _VOWEL_BY_SOUND.match(word) else "a") if word[0] in "123456789" and len(word) < 3 else ""
    if word[0].lower() in "aeiou":
        if _VOWEL_BY_SOUND.match(word):
            return "an"
        return (
            "a"
            if re.match(r"(?:uni(?!n|m)|use|usu|eu|ewe|one(?:\b|-)|once\b|ubi|uto|ura)", word, re.IGNORECASE)
            else ""
        )
    if _VOWEL_BY_SOUND.match(word):
        return "an"
    return "" if _CONSONANT_OR_EITHER.match(word) else "a"


def _verbs_as_nouns(copy: ReadingCopy) -> Iterator[Finding]:
    for match in _words().verb_as_noun.finditer(copy.plain):
        verb = match.group(1)
        yield found_at(
            copy,
            *match.span(),
            "garble.verb-as-noun",
            "garble",
            "warn",
            f"“{verb}” is a verb and stands where a noun should.",
        )
