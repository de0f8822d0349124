"""What changed from one text to another, word by word, in rows that can stand side by side.

Paragraphs are compared first, then the words of those that differ, so a long text costs little. difflib's worst case is
cubic: what it would have to compare is counted beforehand, and past :data:`BUDGET` a stretch counts as replaced whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new"]
#: Comparisons of two words, at the very most; about a second of one processor.
BUDGET = 10_000_000

_TOKEN = re.compile(r"\w+(?:['\u2019]\w+)*|\s+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """Some characters that are in both texts, only in the earlier one (gone), or only in the later one (new)."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Row:
    """A stretch of paragraphs: the same in both texts, or changed. Line ends belong to the pieces."""

    pieces: tuple[Piece, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing in it changed."""
        return all(piece.kind == "same" for piece in self.pieces)

    @property
    def before(self) -> tuple[Piece, ...]:
        """The pieces of the earlier text."""
        return tuple(piece for piece in self.pieces if piece.kind != "new")

    @property
    def after(self) -> tuple[Piece, ...]:
        """The pieces of the later text."""
        return tuple(piece for piece in self.pieces if piece.kind != "gone")


@dataclass(frozen=True)
class Change:
    """The items ``start`` to ``end`` of one row of texts stand for ``first`` to ``last`` of another."""

    start: int
    end: int
    first: int
    last: int


def rows_between(before: str, after: str) -> tuple[Row, ...]:
    """Both texts as rows: all ``before`` pieces make up the one, all ``after`` pieces the other, to the character."""
    return tuple(Row(pieces) for pieces in _rows(before, after) if pieces)


def words_between(before: str, after: str) -> tuple[Piece, ...]:
    """The same in one row, for a line such as a subject."""
    return tuple(piece for row in rows_between(before, after) for piece in row.pieces)


def changes_between(before: Sequence[str], after: Sequence[str], budget: int = BUDGET) -> tuple[list[Change], int]:
    """What differs between two rows of texts, in order, and how much of the budget is left.

    White space alone begins no match. What both begin and end with is never looked into.
    """
    begin = _common(zip(before, after, strict=False))
    most = min(len(before), len(after)) - begin
    end = min(most, _common(zip(reversed(before), reversed(after), strict=False)))
    here, there = before[begin : len(before) - end], after[begin : len(after) - end]
    if not here and not there:
        return [], budget
    cost = _cost(here, there)
    if not here or not there or cost > budget:
        return [Change(begin, begin + len(here), begin, begin + len(there))], budget
    matcher = SequenceMatcher(str.isspace, here, there, autojunk=False)
    found = [
        Change(begin + i, begin + j, begin + k, begin + m)
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind != "equal"
    ]
    return found, budget - cost


def _rows(before: str, after: str) -> Iterator[tuple[Piece, ...]]:
    here, there = paragraphs(before), paragraphs(after)
    changes, budget = changes_between(here, there)
    at = 0
    for change in changes:
        yield from _same(here[at : change.start])
        gone, new = "".join(here[change.start : change.end]), "".join(there[change.first : change.last])
        pieces, budget = _pieces(gone, new, budget)
        yield pieces
        at = change.end
    yield from _same(here[at:])


def _same(texts: Sequence[str]) -> Iterator[tuple[Piece, ...]]:
    if texts:
        yield (Piece("same", "".join(texts)),)


def _pieces(before: str, after: str, budget: int) -> tuple[tuple[Piece, ...], int]:
    here, there = _TOKEN.findall(before), _TOKEN.findall(after)
    changes, budget = changes_between(here, there, budget)
    stretches: list[tuple[str, str, str]] = []  # what both begin with, then what is gone, then what is new
    at = 0
    for change in changes:
        same = "".join(here[at : change.start])
        gone, new = "".join(here[change.start : change.end]), "".join(there[change.first : change.last])
        if stretches and not any(map(str.isalnum, same)):
            # Two changed words with a space or a comma between them read better as one change.
            kept, gone_before, new_before = stretches.pop()
            stretches.append((kept, gone_before + same + gone, new_before + same + new))
        else:
            stretches.append((same, gone, new))
        at = change.end
    kinds: tuple[Kind, Kind, Kind] = ("same", "gone", "new")
    pieces = [Piece(kind, text) for row in stretches for kind, text in zip(kinds, row, strict=True) if text]
    rest = "".join(here[at:])
    return (*pieces, *([Piece("same", rest)] if rest else [])), budget


def paragraphs(text: str) -> list[str]:
    """The text cut after every run of empty lines; joined again it is the text."""
    found: list[str] = []
    was_empty = True
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        is_empty = not line.strip()
        if found and (is_empty or not was_empty):
            found[-1] += line
        else:
            found.append(line)
        was_empty = is_empty
    return found


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _cost(here: Sequence[str], there: Sequence[str]) -> int:
    """The most comparisons difflib can need: equal pairs, once for each match that can be found."""
    ours, theirs = Counter(here), Counter(there)
    pairs = sum(number * theirs[text] for text, number in ours.items() if text in theirs and not text.isspace())
    return pairs * min(len(here), len(there)) + len(here) + len(there)
