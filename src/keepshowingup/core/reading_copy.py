"""The copy a proofreader reads: same length, same lines, but markup, addresses and code are blank.

Because nothing moves, whatever is found in the copy lies at the same place in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from keepshowingup.core.blocks import Block, BlockKind, read_blocks
from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.prose import sentence_spans

Span = tuple[int, int]

# One character for one character, so that a rule need know only the plain ones.
_PLAIN = str.maketrans(
    {
        "\ufeff": " ", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": " ", "\u2060": " ", "\u2028": " ",
        "\u2029": " ", "\x0b": " ", "\x0c": " ", "\x85": " ", "\t": " ", "\0": " ", "\u2019": "'",
        "\u2018": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-",
    }
)  # fmt: skip
# What stands for a thing, not for words: two words around it are not neighbours.
_THING = "\ufffc"
_THINGS = (
    re.compile(r"(?<![`\\])(`+)(?!`)[^`\n]{1,300}?(?<!`)\1(?!`)"),
    re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)"),
    re.compile(r"(?<!\()(?:https?://|www\.)[^\s<>()\[\]]+[^\s<>()\[\].,;:!?'\"]|[\w.+-]{1,64}@[\w-]+\.[\w.-]*\w"),
)
_BLANKED = (
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}"),
    re.compile(r"(?<=\])\((?:[^()\n]|\([^()\n]*\))*\)|(?<=\])\[[^\]\n]{0,60}\](?!\()"),
    re.compile(r"</?[A-Za-z][^<>\n]{0,500}>"),
    re.compile(r"^[ \t]{0,3}#{1,6}(?=[ \t])|[ \t]#+[ \t]*$", re.MULTILINE),
    re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE),
    re.compile(r"^[ \t]*(?:[-*+•‣▪◦·]|\d{1,3}[.)])(?=[ \t])", re.MULTILINE),
    re.compile(r"\*{1,3}|_{1,3}(?=\b)|(?<=\w)_{2,3}|(?<=\w)_(?!\w)|~~|\\(?=[^\w\s])"),
)
_NOT_PROSE = frozenset({BlockKind.CODE, BlockKind.COMMENT, BlockKind.RULE, BlockKind.DEFINITION})
_QUOTED = re.compile(
    r"“[^“”]{1,600}”|„[^„“”]{1,600}[“”]|«[^«»]{1,600}»|(?<![\w\"])\"(?=\S)[^\"]{1,600}?(?<=\S)\"(?!\w)"
)


class Place(NamedTuple):
    """A line, counted from 1, and a column in it, counted from 0."""

    line: int
    column: int


def even_lines(text: str) -> str:
    """The text with ``\\n`` at the end of each line, whatever it had."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class ReadingCopy:
    """A text (``source``) and what a proofreader sees of it (``plain``, of the same length)."""

    source: str
    plain: str
    blocks: tuple[Block, ...]

    @cached_property
    def lines(self) -> list[int]:
        """The offset at which each line starts."""
        return [0, *(match.end() for match in re.finditer("\n", self.source))]

    @cached_property
    def sentences(self) -> list[Span]:
        """Every sentence, those of headings, list items and tables among them, as offsets."""
        return self.sentences_of(self.blocks)

    def sentences_of(self, blocks: Iterable[Block]) -> list[Span]:
        """The sentences of some blocks, as offsets."""
        return [span for block in blocks for span in sentence_spans(self.plain, block.start, block.end)]

    @cached_property
    def _sentence_starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    @cached_property
    def prose(self) -> list[Block]:
        """Blocks that are read as running text: paragraphs, list items and quotations."""
        running = {BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.QUOTE}
        return [block for block in self.blocks if block.kind in running]

    @cached_property
    def quotations(self) -> list[Span]:
        """What is marked as somebody else's words: block quotations, and words between quotation marks."""
        marked = [(block.start, block.end) for block in self.blocks if block.kind is BlockKind.QUOTE]
        for block in self.blocks:
            marked += [match.span() for match in _QUOTED.finditer(self.plain, block.start, block.end)]
        return marked

    def is_read(self, offset: int) -> bool:
        """Whether a proofreader reads what stands there: not code, not an address, not a comment or front matter."""
        return self.plain[offset] != _THING and any(block.start <= offset < block.end for block in self.blocks)

    def place(self, offset: int) -> Place:
        """The line and column of an offset."""
        line = bisect_right(self.lines, offset)
        return Place(line, offset - self.lines[line - 1])

    def sentence_at(self, offset: int) -> Span:
        """The sentence an offset lies in; an empty span for space between sentences."""
        index = bisect_right(self._sentence_starts, offset) - 1
        if index >= 0 and offset < self.sentences[index][1]:
            return self.sentences[index]
        return (offset, offset)

    def text_of(self, span: Span) -> str:
        """What the proofreader sees of a span, on one line."""
        return " ".join(self.plain[slice(*span)].split())


def read_copy(text: str) -> ReadingCopy:
    """Make the reading copy of a text. Line ends are evened; lines and columns stay."""
    source = even_lines(text)
    body_start = read_front_matter(source).body_start
    blocks = read_blocks(source, body_start)
    hidden: list[Span] = [(0, body_start)]
    for block in blocks:
        if block.kind in _NOT_PROSE:
            hidden.append((block.start, block.end))
        elif block.kind is BlockKind.HEADING and "\n" in block.text:
            hidden.append((block.start + block.text.rindex("\n"), block.end))
    plain = _hide(source, hidden)
    plain = plain.translate(_PLAIN)
    for pattern in _THINGS:
        plain = pattern.sub(lambda match: _THING * len(match.group()), plain)
    for pattern in _BLANKED:
        plain = pattern.sub(lambda match: _spaces(match.group()), plain)
    plain = plain.replace("[", " ").replace("]", " ").replace("|", _THING)
    return ReadingCopy(source, plain, tuple(block for block in blocks if block.kind not in _NOT_PROSE))


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _hide(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += text[at:start], _spaces(text[start:end])
        at = end
    return "".join((*pieces, text[at:]))
