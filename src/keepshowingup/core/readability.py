"""How hard a text is to read: the Flesch-Kincaid grade (Kincaid and others, 1975), in school years."""

from __future__ import annotations

import re

from keepshowingup.core.prose import sentences, words

_VOWELS = re.compile(r"[aeiouy]+")
# Endings that are read as syllables of their own, and leave a silent e before them silent.
_ENDING = re.compile(r"(?<=[a-z]{3})(?:fulness|lessness|fully|lessly|ments?|ness|less|ful|ly)$")
_SILENT_END = re.compile(r"(?:e|[^aeiouytd]ed|(?<![aeiouysxzcg])es|(?<=[aeiou][^aeiouysxzcgh])es)$")
_SOUNDED_END = re.compile(r"(?:[^aeiou]l(?:e|es)|[aeioy]e|[^qg]ue|[^aeiouylr]led|[cs]hes)$")
_SILENT_INSIDE = re.compile(
    r"^(?:some|there|where|home|life|love|care|hope|time|like|safe|name|face|note|side|make|take|give|lone|tire|wednes)"
    r"(?=[bcdfghjklmnprstvwz])"
)
# Two vowels side by side that are two sounds ...
_TWO_SOUNDS = re.compile(
    r"i[ao](?!us)|[^tscxg]iou|ie(?:t|n[ct]|r$)|iu|eo(?!u)|[^qgs]ua|sua(?!d)|(?<=[^qg])ue[lt]|(?<=[^qgbirsfj])ui(?=[ndst])"
    r"|ruin|uou|yi|aye|reali|eum|oe[mt]|oi(?=ng)|[aeo]ing$|creat|react|eyo|ism$|roi|luen"
)
# ... but not after a softened consonant.
_ONE_SOUND = re.compile(r"[tscx]i(?:a|o(?!u))|gion?|lli(?:on|ar)|nion")
_KNOWN = {
    "people": 2, "every": 2, "everyone": 3, "everything": 3, "anybody": 4, "everybody": 4, "somebody": 3, "idea": 3,
    "area": 3, "business": 2, "evening": 2, "different": 3, "family": 3, "several": 3, "are": 1, "were": 1, "the": 1,
    "there": 1, "where": 1, "maybe": 2, "recipe": 3, "eye": 1, "eyes": 1, "goes": 1, "does": 1, "says": 1, "shoes": 1,
    "tired": 1, "something": 2, "someone": 2, "rhythm": 2, "theatre": 3, "employee": 3, "suicide": 3, "january": 4,
    "february": 4, "usual": 3, "usually": 4, "league": 1, "tongue": 1, "hello": 2, "being": 2, "seeing": 2, "real": 1,
    "really": 2, "reality": 4, "behaviour": 3, "behavior": 3, "patient": 2, "ancient": 2, "friend": 1, "friends": 1,
    "chocolate": 3, "diet": 2, "poem": 2, "poet": 2, "fire": 1, "we're": 1, "you're": 1, "they're": 1, "our": 1,
}  # fmt: skip


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a plain text; 0.0 for a text without words. Easier than the first year is 0.0 too."""
    found = words(text)
    if not found:
        return 0.0
    spoken = sum(1 for sentence in sentences(text) if words(sentence))
    return grade_of(len(found), max(1, spoken), sum(map(syllables, found)))


def grade_of(words: int, sentences: int, syllables: int) -> float:
    """The Flesch-Kincaid formula over counts, rounded to one decimal."""
    return max(0.0, round(0.39 * words / sentences + 11.8 * syllables / words - 15.59, 1))


def syllables(word: str) -> int:
    """How many syllables an English word has, by its spelling. A number counts one: it is read at a glance."""
    parts = [part for part in re.split(r"[^a-z']+", word.lower().replace("\u2019", "'")) if part]
    return max(1, sum(map(_syllables_of, parts)))


def _syllables_of(word: str) -> int:
    if word in _KNOWN:
        return _KNOWN[word]
    if "'" in word:
        stem = re.sub(r"(?:n't|'[a-z]*)$", "", word).replace("'", "")
        # didn't, couldn't and hasn't have one more sound than did, could and has; don't, won't and can't have not.
        return (_syllables_of(stem) if stem else 1) + (word.endswith("n't") and stem[-1:] in {"d", "s"})
    if len(word) <= 3:
        return max(1, len(_VOWELS.findall(word.removesuffix("e"))))
    if ending := _ENDING.search(word):
        return _syllables_of(word[: ending.start()]) + len(_VOWELS.findall(ending.group()))
    head = _SILENT_INSIDE.match(word)
    if head and len(word) > head.end() + 1:
        return 1 + _syllables_of(word[head.end() :])
    count = len(_VOWELS.findall(word)) + len(_TWO_SOUNDS.findall(word)) - len(_ONE_SOUND.findall(word))
    if _SILENT_END.search(word) and not _SOUNDED_END.search(word):
        count -= 1
    return max(1, count)
