"""Spun text: articles that a machine made "new" by putting synonyms in the place of words.

What shows it is that words stand together that nobody puts together. A pair of words is a *swap* when it was never
seen in ordinary English, while the same pair with the ordinary word in the place of a spinner's synonym was:
"passionate support", "sound boundaries", "a excellent". One such pair is chance; many close together are none
(after the tortured phrases of Cabanac, Labbé and Magazinov, 2021).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from keepshowingup.core.findings import Finding, Findings, found_at
from keepshowingup.core.prose import count_words
from keepshowingup.core.reading_copy import ReadingCopy
from keepshowingup.core.word_pairs import PairTable, WordPair, pair_table, pairs_of

#: A sign counts where so many stand within so many words, itself among them. In 353 good texts there were 0.28 in
#: 100 words, and nowhere more than 1.2; in spun ones 2 to 13.
CLOSE_SIGNS, WITHIN_WORDS = 3, 50
#: Signs in 100 words from which a text is called spun, and how many at least; fewer do when a sixth of its word pairs
#: is unseen as well.
SPUN_PER_HUNDRED, SPUN_SIGNS = 1.5, 3.0
SPUN_PER_HUNDRED_IF_UNSEEN, UNSEEN_IN_SPUN = 1.0, 0.17
#: A wrong article is half a sign: people who write in their second language make that slip too. Repeats are less than
#: a whole one: a refrain has them, and an article that was pasted twice.
_WEIGHTS = {
    "garble.article": 0.5,
    "garble.grammar": 0.5,
    "garble.word-twice": 0.5,
    "garble.phrase-twice": 0.7,
    "garble.sentence-twice": 0.7,
}
# Fewer pairs than this say nothing about a text.
_FEWEST_PAIRS = 40
#: Rules whose findings are signs of swapped words.
SIGN_RULES = ("garble.spun-", "garble.article", "garble.verb-as-noun", "garble.grammar", "garble.swapped")


@dataclass(frozen=True)
class _Sign:
    start: int
    end: int
    instead: str


@cache
def _swaps() -> tuple[dict[str, tuple[str, ...]], re.Pattern[str]]:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/swaps.toml").read_text("utf-8"))
    weak = "|".join(data["phrases"]["weak"]).replace(" ", r"\s+")
    return {odd: tuple(row.split()) for odd, row in data["swaps"].items()}, re.compile(rf"\b(?:{weak})", re.IGNORECASE)


@dataclass(frozen=True)
class JudgedPairs:
    """The pairs of common words a text has: how many there are, and those never seen in ordinary English."""

    judged: int
    unseen: tuple[WordPair, ...]

    @property
    def unseen_share(self) -> float:
        """The share (0 to 1) of unseen pairs; 0.0 where there are fewer than 40 to judge by.

        Plain articles have 0.06 to 0.16, terse technical pages up to 0.3, spun ones 0.18 and more.
        """
        return round(len(self.unseen) / self.judged, 3) if self.judged >= _FEWEST_PAIRS else 0.0


def judge_pairs(copy: ReadingCopy) -> JudgedPairs:
    """Compare the pairs of a text with the table."""
    table = pair_table()
    common = [pair for pair in pairs_of(copy.plain) if pair.first in table.words and pair.second in table.words]
    return JudgedPairs(len(common), tuple(pair for pair in common if not table.knows(pair.first, pair.second)))


def find_swaps(copy: ReadingCopy, pairs: JudgedPairs, known: Sequence[tuple[int, int]]) -> Findings:
    """Swapped words, where enough signs stand close together. ``known`` are the places of signs found otherwise."""
    others = [*_weak(copy), *(_Sign(start, end, "") for start, end in known)]
    swapped = (one for one in _swapped(pairs) if not any(one.start < end and start < one.end for start, end in known))
    signs = sorted(
        [*swapped, *others],
        key=lambda sign: (sign.start, sign.end),
    )
    at = list(_word_counts(copy.plain, [sign.start for sign in signs]))
    for index, sign in enumerate(signs):
        if not sign.instead:
            continue
        close = sum(abs(at[index] - other) <= WITHIN_WORDS for other in at)
        if close >= CLOSE_SIGNS:
            advice = f"Say it in your own words: it reads as if a machine had swapped a word (“{sign.instead}”?)."
            yield found_at(copy, sign.start, sign.end, "garble.swapped", "garble", "warn", advice)


def is_spun(findings: Iterable[Finding], words: int, unseen: float) -> bool:
    """Whether the signs among the findings make a text of so many words a spun one."""
    rules = [finding.rule for finding in findings if finding.rule.startswith((*SIGN_RULES, *_WEIGHTS))]
    signs = sum(_WEIGHTS.get(rule, 1.0) for rule in rules)
    in_hundred = 100 * signs / max(1, words)
    return signs >= SPUN_SIGNS and (
        in_hundred >= SPUN_PER_HUNDRED or (in_hundred >= SPUN_PER_HUNDRED_IF_UNSEEN and unseen >= UNSEEN_IN_SPUN)
    )


def _swapped(pairs: JudgedPairs) -> Iterator[_Sign]:
    end = -1
    for pair in pairs.unseen:
        if pair.start >= end and (ordinary := _ordinary(pair_table(), pair)):
            end = pair.end
            yield _Sign(pair.start, pair.end, ordinary)


def _ordinary(table: PairTable, pair: WordPair) -> str:
    """The pair with one or both of its words swapped back, if that was seen; else nothing."""
    swaps, _ = _swaps()
    for first in (*swaps.get(pair.first, ()), pair.first):
        for second in (*swaps.get(pair.second, ()), pair.second):
            if (first, second) != (pair.first, pair.second) and table.knows(first, second):
                return f"{first} {second}"
    return ""


def _weak(copy: ReadingCopy) -> Iterator[_Sign]:
    for match in _swaps()[1].finditer(copy.plain):
        yield _Sign(*match.span(), "")


def _word_counts(text: str, offsets: list[int]) -> Iterator[int]:
    """How many words stand before each of some rising offsets."""
    counted = at = 0
    for offset in offsets:
        counted += count_words(text[at:offset])
        at = max(at, offset)
        yield counted
