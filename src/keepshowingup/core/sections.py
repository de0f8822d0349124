"""An article taken apart: cleaned of residue, cut at its headings, and put together again in letter-sized parts.

No word is changed. What a letter can't hold (images, raw HTML, addresses that lead nowhere) is unwrapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from keepshowingup.core.blocks import Block, BlockKind, read_blocks
from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.headings import looks_like_heading, named_title, readable_blocks
from keepshowingup.core.letter_markdown import LINK_DEFINITION, escaped, shielded, tidy, unwrapped
from keepshowingup.core.prose import count_words, sentences
from keepshowingup.core.reading_copy import read_copy
from keepshowingup.core.residue import bare, same_title

#: Words of an article in one letter: below the first it is merged, above the last it is cut.
SMALLEST, WANTED, LARGEST = 80, 185, 270


@dataclass(frozen=True)
class Piece:
    """What is never cut: a heading and what follows it, a paragraph, an item. ``tight`` joins it to the one before."""

    markdown: str
    words: int
    heading: str = ""
    tight: bool = False


@dataclass(frozen=True)
class Section:
    """A part of an article that becomes a letter, and the headings it has."""

    pieces: tuple[Piece, ...]

    @property
    def words(self) -> int:
        """The words of the article's own that are in it."""
        return sum(piece.words for piece in self.pieces)

    @property
    def headings(self) -> list[str]:
        """Its headings, in order."""
        return [piece.heading for piece in self.pieces if piece.heading]

    @property
    def markdown(self) -> str:
        """Its Markdown, as it stands in the article."""
        out = ""
        for piece in self.pieces:
            tight = piece.tight and out
            out += ("\n" if tight else "\n\n" if out else "") + (
                piece.markdown if tight else piece.markdown.lstrip(" \t")
            )
        return out


def split_article(text: str) -> list[Section]:
    """The letter-sized parts of an article, in order. Every sentence, residue apart, is in exactly one of them."""
    pieces = _glued(list(_pieces(text)))
    sections: list[list[Piece]] = []
    for piece in pieces:
        if piece.heading or not sections:
            sections.append([])
        sections[-1].append(piece)
    merged = _merged([Section(tuple(section)) for section in sections])
    return [part for section in merged for part in _cut(section)]


def _pieces(text: str) -> Iterator[Piece]:
    text = tidy(text)
    front = read_front_matter(text)
    blocks = read_blocks(text, front.body_start)
    addresses = {
        name.lower(): address
        for block in blocks
        if block.kind is BlockKind.DEFINITION
        for name, address in LINK_DEFINITION.findall(block.text)
    }
    title = named_title(text)
    readable = [block for block in readable_blocks(blocks) if not (title and same_title(bare(block.heading), title))]
    marked = sum(block.kind is BlockKind.HEADING for block in readable)
    for index, block in enumerate(readable):
        if block.kind is BlockKind.CODE:
            yield Piece(escaped(block.text), count_words(block.text))
        elif block.kind is BlockKind.HEADING or (marked < 2 and looks_like_heading(readable, index)):
            heading = " ".join(unwrapped(_heading_of(block), addresses).split())
            if heading:
                yield Piece(f"## {escaped(heading)}", count_words(heading), heading)
        else:
            yield from _running(block, addresses, after_item=index > 0 and readable[index - 1].kind is BlockKind.ITEM)


def _heading_of(block: Block) -> str:
    if block.kind is BlockKind.HEADING:
        return re.sub(r":\Z", "", block.heading)
    return re.sub(r"\A\s*\d{1,3}[.)]\s+", "", block.text.strip())


def _running(block: Block, addresses: dict[str, str], *, after_item: bool) -> Iterator[Piece]:
    """A paragraph, item, quotation or table as pieces; one that is longer than a letter is cut between sentences."""
    body, mark = block.text, ""
    if block.kind is BlockKind.QUOTE:
        body, mark = re.sub(r"^[ \t]*>[ \t]?", "", body, flags=re.MULTILINE), "> "
    if block.kind is BlockKind.ITEM:
        item = re.match(r"(\s*)(?:[-*+•‣▪◦·]|(\d{1,3}[.)]))[ \t]+", body)
        assert item
        indent = item.group(1) if after_item else ""
        body, mark = body[item.end() :], f"{indent}{item.group(2) or '-'} "
    body = unwrapped(body, addresses)
    for number, part in enumerate(_sentence_groups(body)):
        lines = [line.strip() for line in part.split("\n") if line.strip()]
        if not lines:
            continue
        words = count_words(read_copy("\n".join(lines)).plain)
        written = [escaped(shielded(line)) for line in lines]
        if block.kind is BlockKind.QUOTE:
            yield Piece("\n".join(mark + line for line in written), words)
        elif block.kind is BlockKind.ITEM and number == 0:
            inner = "\n" + " " * len(mark)
            yield Piece(mark + inner.join(written), words, tight=after_item and not block.gap)
        else:
            # In Markdown a line of a poem would run on into the next.
            yield Piece(("\\\n" if _is_verse(lines) else "\n").join(written), words)


