"""Where a Markdown text shows images, whatever way it is written, and putting others in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from keepshowingup.core.letter_markdown import LINK_DEFINITION

_WORDS = r"!\[((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,500})\]"
_ADDRESS = r"(?:<([^<>\n]*)>|([^()\s]*(?:\([^()\s]*\)[^()\s]*)*))"
_TITLE = r"""(?:\s+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?"""
_INLINE = re.compile(rf"{_WORDS}\(\s*{_ADDRESS}{_TITLE}\s*\)")
_BY_NAME = re.compile(_WORDS + r"(?:\[([^\[\]\n]{0,80})\])?(?!\()")
_TAG = re.compile(r"<img\b[^<>]{0,4000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(src|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")

Take = Callable[[str, str], str | None]
"""Given an image's address and its words: the address it is to have, or None to leave it out."""


def replace_images(text: str, take: Take) -> str:
    """The text with every image at the address that ``take`` says, or without it. What stands in a fence of code is
    shown, not obeyed, and stays."""
    if "![" not in text and "<img" not in text.lower():
        return text
    addresses = {
        name.lower(): address for line in text.split("\n") for name, address in LINK_DEFINITION.findall(line[:500])
    }

    def written(words: str, source: str) -> str:
        words = " ".join(words.split()).replace("[", "(").replace("]", ")")
        kept = take(source, words)
        return "" if kept is None else f"![{words}]({kept})"

    def by_name(match: re.Match[str]) -> str:
        source = addresses.get((match.group(2) or match.group(1)).lower())
        return match.group() if source is None else written(match.group(1), source)

    def by_tag(match: re.Match[str]) -> str:
        said = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(match.group())}
        return written(said.get("alt", ""), said.get("src", ""))

    out = ""
    for part, is_code in _parts(text):
        if not is_code:
            replaced = _INLINE.sub(lambda match: written(match.group(1), match.group(2) or match.group(3)), part)
            replaced = _TAG.sub(by_tag, _BY_NAME.sub(by_name, replaced))
            part = replaced if replaced == part else _EMPTY_LINES.sub("\n\n", replaced)
        out += part
    return out


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in runs of lines, each with whether it is a fence of code."""
    run, fence = "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if not fence and mark:
            yield run, False
            run, fence = line, mark.group(1)
        elif fence and mark and mark.group(1).startswith(fence) and not line[mark.end() :].strip():
            yield run + line, True
            run, fence = "", ""
        else:
            run += line
    yield run, bool(fence)
