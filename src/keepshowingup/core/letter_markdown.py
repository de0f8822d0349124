"""An article's Markdown made fit for a letter: no raw HTML, dead links, code, or pictures that are not kept here.

No word is changed.
"""

from __future__ import annotations

import re

from keepshowingup.core.pictures import names_in
from keepshowingup.core.reading_copy import even_lines

_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff]")
_LINE_BREAKS = re.compile(r"[\x0b\x0c\x85\u2028\u2029]")
LINK_DEFINITION = re.compile(r" {0,3}\[([^\]\n]{1,80})\]:[ \t]+<?([^\s>]+)>?")
_IMAGE = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_LINK = re.compile(
    r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+[\"'(][^\"'()]*[\"')])?\s*\)"
)
_LINK_BY_NAME = re.compile(r"\[([^\[\]]+)\][ ]?\[([^\[\]]*)\]")
_FOOTNOTE = re.compile(r"\[\^[\w-]{1,20}\]")
_TAG = re.compile(
    r"</?(?:a|abbr|article|aside|b|big|blockquote|center|cite|code|div|em|figcaption|figure|font|footer|h[1-6]|header|hr|i|img"
    r"|ins|kbd|li|main|mark|nav|ol|p|picture|pre|q|s|section|small|source|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul"
    r"|video|iframe|script|style)\b[^<>]*>|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_GOOD_ADDRESS = re.compile(r"(?:https?://[^\s/]+\.|mailto:\S+@)", re.IGNORECASE)


def tidy(text: str) -> str:
    """The text with even line ends and without control characters, which no letter can carry."""
    return _NOT_TEXT.sub("", _LINE_BREAKS.sub("\n", even_lines(text)))


def shielded(line: str) -> str:
    """A line of prose that would become a list, a heading or a quotation where it now begins a line."""
    line = re.sub(r"\A(\d+)([.)])(?=\s)", r"\1\\\2", line)
    return re.sub(r"\A([-+*#=])(?=\s|[-=]{2})|\A(>)", r"\\\1\2", line)


def unwrapped(text: str, addresses: dict[str, str]) -> str:
    """The text without raw HTML, footnote marks, links that lead nowhere from a letter, and pictures of others."""

    def image(match: re.Match[str]) -> str:
        return match.group() if names_in(match.group()) else ""

    def link(match: re.Match[str]) -> str:
        if names_in(match.group()) and text[max(0, match.start() - 1) : match.start()] == "!":
            return match.group()
        words, address = match.group(1), match.group(2)
        if not words.strip():
            return ""
        good = _GOOD_ADDRESS.match(address)
        return f"[{words}]({address.replace('{', '%7B').replace('}', '%7D')})" if good else words

    def link_by_name(match: re.Match[str]) -> str:
        address = addresses.get((match.group(2) or match.group(1)).lower())
        return match.group() if address is None else f"[{match.group(1)}]({address})"

    text = _TAG.sub("", _BREAK_TAG.sub("\n", _IMAGE.sub(image, text)))
    text = _FOOTNOTE.sub("", _LINK_BY_NAME.sub(link_by_name, text))
    return _LINK.sub(link, text)


def escaped(text: str) -> str:
    """Text with its braces printed by Jinja where they could be read as code: whatever an article says is text."""
    if not re.search(r"\{[{%#]|[}%#]\}", text):
        return text
    return re.sub(r"[{}]", lambda brace: f'{{{{ "{brace.group()}" }}}}', text)
