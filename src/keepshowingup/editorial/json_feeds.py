"""JSON Feed, versions 1 and 1.1 (https://www.jsonfeed.org/version/1.1/).

What is no text where text belongs says nothing. It has no place for a licence: a person states it. ``next_url`` leads
to older items, which are not asked for.
"""

from __future__ import annotations

import json
import re
from typing import Any

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.feed_entries import MOST_ITEMS, Entry, Told, as_html

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/1(?:\.\d+)?/?")
#: Minutes. A feed that says it has ended is still looked at now and then: people change their minds.
_ENDED = 24 * 60
# What no database keeps and nobody sees: XML has no such characters, JSON may have them escaped.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def is_json(data: bytes) -> bool:
    """Whether it can only be JSON: no other feed begins with a brace."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read_json_feed(data: bytes) -> Told:
    """What the feed says. Raises :class:`Refused` for JSON that is cut off, nested without end, or no feed."""
    try:
        said = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Refused("This feed can't be read: its text is not built as JSON is.") from error
    items = said.get("items")
    if not _VERSION.fullmatch(_text(said.get("version"))) or not isinstance(items, list):
        raise Refused("This is JSON, and no JSON Feed. Look on the site for the address of its feed.")
    author = _author(said)
    return Told(
        title=_text(said.get("title")),
        home=_text(said.get("home_page_url")),
        language=_text(said.get("language")),
        pause=_ENDED if said.get("expired") is True else 0,
        entries=tuple(_entry(item, author) for item in items[:MOST_ITEMS] if isinstance(item, dict)),
    )


def _entry(item: dict[str, Any], author: str) -> Entry:
    plain = _text(item.get("content_text")) or _text(item.get("summary"))
    return Entry(
        name=_text(item.get("id")),
        url=_text(item.get("url")) or _text(item.get("external_url")),
        title=_text(item.get("title")),
        content=_text(item.get("content_html")) or as_html(plain),
        author=_author(item) or author,
    )


def _author(said: dict[str, Any]) -> str:
    """The names in ``authors``, or in ``author``, as version 1 has it."""
    authors = said.get("authors") or [said.get("author")]
    named = authors if isinstance(authors, list) else []
    return ", ".join(name for each in named if isinstance(each, dict) and (name := _text(each.get("name")).strip()))


def _text(value: Any) -> str:
    """Text as it is; a number, which some feeds have for an id, as text; anything else says nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _UNSEEN.sub("", value) if isinstance(value, str) else ""
