"""RSS 0.9x, 1.0 and 2.0, Atom (RFC 4287) and JSON Feed as plain values. No database, no network: bytes in.

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
from keepshowingup.editorial.feed_entries import MOST_ITEMS, Entry, Told, as_html
from keepshowingup.editorial.json_feeds import is_json, read_json_feed
from keepshowingup.editorial.pages import html_to_markdown

#: Elements a feed may have, those in its items' HTML among them: reading takes longer than that many times longer.
MOST_TAGS = 100_000
_ENTITY = re.compile(rb"<!ENTITY|<\0!\0E\0N\0T\0I\0T\0Y|\0<\0!\0E\0N\0T\0I\0T\0Y", re.IGNORECASE)
_TOO_MANY = "This feed has more elements than any feed needs. It is not read."
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
    told = read_json_feed(data) if is_json(data) else _read_xml(data, url, kind)
    if sum(entry.content.count("<") for entry in told.entries) > MOST_TAGS:
        raise Refused(_TOO_MANY)
    home, links = _web(told.home), Counter(_web(entry.url) for entry in told.entries)
    return FeedText(
        title=_line(told.title),
        language=told.language[:10],
        pause=told.pause,
        items=tuple(_item(entry, home, links) for entry in told.entries),
    )


def _read_xml(data: bytes, url: str, kind: str) -> Told:
    if _ENTITY.search(data):
        raise Refused(_OWN_ENTITY)
    if data.count(b"<") > MOST_TAGS:
        raise Refused(_TOO_MANY)
    try:
        found = _parsed(data, url, kind)
    except Exception as error:  # what strangers send fails in many ways inside of encodings, XML and HTML
        raise Refused("This feed can't be read: its text is not built as feeds are.") from error
    if not found.entries and (found.bozo or not found.get("version")):
        raise Refused(
            "There is no RSS, Atom or JSON feed at this address. Look on the site for the address of its feed."
        )
    licence = _licence(found.feed)
    return Told(
        title=str(found.feed.get("title", "") or ""),
        home=str(found.feed.get("link", "") or ""),
        language=str(found.feed.get("language", "") or ""),
        pause=_pause(found.feed),
        entries=tuple(
            Entry(
                name=str(entry.get("id", "") or ""),
                url=str(entry.get("link", "") or ""),
                title=str(entry.get("title", "") or ""),
                content=_content(entry),
                author=str(entry.get("author", "") or ""),
                licence=_licence(entry) or licence,
            )
            for entry in found.entries[:MOST_ITEMS]
        ),
    )


def _parsed(data: bytes, url: str, kind: str) -> Any:
    import feedparser

    headers = {"content-type": kind, "content-location": url} if kind else {"content-location": url}
    # As a stream: a string it would take for the name of a file, or for an address. HTML is cleaned by us.
    return feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _item(entry: Entry, home: str, links: Counter[str]) -> Item:
    url, title, name = _web(entry.url), _line(entry.title), entry.name.strip()
    markdown = html_to_markdown(entry.content, images=True).strip()
    words = _digest(" ".join(f"{title} {markdown}".split()))
    telling = bool(url) and url != home and links[url] == 1
    return Item(
        key=_digest(name) if name else _digest(url) if telling else words,
        link=_digest(_bare(url)) if telling else "",
        words=words,
        title=title,
        url=url,
        markdown=markdown,
        author=_line(entry.author),
        licence=entry.licence,
    )


def _content(entry: Any) -> str:
    """The longest of what an item has as its text, as HTML."""
    texts = [*entry.get("content", ()), *filter(None, (entry.get("summary_detail"),))]
    written = [
        as_html(str(text.value)) if text.get("type") == "text/plain" else str(text.value)
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


def _web(address: str) -> str:
    text = address.strip()
    return text if text.startswith(("http://", "https://")) and len(text) <= 500 else ""


def _bare(url: str) -> str:
    """An address without what changes and leads to the same text: its scheme, its marks for counting, its end."""
    parts = urlsplit(url)
    query = "&".join(part for part in parts.query.split("&") if part and not part.lower().startswith("utm_"))
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{query}"


def _line(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]{0,500}>", "", text)).split())[:200]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