def _is_verse(lines: list[str]) -> bool:
    """Whether the lines are a poem's or an address's: short, most without a full stop, each with a capital."""
    begins = [line.lstrip("\"'“\u2018*_(")[:1] for line in lines]
    ended = sum(line.endswith((".", "!", "?")) for line in lines)
    short = len(lines) > 2 and max(map(len, lines)) <= 60 and 2 * ended <= len(lines)
    return short and all(first.isupper() for first in begins)


def _sentence_groups(text: str) -> list[str]:
    """A text that fits in a letter as it is; a longer one in groups of whole sentences of about half a letter."""
    if count_words(text) <= LARGEST - SMALLEST:
        return [text]
    parts = sentences(text)
    if len(parts) == 1:
        parts = [line for line in text.split("\n") if line.strip()]
    groups: list[str] = []
    open_group: list[str] = []
    for part in parts:
        open_group.append(part)
        joined = " ".join(open_group)
        if count_words(joined) >= WANTED // 2 and (_balanced(joined) or count_words(joined) > LARGEST):
            groups.append(joined)
            open_group = []
    if open_group:
        groups.append(" ".join(open_group))
    return groups


def _balanced(text: str) -> bool:
    return text.count("[") == text.count("]") and text.count("**") % 2 == 0 and text.count("`") % 2 == 0


def _glued(pieces: list[Piece]) -> list[Piece]:
    """Headings stay with what follows them; a heading that nothing follows stays with what is before it."""
    glued: list[Piece] = []
    heading: Piece | None = None
    for piece in pieces:
        if heading is not None:
            markdown = f"{heading.markdown}\n\n{piece.markdown.lstrip()}"
            piece = Piece(markdown, heading.words + piece.words, heading.heading or piece.heading)
            heading = None
            if _only_headings(piece):
                heading = piece
                continue
        elif piece.heading:
            heading = piece
            continue
        glued.append(piece)
    if heading is not None:
        glued.append(replace(heading, heading=""))
    return glued


def _only_headings(piece: Piece) -> bool:
    return all(line.startswith("## ") for line in piece.markdown.split("\n") if line)


def _merged(sections: list[Section]) -> list[Section]:
    """Sections under 80 words joined to the smaller neighbour, until none is left or only one is."""
    sections = list(sections)
    index = 0
    while index < len(sections):
        if sections[index].words >= SMALLEST or len(sections) == 1:
            index += 1
            continue
        # What comes before the first heading opens the article; elsewhere the shorter neighbour has more room.
        before = sections[index - 1].words if index > 0 else None
        after = sections[index + 1].words if index + 1 < len(sections) else None
        left = index - 1 if after is None or (before is not None and before < after) else index
        sections[left : left + 2] = [Section(sections[left].pieces + sections[left + 1].pieces)]
        index = max(0, left)
    return sections


def _cut(section: Section) -> list[Section]:
    """A section in one part, or, when it is too long, in the most even parts its pieces allow."""
    pieces = section.pieces
    if section.words <= LARGEST or len(pieces) == 1:
        return [section]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(pieces) + 1):
        options = []
        words = 0
        for start in range(end - 1, -1, -1):
            words += pieces[start].words
            if words > 2 * LARGEST and start < end - 1:
                break
            options.append((best[start][0] + _unease(words) + _parting(pieces, end), start))
        best.append(min(options))
    parts: list[Section] = []
    end = len(pieces)
    while end > 0:
        start = best[end][1]
        parts.append(Section(pieces[start:end]))
        end = start
    return parts[::-1]


def _parting(pieces: tuple[Piece, ...], end: int) -> float:
    """What it costs to cut before a piece: lists stay whole, questions with their answers."""
    if end == len(pieces):
        return 0.0
    leads_on = pieces[end - 1].markdown.rstrip("*_ ").endswith(("?", ":")) and pieces[end - 1].words < SMALLEST
    return 40.0 * (pieces[end].tight + leads_on)


def _unease(words: int) -> float:
    """How far a part is from what reads well; far outside the bounds counts most."""
    off = abs(words - WANTED) / 10
    return off * off + 50.0 * max(0, SMALLEST - words, words - LARGEST)
