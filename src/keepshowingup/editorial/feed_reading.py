"""RSS 0.9x, 1.0 and 2.0 and Atom (RFC 4287) as plain values. No database, no network: bytes in.

What an item is known by: its own name (guid, id), its address, its words. Feeds change the first two when they move to
another system, and some have neither.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from keepshowingup.core.errors import Refused
from keepshowingup.core.licences import licence_name
from keepshowingup.editorial.pages import html_to_markdown

#: Items of a feed that are looked at; it lists the newest first.
MOST_ITEMS = 100
#: Elements a feed may have, those in its items' HTML among them: reading takes longer than that many times longer.
MOST_TAGS = 100_000
_ENTITY = re.compile(rb"<!ENTITY|<\0!\0E\0N\0T\0I\0T\0Y|\0<\0!\0E\0N\0T\0I\0T\0Y", re.IGNORECASE)
_OWN_ENTITY = "This feed declares entities of its own, which serve to make much of little. It is not read."


@dataclass(frozen=True)
class Item:
    """One item: its words as Markdown, images at their own addresses; ``key``, ``link`` and ``words`` are digests.

    ``link`` is empty where the address says nothing, because other items or the feed itself have the same.
    """

    key: str
    link: str
    words: str
    title: str
    url: str
    markdown: str
    author: str = ""
    licence: str = ""


@dataclass(frozen=True)
class FeedText:
    """What a feed says; its items newest first, as it lists them. ``pause`` are minutes it asks to be left alone."""

    title: str
    language: str
    pause: int
    items: tuple[Item, ...] = field(default=())


def read_feed(data: bytes, *, url: str, kind: str = "") -> FeedText:
    """Read a feed that came from ``url``, sent as media type ``kind``. Raises :class:`Refused` for what is none."""
    if _ENTITY.search(data):
        raise Refused(_OWN_ENTITY)
    if data.count(b"<") > MOST_TAGS:
        raise Refused("This feed has more elements than any feed needs. It is not read.")
    try:
        found = _parsed(data, url, kind)
    except Exception as error:  # what strangers send fails in many ways inside of encodings, XML and HTML
        raise Refused("This feed can't be read: its text is not built as feeds are.") from error
    if not found.entries and (found.bozo or not found.get("version")):
        raise Refused("There is no RSS or Atom feed at this address. Look on the site for the address of its feed.")
    home = _web(found.feed.get("link", ""))
    entries = found.entries[:MOST_ITEMS]
    links = Counter(_web(entry.get("link", "")) for entry in entries)
    licence = _licence(found.feed)
    return FeedText(
        title=_line(found.feed.get("title", "")),
        language=str(found.feed.get("language", "") or "")[:10],
        pause=_pause(found.feed),
        items=tuple(_item(entry, home, links, licence) for entry in entries),
    )


def _parsed(data: bytes, url: str, kind: str) -> Any:
    import feedparser

    headers = {"content-type": kind, "content-location": url} if kind else {"content-location": url}
    # As a stream: a string it would take for the name of a file, or for an address. HTML is cleaned by us.
    return feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _item(entry: Any, home: str, links: Counter[str], licence: str) -> Item:
    url, title = _web(entry.get("link", "")), _line(entry.get("title", ""))
    markdown = html_to_markdown(_content(entry), images=True).strip()
    words = _digest(" ".join(f"{title} {markdown}".split()))
    telling = bool(url) and url != home and links[url] == 1
    name = str(entry.get("id", "") or "").strip()
    return Item(
        key=_digest(name) if name else _digest(url) if telling else words,
        link=_digest(_bare(url)) if telling else "",
        words=words,
        title=title,
        url=url,
        markdown=markdown,
        author=_line(entry.get("author", ""))[:200],
        licence=_licence(entry) or licence,
    )


def _content(entry: Any) -> str:
    """The longest of what an item has as its text, as HTML."""
    texts = [*entry.get("content", ()), *filter(None, (entry.get("summary_detail"),))]
    written = [
        str(text.value).replace("&", "&amp;").replace("<", "&lt;").replace("\n\n", "<p>")
        if text.get("type") == "text/plain"
        else str(text.value)
        for text in texts
        if text.get("value")
    ]
    return max(written, key=len, default="")


def _licence(said: Any) -> str:
    """``creativecommons:license``, ``rel=license`` (RFC 4946), ``cc:license``, or rights that name a licence."""
    for link in said.get("links", ()):
        if link.get("rel") == "license" and link.get("href"):
            return licence_name(str(link["href"]))
    return licence_name(str(said.get("license") or said.get("rights") or said.get("dc_rights") or ""))


def _pause(said: Any) -> int:
    """RSS's ``ttl``, in minutes; 0 where it is not there, or no number."""
    text = str(said.get("ttl", "") or "").strip()
    return int(text) if re.fullmatch(r"\d{1,5}", text) else 0


def _web(address: Any) -> str:
    text = str(address or "").strip()
    return text if text.startswith(("http://", "https://")) and len(text) <= 500 else ""


def _bare(url: str) -> str:
    """An address without what changes and leads to the same text: its scheme, its marks for counting, its end."""
    parts = urlsplit(url)
    query = "&".join(part for part in parts.query.split("&") if part and not part.lower().startswith("utm_"))
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{query}"


def _line(text: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]{0,500}>", "", str(text or ""))).split())[:200]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
