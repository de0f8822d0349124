"""Page residue: what a web page leaves behind when its text is copied, and the title said once more."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from keepshowingup.core.blocks import Block, BlockKind
from keepshowingup.core.pictures import names_in

_MARKS = re.compile(
    r"!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|[\[\]]|\*{1,3}|(?<!\w)_+|_+(?!\w)|\A#{1,6}\s+|\s#+\Z|\A\s*>\s?"
)
_BULLET = re.compile(r"\A\s*(?:[-*+•‣▪◦·]|\d{1,3}[.)])\s+")
_IMAGE = re.compile(r"\A(?:!\[[^\]]*\]\([^)]*\)|\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|<img\b[^>]*>|\s)+\Z", re.IGNORECASE)
# A site's template that was saved instead of the page made from it.
_TEMPLATE = re.compile(r"\A\s*(?:\{%.*?%\}\s*|\{\{\s*(?:site|page|include|content|layout)\b.*?\}\}\s*)+\Z")
_TITLE_TAIL = re.compile(r"\s+(?:[|–—·»]|-)\s+.{1,60}\Z")  # noqa: RUF001 - pages part title and site so


class ResidueKind(StrEnum):
    """What a line is, when it is no part of the text."""

    FURNITURE = "furniture"
    TITLE = "title"
    CREDIT = "credit"
    IMAGE = "image"


@dataclass(frozen=True)
class Residue:
    """One line that is no part of the text, with its offsets."""

    kind: ResidueKind
    start: int
    end: int


@dataclass(frozen=True)
class _Patterns:
    lines: re.Pattern[str]
    alone: re.Pattern[str]
    credit: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    data = tomllib.loads(files("keepshowingup.core").joinpath("data/residue.toml").read_text("utf-8"))
    strong = [*data["lines"], data["breadcrumb"]]
    return _Patterns(_any(strong), _any([*strong, *data["alone"]]), _any(data["credit"]))


def _any(alternatives: Iterable[str]) -> re.Pattern[str]:
    joined = "|".join(f"(?:{pattern})" for pattern in alternatives).replace(" ", r"\s+").replace(r"\s+?", r"\s*")
    return re.compile(rf"(?:{joined})\Z", re.IGNORECASE)


def bare(line: str) -> str:
    """A line's words without Markdown's marks."""
    return _MARKS.sub("", _BULLET.sub("", line.strip().strip("\ufeff"))).strip()


def same_title(text: str, title: str) -> bool:
    """Whether a line is the title again, with or without the name of a site after it."""
    said = _letters(title)
    return len(said) >= 4 and said in (_letters(text), _letters(_TITLE_TAIL.sub("", text)))


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def find_residue(blocks: Iterable[Block], title: str = "") -> list[Residue]:
    """The lines of a text that are no part of it, in order. A title is residue from the second time it is said."""
    found: list[Residue] = []
    blocks = list(blocks)
    title_said = False
    for index, block in enumerate(blocks):
        if block.kind in {BlockKind.CODE, BlockKind.COMMENT, BlockKind.RULE, BlockKind.DEFINITION}:
            continue
        furniture = _furniture(block)
        found += furniture
        if not furniture and title and same_title(bare(block.heading), title):
            if title_said:
                found.append(Residue(ResidueKind.TITLE, block.start, block.end))
            title_said = True
            continue
        last = [following for following in blocks[index + 1 :] if following.kind is not BlockKind.RULE]
        if len(last) < 2 and _is_credit(block):
            found.append(Residue(ResidueKind.CREDIT, block.start, block.end))
    return found


def _is_credit(block: Block) -> bool:
    return block.kind is BlockKind.PARAGRAPH and bool(_patterns().credit.match(" ".join(bare(block.text).split())))


def _furniture(block: Block) -> list[Residue]:
    lines: list[tuple[int, str]] = []
    offset = block.start
    for line in block.text.split("\n"):
        lines.append((offset, line))
        offset += len(line) + 1
    patterns = _patterns()
    pattern = patterns.alone if all(_is(patterns.alone, line) for _, line in lines) else patterns.lines
    # A list item may well be one plain word, "Home" or "Email".
    if block.kind is BlockKind.ITEM and len(lines) == 1:
        pattern = patterns.lines
    found = []
    for start, line in lines:
        if _TEMPLATE.match(line):
            found.append(Residue(ResidueKind.FURNITURE, start, start + len(line)))
        elif _IMAGE.match(line) and line.strip() and not names_in(line):
            found.append(Residue(ResidueKind.IMAGE, start, start + len(line)))
        elif line.strip() and _is(pattern, line):
            found.append(Residue(ResidueKind.FURNITURE, start, start + len(line)))
    return found


def _is(pattern: re.Pattern[str], line: str) -> bool:
    return len(line) < 400 and bool(pattern.match(bare(line)))
