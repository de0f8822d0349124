"""JSON Feed: read as RSS and Atom are, by the same rules, into the same drafts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from keepshowingup.core.errors import Refused
from keepshowingup.editorial.feed_reading import FeedText, read_feed
from keepshowingup.editorial.feeding import INTERVAL, LONGEST_REST, Looked, add_feed, look_at
from keepshowingup.editorial.models import Article, Feed, KeptPicture, Sequence
from tests.elsewhere import Elsewhere, elsewhere, only_this_machine
from tests.pictures import jpeg

WORDS = "Somebody stayed, and a neighbour never asked why he came so late. "
URL = "https://blog.example.org/feed.json"
KIND = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def written(*items: Any, **said: Any) -> bytes:
    """A feed's bytes."""
    feed = {"version": VERSION, "title": "Harbour notes", "home_page_url": "https://blog.example.org/", "items": items}
    return json.dumps(feed | said).encode()


def item(number: int, **said: Any) -> dict[str, Any]:
    address = f"https://blog.example.org/{number}"
    html = f"<p>This is number {number}. {WORDS * 4}</p>"
    return {"id": address, "url": address, "title": f"Post {number}", "content_html": html, **said}


def read(data: bytes) -> FeedText:
    return read_feed(data, url=URL, kind=KIND)


def test_an_item_has_its_title_address_author_words_and_images() -> None:
    content = '<p>Rest is <b>not</b> lazy. <script>x()</script></p><img src="/bench.jpg" alt="a bench">'
    slow = item(1, content_html=content, authors=[{"name": "Ada Quay"}, {"name": "Noa &amp; Lee"}, {"url": "x"}])
    feed = read(written(slow, language="en-GB"))
    assert (feed.title, feed.language, feed.pause) == ("Harbour notes", "en-GB", 0)
    (only,) = feed.items
    assert (only.title, only.url, only.author) == ("Post 1", "https://blog.example.org/1", "Ada Quay, Noa & Lee")
    assert only.markdown == "Rest is **not** lazy.\n\n![a bench](/bench.jpg)"
    assert only.licence == ""


def test_version_1_a_number_for_an_id_plain_text_and_an_address_elsewhere_are_read() -> None:
    plain = {"id": 7, "external_url": "https://other.example/a", "content_text": "Rest & sea <b>.\n\nSlow days."}
    said = {"version": "https://jsonfeed.org/version/1", "author": {"name": "Ada Quay"}}
    (only,) = read(written(plain, **said)).items
    assert (only.title, only.url, only.author) == ("", "https://other.example/a", "Ada Quay")
    assert only.markdown == "Rest & sea <b>.\n\nSlow days."
    (named,) = read(written(plain | {"id": "7"}, **said)).items
    assert named.key == only.key


def test_a_feed_that_has_ended_is_left_alone_for_longest() -> None:
    assert read(written(expired=True)).pause == LONGEST_REST / dt.timedelta(minutes=1)


def test_of_very_many_items_the_first_hundred_are_looked_at() -> None:
    assert len(read(written(*(item(number) for number in range(150)))).items) == 100


@pytest.mark.parametrize(
    "odd",
    [
        {"title": ["x"], "language": 5, "authors": "Ada", "author": 3},
        {"items": [None, [], "x", 5, {"id": {}, "url": [], "title": None, "content_html": 1, "authors": [None, 5]}]},
        {
            "title": "a\x00b\ud800c\x1b",
            "items": [item(1, title="\ud83d", content_text="\x00", authors=[{"name": "\x00"}])],
        },
        {"items": [{}]},
    ],
)
def test_what_is_no_text_says_nothing(odd: dict[str, Any]) -> None:
    feed = read(written(**odd))
    for text in (feed.title, *(part for each in feed.items for part in (each.title, each.markdown, each.author))):
        assert "\x00" not in text
        text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"version": "https://jsonfeed.org/version/1.1"}',
        b'{"version": "https://jsonfeed.org/version/2", "items": []}',
        b'{"openapi": "3.1.0", "items": []}',
        b'{"a": ' + b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"version": "\xff"}',
        written(item(1, content_html="<a>" * 100_001)),
    ],
    ids=["cut off", "no items", "version 2", "no feed", "nested", "number", "no UTF-8", "elements"],
)
def test_what_is_no_json_feed_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read(data)
    assert refusal.value.message.endswith(".")


@pytest.fixture
def site() -> Iterator[Elsewhere]:
    with elsewhere() as there:
        yield there


def add(site: Elsewhere, now: dt.datetime) -> Feed:
    return add_feed(f"{site.url}/feed", becomes="drafts", added_by="ruth", now=now, may_reach=only_this_machine)


def look(feed: Feed, at: dt.datetime) -> Looked | None:
    return look_at(feed.pk, now=at, today=at, may_reach=only_this_machine)


@pytest.mark.django_db
def test_what_is_new_becomes_an_article_with_its_pictures_and_a_draft(site: Elsewhere, now: dt.datetime) -> None:
    site.has("/bench.jpg", jpeg(40, 30), "image/jpeg")
    shows = item(2, content_html=f'<p>{WORDS * 4}</p><img src="{site.url}/bench.jpg" alt="A bench">')
    site.has("/feed", written(shows, item(1)), KIND, ETag='"one"')
    feed = add(site, now)
    assert look(feed, now) == Looked(new=1)
    article = Article.objects.get()
    assert (article.title, article.source_url) == ("Post 2", "https://blog.example.org/2")
    assert (article.source_name, article.licence) == ("Harbour notes", "")
    assert KeptPicture.objects.get().name in article.text
    assert Sequence.objects.get().state == Sequence.State.DRAFT
    # The second look asks with what the first was told, and an item in other words is the same item.
    assert look(feed, now + INTERVAL) == Looked()
    assert site.asked[-1][1]["If-None-Match"] == '"one"'
    assert KIND in site.asked[-1][1]["Accept"]
    site.has("/feed", written(item(2, content_html="<p>Other words, and many of them.</p>"), item(1)), KIND)
    assert look(feed, now + 2 * INTERVAL) == Looked()


@pytest.mark.django_db
def test_its_size_is_limited_and_a_private_address_is_never_asked(site: Elsewhere, now: dt.datetime) -> None:
    site.has("/feed", written(item(1, content_html="x" * 6_000_000)), KIND)
    with pytest.raises(Refused, match="5 MB"):
        add(site, now)
    asked = len(site.asked)
    with pytest.raises(Refused, match="inside a network"):
        add_feed(f"{site.url}/feed", becomes="drafts", added_by="ruth", now=now)
    assert len(site.asked) == asked
