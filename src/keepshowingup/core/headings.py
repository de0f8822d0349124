"""Titles and headings: what a text calls itself, and lines that are headings without being marked so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from keepshowingup.core.blocks import Block, BlockKind, read_blocks
from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.letter_markdown import tidy
from keepshowingup.core.prose import count_words, sentences
from keepshowingup.core.reading_copy import read_copy
from keepshowingup.core.residue import bare, find_residue

_TITLE_LENGTH = 200
_SALUTATION = re.compile(
    r"(?:dear|hello|hi|hey|good (?:morning|evening)|by|from|to|love|yours|with|best|sincerely)\b", re.IGNORECASE
)


def named_title(text: str) -> str:
    """The title an article gives itself: front matter, a single first-level heading, or a first line set apart."""
    text = tidy(text)
    front = read_front_matter(text)
    if title := front.fields.get("title", "").strip():
        return _one_line(title)
    blocks = readable_blocks(read_blocks(text, front.body_start))
    headings = [block for block in blocks if block.kind is BlockKind.HEADING]
    top = [block for block in headings if block.level == 1]
    if len(top) == 1:
        return _one_line(bare(top[0].heading))
    if not blocks:
        return ""
    if blocks[0].kind is BlockKind.HEADING:
        followed = len(blocks) > 1 and blocks[1].kind is BlockKind.HEADING
        alone = followed or sum(block.level == blocks[0].level for block in headings) == 1
        return _one_line(bare(blocks[0].heading)) if alone else ""
    named = blocks[0].kind is BlockKind.PARAGRAPH and looks_like_heading(blocks, 0)
    return _one_line(bare(blocks[0].text)) if named else ""


def article_title(text: str) -> str:
    """What an article may be called: its own title, its first heading, or how it begins; at most 200 characters."""
    if title := named_title(text):
        return title
    blocks = readable_blocks(read_blocks(tidy(text)))
    for block in blocks[:1]:
        if block.kind is BlockKind.HEADING:
            return _one_line(bare(block.heading))
    plain = read_copy(tidy(text)).plain
    begun = next(iter(sentences(plain)), "")
    return _one_line(" ".join(begun.split()), 80).rstrip(" .,;:") or "Untitled"


def readable_blocks(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that are read, residue apart."""
    residue = [(line.start, line.end) for line in find_residue(blocks)]
    unread = {BlockKind.COMMENT, BlockKind.RULE, BlockKind.DEFINITION}
    readable = []
    for block in blocks:
        if block.kind in unread:
            continue
        kept = _without(block, residue)
        if kept.text.strip():
            readable.append(kept)
    return readable


def _without(block: Block, residue: list[tuple[int, int]]) -> Block:
    inside = [(start, end) for start, end in residue if block.start <= start and end <= block.end]
    if not inside:
        return block
    kept, at = [], block.start
    for start, end in inside:
        kept.append(block.text[at - block.start : start - block.start])
        at = end
    kept.append(block.text[at - block.start :])
    return replace(block, text=re.sub(r"\n\s*\n+", "\n", "".join(kept)).strip("\n"))


def looks_like_heading(blocks: Sequence[Block], index: int) -> bool:
    """Whether a line without markup is a heading: short, set apart, no full stop, and text comes after it."""
    block = blocks[index]
    line = block.text.strip()
    alone = block.kind is BlockKind.PARAGRAPH or (
        block.kind is BlockKind.ITEM
        and bool(re.match(r"\d", line))
        and not any(
            near.kind is BlockKind.ITEM for near in (*blocks[max(0, index - 1) : index], *blocks[index + 1 : index + 2])
        )
    )
    words = re.sub(r"\A\d{1,3}[.)]\s+", "", line)
    if not alone or not block.gap or "\n" in line or not 3 <= len(words) <= 75 or not 1 <= count_words(words) <= 11:
        return False
    if words[-1] in ".,;…!\"'”\u2019)" or words[0].islower() or not words[0].isalnum() or _SALUTATION.match(words):
        return False
    if re.search(r"[.!?]\s", words) or not any(character.isalpha() for character in words):
        return False
    following = blocks[index + 1 : index + 3]
    return (
        bool(following)
        and following[0].gap
        and any(count_words(near.text) > count_words(words) + 3 for near in following)
    )


def _one_line(text: str, longest: int = _TITLE_LENGTH) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[:longest].rsplit(" ", 1)[0]
