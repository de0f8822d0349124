"""What a feed says, in whatever format it says it: its HTML as it came, nothing cleaned, nothing compared."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Items of a feed that are looked at; it lists the newest first.
MOST_ITEMS = 100


@dataclass(frozen=True)
class Entry:
    """One item. ``name`` is what the feed itself calls it, ``content`` is HTML; each may be empty."""

    name: str
    url: str
    title: str
    content: str
    author: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Told:
    """A feed and its first entries. ``home`` is its site's address, ``pause`` are minutes it asks to be left alone."""

    title: str
    home: str
    language: str
    pause: int = 0
    entries: tuple[Entry, ...] = field(default=())


def as_html(text: str) -> str:
    """Plain text with its paragraphs, as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n\n", "<p>")
