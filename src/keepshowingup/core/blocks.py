"""A text as a row of blocks: headings, paragraphs, list items. Markdown, or plain lines of any origin."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keepshowingup.core.front_matter import read_front_matter


class BlockKind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    QUOTE = "quote"
    CODE = "code"
    TABLE = "table"
    RULE = "rule"
    COMMENT = "comment"
    DEFINITION = "definition"  # of a link's address, or a footnote's mark


@dataclass(frozen=True)
class Block:
    """One block: its kind, where it lies in the text, a heading's level, and whether a blank line comes before it."""

    kind: BlockKind
    start: int
    end: int
    text: str
    level: int = 0
    gap: bool = True

    @property
    def heading(self) -> str:
        """A heading's words without its marks."""
        lines = self.text.strip().split("\n")
        words = " ".join(line.strip() for line in lines if not _UNDERLINE.match(line))
        words = re.sub(r"\A#{1,6}[ \t]*|[ \t]+#+\Z", "", words)
        return re.sub(r"\A(\*\*|__)(.+)\1\Z", r"\2", words.strip()).strip()


_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)(.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*\Z")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"\s{0,8}(?:([-*+•‣▪◦·])|(\d{1,3})[.)])[ \t]+\S")
_QUOTE = re.compile(r" {0,3}>")
_TABLE = re.compile(r"\s*\|.*\|\s*\Z")
_BOLD_LINE = re.compile(r"\s*(\*\*|__)(?=\S)([^*_]{1,80}?)(?<=\S)\1:?\s*\Z")
_DEFINITION = re.compile(r" {0,3}\[[^\]\n]{1,80}\]:[ \t]+\S+")


def read_blocks(text: str, start: int | None = None) -> list[Block]:
    """The blocks of a text whose lines end in ``\\n``, in order, front matter left out.

    Every character that is not space lies in exactly one block. ``start`` skips what comes before it.
    """
    begin = read_front_matter(text).body_start if start is None else start
    return list(_blocks(text, begin, line_is_paragraph=_lines_are_paragraphs(text[begin:])))


def _lines_are_paragraphs(body: str) -> bool:
    """Whether a text without blank lines was saved with one paragraph a line."""
    lines = [line for line in body.strip().split("\n") if line.strip()]
    if len(lines) < 3 or re.search(r"\n[ \t]*\n", body.strip()):
        return False
    lengths = [len(line) for line in lines]
    return statistics.mean(lengths) > 130 or max(lengths) > 300


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1


def _blocks(text: str, begin: int, *, line_is_paragraph: bool) -> Iterator[Block]:
    lines = list(_lines(text, begin))
    index, gap = 0, True
    while index < len(lines):
        offset, line = lines[index]
        if not line.strip("\ufeff \t\x0b\x0c"):
            index, gap = index + 1, True
            continue
        kind, level, count = _kind_at(lines, index, line_is_paragraph=line_is_paragraph)
        last_offset, last_line = lines[index + count - 1]
        end = last_offset + len(last_line)
        yield Block(kind, offset, end, text[offset:end], level, gap)
        index, gap = index + count, line_is_paragraph


def _kind_at(lines: list[tuple[int, str]], index: int, *, line_is_paragraph: bool) -> tuple[BlockKind, int, int]:
    """The kind of the block that starts at a line, its level, and how many lines it has."""
    line = lines[index][1].lstrip("\ufeff")
    if fence := _FENCE.match(line):
        return BlockKind.CODE, 0, _until_closed(lines, index, fence.group(1))
    if line.lstrip().startswith("<!--"):
        return BlockKind.COMMENT, 0, _until_holds(lines, index, "-->")
    if heading := _ATX.match(line):
        return BlockKind.HEADING, len(heading.group(1)), 1
    if _RULE.match(line):
        return BlockKind.RULE, 0, 1
    if _DEFINITION.match(line):
        return BlockKind.DEFINITION, 0, 1
    if _QUOTE.match(line):
        return BlockKind.QUOTE, 0, _while(lines, index, lambda text: bool(_QUOTE.match(text) or _continues(text)))
    if _TABLE.match(line):
        return BlockKind.TABLE, 0, _while(lines, index, lambda text: bool(_TABLE.match(text)))
    if _ITEM.match(line):
        return BlockKind.ITEM, 0, 1 if line_is_paragraph else _while(lines, index, _continues)
    if line_is_paragraph:
        return BlockKind.PARAGRAPH, 0, 1
    return _paragraph_at(lines, index)


def _paragraph_at(lines: list[tuple[int, str]], index: int) -> tuple[BlockKind, int, int]:
    count = 1
    while index + count < len(lines):
        following = lines[index + count][1]
        underline = _UNDERLINE.match(following)
        # Markdown would make a heading of a whole paragraph; a rule drawn under one is far more likely.
        if underline and count <= 2 and not _BOLD_LINE.match(following):
            return BlockKind.HEADING, 1 if "=" in underline.group(1) else 2, count + 1
        if not _continues(following):
            break
        count += 1
    if count == 1 and _BOLD_LINE.match(lines[index][1]):
        return BlockKind.HEADING, 3, 1
    return BlockKind.PARAGRAPH, 0, count


def _continues(line: str) -> bool:
    """Whether a line goes on with the paragraph or item above it."""
    if not line.strip():
        return False
    item = _ITEM.match(line)
    if item and item.group(2) not in (None, "1"):
        # A wrapped line may well start with "1990. "; a list that goes on has a small number.
        return int(item.group(2)) > 40
    starts_anew = (_ATX, _RULE, _FENCE, _QUOTE, _TABLE, _DEFINITION)
    return not item and not any(pattern.match(line) for pattern in starts_anew)


def _while(lines: list[tuple[int, str]], index: int, holds: object) -> int:
    assert callable(holds)
    count = 1
    while index + count < len(lines) and holds(lines[index + count][1]):
        count += 1
    return count


def _until_closed(lines: list[tuple[int, str]], index: int, fence: str) -> int:
    for count, (_, line) in enumerate(lines[index + 1 :], start=2):
        mark = line.strip()
        if mark.startswith(fence) and not mark.strip(fence[0]):
            return count
    return len(lines) - index


def _until_holds(lines: list[tuple[int, str]], index: int, mark: str) -> int:
    for count, (_, line) in enumerate(lines[index:], start=1):
        if mark in line:
            return count
    return len(lines) - index
