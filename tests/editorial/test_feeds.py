from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.editorial import feeding
from keepshowingup.editorial.feed_reading import read_feed
from keepshowingup.editorial.feed_rounds import go_round
from keepshowingup.editorial.feeding import (
    INTERVAL,
    LEASE,
    LONGEST_REST,
    Looked,
    add_feed,
    due_feeds,
    look_at,
    remove_feed,
)
from keepshowingup.editorial.issues import move_on
from keepshowingup.editorial.models import Article, Feed, FeedItem, KeptPicture, Revision, Sequence, Step
from keepshowingup.editorial.reviewing import approve
from tests.elsewhere import Elsewhere, elsewhere, only_this_machine
from tests.factories import FeedFactory, SequenceFactory, StepFactory
from tests.pictures import jpeg

WORDS = "Somebody stayed, and a neighbour never asked why he came so late. "
ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
URL = "https://blog.example.org/feed"


def rss(*items: str, head: str = "") -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html">'
        f"<channel><title>Harbour notes</title><link>https://blog.example.org/</link>{head}{''.join(items)}</channel></rss>"
    )


def item(number: int, *, guid: str | None = "", link: str | None = "", words: str = "", extra: str = "") -> str:
    guid = f"<guid>{guid or f'post-{number}'}</guid>" if guid is not None else ""
    link = f"<link>{link or f'https://blog.example.org/{number}'}</link>" if link is not None else ""
    text = words or f"<p>This is number {number}. {WORDS * 4}</p>"
    return f"<item><title>Post {number}</title>{guid}{link}<description><![CDATA[{text}]]></description>{extra}</item>"


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">Harbour &amp;amp; sea</title>
<link href="https://blog.example.org/"/><link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/>
<entry><id>urn:uuid:1</id><title>Slow days</title><link rel="alternate" href="https://blog.example.org/slow"/>
<author><name>Ada Quay</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Rest is <b>not</b> lazy. <script>x()</script></p>
<img src="/bench.jpg" alt="a bench"/></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://a.example/"><title>Old</title><link>https://a.example/</link></channel>
<item rdf:about="https://a.example/1"><title>One</title><link>https://a.example/1</link><description>Words.</description></item>
</rdf:RDF>"""
OLD = """<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">
<rss version="0.91"><channel><title>Older</title><item><title>One</title><description>A &amp; b.</description></item>
</channel></rss>"""


def test_an_atom_feed_is_read_with_its_author_its_licence_and_its_images() -> None:
    feed = read_feed(ATOM.encode(), url=URL, kind="application/atom+xml")
    assert feed.title == "Harbour & sea"
    (slow,) = feed.items
    assert (slow.title, slow.url, slow.author) == ("Slow days", "https://blog.example.org/slow", "Ada Quay")
    assert slow.licence == "CC BY 4.0"
    assert slow.markdown == "Rest is **not** lazy.\n\n![a bench](/bench.jpg)"


@pytest.mark.parametrize(("text", "words"), [(RDF, "Words."), (OLD, "A & b.")])
def test_older_feeds_are_read_too(text: str, words: str) -> None:
    feed = read_feed(text.encode(), url=URL, kind="text/xml")
    assert [(each.title, each.markdown) for each in feed.items] == [("One", words)]


@pytest.mark.parametrize(
    ("head", "extra", "licence"),
    [
        ("", "", ""),
        ("<copyright>Copyright 2026 Harbour. All rights reserved.</copyright>", "", ""),
        ("<cc:license>https://creativecommons.org/licenses/by-sa/3.0/de/</cc:license>", "", "CC BY-SA 3.0 DE"),
        ("", "<dc:rights>CC BY-NC 4.0</dc:rights>", "CC BY-NC 4.0"),
        ("<dc:rights>MIT</dc:rights>", f"<cc:license>{ZERO}</cc:license>", "CC0 1.0"),
    ],
)  # fmt: skip
def test_a_licence_is_what_is_called_one_and_the_items_own_goes_first(head: str, extra: str, licence: str) -> None:
    (only,) = read_feed(rss(item(1, extra=extra), head=head).encode(), url=URL).items
    assert only.licence == licence


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>No feed here</body></html>",
        b"/etc/hostname",
        b"https://example.org/feed",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss><channel/></rss>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><rss/>'.encode("utf-16"),
        b"<rss><channel>",
        b"<rss><channel><title>x</title>" + b"<a>" * 100_001,
        rss(item(1, words="&" * 200_001)).encode(),
    ],
    ids=["nothing", "page", "file name", "address", "bomb", "other file", "cut off", "elements", "codes"],
)  # fmt: skip
def test_what_is_no_feed_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_feed(data, url=URL)
    assert refusal.value.message.endswith(".")


@pytest.fixture
def site() -> Iterator[Elsewhere]:
    with elsewhere() as there:
        yield there


@pytest.fixture
def feed(site: Elsewhere, now: dt.datetime) -> Feed:
    """A feed taken on, none of whose two items came in."""
    site.has("/feed", rss(item(2), item(1)), ETag='"one"')
    return add(site, now, newest=0)


def add(site: Elsewhere, now: dt.datetime, becomes: str = "drafts", **said: object) -> Feed:
    return add_feed(f"{site.url}/feed", becomes=becomes, added_by="ruth@harbour.example", now=now,
                    may_reach=only_this_machine, **said)  # type: ignore[arg-type]  # fmt: skip


def look(feed: Feed, at: dt.datetime, *, forced: bool = False) -> Looked | None:
    return look_at(feed.pk, now=at, today=at, forced=forced, may_reach=only_this_machine)


@pytest.mark.django_db
def test_of_a_new_feed_only_the_newest_item_comes_in(site: Elsewhere, now: dt.datetime) -> None:
    site.has("/feed", rss(item(3), item(2), item(1)))
    feed = add(site, now)
    assert feed.title == "Harbour notes"
    assert look(feed, now) == Looked(new=1)
    assert Article.objects.get().title == "Post 3"


@pytest.mark.django_db
def test_what_is_new_becomes_an_article_and_a_draft(site: Elsewhere, feed: Feed, now: dt.datetime) -> None:
    site.has("/feed", rss(item(3, extra="<dc:creator>Ada Quay</dc:creator>"), item(2), item(1)))
    assert look(feed, now) == Looked(new=1)
    article = Article.objects.get()
    assert (article.title, article.author, article.source_url) == ("Post 3", "Ada Quay", "https://blog.example.org/3")
    assert (article.source_name, article.licence) == ("Harbour notes", "")
    draft = Sequence.objects.get()
    assert (draft.state, draft.article, draft.title) == (Sequence.State.DRAFT, article, "Post 3")
    assert not draft.steps.filter(revisions__approval__isnull=False).exists()
    assert FeedItem.objects.get(article=article).trouble == ""


@pytest.mark.django_db
def test_where_the_sequence_says_so_it_is_the_next_issue_and_a_second_person_approves_it(
    site: Elsewhere, now: dt.datetime
) -> None:
    newsletter = SequenceFactory.create(slug="harbour", open_ended=True)
    site.has("/feed", rss(item(2, words=f"<p>{WORDS * 60}</p>"), item(1)))
    feed = add(site, now, "issues", sequence_slug="harbour", newest=2)
    assert look(feed, now) == Looked(new=2)
    first, second = Step.objects.filter(sequence=newsletter).order_by("position")
    assert (first.on_date, second.on_date) == (dt.date(2026, 11, 24), dt.date(2026, 12, 1))
    assert first.current is None
    assert "[Read the whole article](https://blog.example.org/2)" in second.body
    assert "Read the whole article" not in first.body
    with pytest.raises(Refused, match="a second person approves"):
        approve(newsletter.pk, approver="ruth@harbour.example", now=now)
    first.refresh_from_db()
    assert first.current is None


@pytest.mark.django_db
def test_an_issue_nobody_approved_by_its_day_gets_another_one(now: dt.datetime) -> None:
    newsletter = SequenceFactory.create(open_ended=True)
    said = {"sequence": newsletter, "after_days": None, "on_date": now.date()}
    waiting, going = StepFactory.create(**said, approved=False), StepFactory.create(**said)
    by_hand = StepFactory.create(**said, approved=False)
    for number, step in enumerate((waiting, going)):
        FeedItem.objects.create(feed=FeedFactory.create(), key=f"{number}", words="", seen_at=now, step=step)
    assert move_on(now - dt.timedelta(days=1)) == 0
    assert move_on(now) == 1
    for step in (waiting, going, by_hand):
        step.refresh_from_db()
    assert waiting.on_date == now.date() + dt.timedelta(days=7)
    assert (going.on_date, by_hand.on_date) == (now.date(), now.date())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "again",
    [
        item(2, guid="post-2", link="https://blog.example.org/moved"),
        item(2, guid="https://blog.example.org/?p=2"),
        item(2, guid=None),
        item(2, guid="new", link="https://blog.example.org/2/?utm_source=rss"),
        item(2, guid="new", link="https://elsewhere.example.org/2"),
        item(2, guid=None, link=None),
        item(2, words="<p>The same post, mended.</p>"),
    ],
    ids=["link changed", "guid changed", "no guid", "counted link", "moved away", "only words", "mended"],
)
def test_an_item_comes_in_once_whatever_its_feed_calls_it_then(
    site: Elsewhere, feed: Feed, now: dt.datetime, again: str
) -> None:
    site.has("/feed", rss(again, item(1)))
    assert look(feed, now) == Looked()
    assert not Article.objects.exists()


@pytest.mark.django_db
def test_items_that_all_link_to_the_same_place_are_told_apart(site: Elsewhere, now: dt.datetime) -> None:
    home = "https://blog.example.org/"
    site.has("/feed", rss(item(1, link=home, guid=None)))
    feed = add(site, now, newest=0)
    site.has("/feed", rss(item(3, link=home, guid=None), item(2, link=home), item(1, link=home, guid=None)))
    assert look(feed, now) == Looked(new=2)


@pytest.mark.django_db
def test_a_feed_is_asked_once_an_hour_with_what_it_told_of_its_state(
    site: Elsewhere, feed: Feed, now: dt.datetime
) -> None:
    assert look(feed, now) == Looked()
    feed.refresh_from_db()
    assert (feed.etag, feed.next_at) == ('"one"', now + INTERVAL)
    assert due_feeds(now + INTERVAL - dt.timedelta(seconds=1)) == []
    assert look(feed, now + dt.timedelta(minutes=5)) is None
    assert len(site.asked) == 2
    assert due_feeds(now + INTERVAL) == [feed.pk]
    assert look(feed, now + INTERVAL) == Looked()
    assert site.asked[-1][1]["If-None-Match"] == '"one"'
    feed.refresh_from_db()
    assert (feed.title, feed.etag, feed.next_at) == ("Harbour notes", '"one"', now + 2 * INTERVAL)


@pytest.mark.django_db
def test_a_feed_that_asks_to_be_left_alone_is(site: Elsewhere, feed: Feed, now: dt.datetime) -> None:
    site.has("/feed", rss(item(1), head="<ttl>300</ttl>"))
    look(feed, now)
    feed.refresh_from_db()
    assert feed.next_at == now + dt.timedelta(minutes=300)


@pytest.mark.django_db
def test_two_that_look_at_once_bring_everything_in_once(site: Elsewhere, feed: Feed, now: dt.datetime) -> None:
    site.has("/feed", rss(item(3), item(1)))
    Feed.objects.update(next_at=now + LEASE)
    assert look(feed, now) is None
    assert look(feed, now + LEASE) == Looked(new=1)


@pytest.mark.django_db
def test_a_feed_that_fails_is_left_alone_longer_each_time_and_says_why(
    site: Elsewhere, feed: Feed, now: dt.datetime
) -> None:
    site.says["/feed"] = (500, {}, b"")
    rests = []
    for _ in range(7):
        look(feed, now, forced=True)
        feed.refresh_from_db()
        assert "answers 500" in feed.trouble
        rests.append(feed.next_at - now)
    assert rests[:3] == [2 * INTERVAL, 4 * INTERVAL, 8 * INTERVAL]
    assert rests[-1] == LONGEST_REST
    assert feed.failures == 7
    site.has("/feed", rss(item(1)))
    look(feed, now, forced=True)
    feed.refresh_from_db()
    assert (feed.failures, feed.trouble) == (0, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [
        (302, {"Location": "http://127.0.0.2:1/feed"}, b""),
        (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
        (302, {"Location": "file:///etc/hostname"}, b""),
        (302, {"Location": "/feed"}, b""),
        (302, {"Location": "http://[::1"}, b""),
        (200, {"Content-Type": "text/xml", "Content-Encoding": "gzip"}, b"\x1f\x8b"),
        (200, {"Content-Type": "text/xml"}, b" " * (5 * 1024 * 1024 + 1)),
        (200, {"Content-Type": "text/xml"}, b"<rss><channel>"),
        (304, {}, b""),
    ],
    ids=["inside", "cloud", "file", "round", "broken", "zipped", "large", "cut off", "nothing asked"],
)
def test_a_hostile_feed_gets_nowhere(
    site: Elsewhere, feed: Feed, now: dt.datetime, said: tuple[int, dict[str, str], bytes]
) -> None:
    site.says["/feed"] = said
    looked = look(feed, now)
    assert looked is not None
    assert looked.trouble.endswith(".")
    assert not Article.objects.exists()


@pytest.mark.django_db
def test_a_feed_that_has_gone_mad_fills_no_desk(
    site: Elsewhere, feed: Feed, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "MOST_AT_ONCE", 2)
    site.has("/feed", rss(*(item(number) for number in (5, 4, 3, 2, 1))), ETag='"mad"')
    assert look(feed, now) == Looked(new=2, waiting=1)
    assert list(Article.objects.order_by("pk").values_list("title", flat=True)) == ["Post 3", "Post 4"]
    assert look(feed, now, forced=True) == Looked(new=1)
    assert look(feed, now, forced=True) == Looked()


@pytest.mark.django_db
def test_what_no_letter_can_be_made_of_is_noted_and_not_tried_again(
    site: Elsewhere, feed: Feed, now: dt.datetime
) -> None:
    site.has("/feed", rss(item(3, words="<img src='/only.jpg'>").replace("<title>Post 3</title>", ""), item(1)))
    assert look(feed, now) == Looked(refused=1)
    assert "no words" in FeedItem.objects.exclude(trouble="").get().trouble
    assert look(feed, now, forced=True) == Looked()


@pytest.mark.django_db
def test_pictures_of_an_item_are_kept_here_and_nothing_remote_stays(
    site: Elsewhere, feed: Feed, now: dt.datetime
) -> None:
    port = site.url.rpartition(":")[2]
    site.has("/bench.jpg", jpeg(40, 30), "image/jpeg")
    site.has("/dot.gif", jpeg(1, 1), "image/gif")
    shown = "".join(
        f'<p><img src="{source}" alt="a bench"></p>'
        for source in (f"{site.url}/bench.jpg", f"{site.url}/dot.gif", f"http://127.0.0.2:{port}/spy.png", "/gone.jpg")
    )
    site.has("/feed", rss(item(3, words=f"<p>{WORDS * 20}</p>{shown}", link=f"{site.url}/3"), item(1)))
    assert look(feed, now) == Looked(new=1)
    (kept,) = KeptPicture.objects.all()
    article = Article.objects.get()
    assert article.text.count("![") == 1
    assert f"![a bench](images/{kept.name})" in article.text
    left_out = [row["suggestion"] for row in article.findings if row["rule"] == "structure.picture-left-out"]
    assert len(left_out) == 2
    html = "".join(Revision.objects.values_list("html", flat=True))
    assert f'src="{{{{ pictures_at }}}}{kept.name}"' in html
    assert site.url not in html.replace(f"{site.url}/3", "")


@pytest.mark.django_db
def test_a_feed_is_taken_on_once_and_let_go_without_what_was_made_of_it(
    site: Elsewhere, feed: Feed, now: dt.datetime
) -> None:
    with pytest.raises(Refused, match="here already"):
        add(site, now)
    site.has("/feed", rss(item(3), item(1)))
    look(feed, now)
    remove_feed(feed.pk)
    assert Article.objects.count() == 1
    with pytest.raises(NotFound):
        remove_feed(feed.pk)


@pytest.mark.django_db
def test_issues_need_a_newsletter(site: Elsewhere, now: dt.datetime) -> None:
    SequenceFactory.create(slug="row")
    for becomes, slug in (("issues", ""), ("issues", "row"), ("drafts", "row"), ("letters", "")):
        with pytest.raises(WrongUsage):
            add(site, now, becomes, sequence_slug=slug)
    assert not site.asked


@pytest.mark.django_db
def test_a_feed_inside_of_a_network_is_never_asked(site: Elsewhere, now: dt.datetime) -> None:
    with pytest.raises(Refused, match="inside a network"):
        add_feed(f"{site.url}/feed", becomes="drafts", added_by="ruth", now=now)
    assert not site.asked


@pytest.mark.django_db(transaction=True)
def test_a_worker_asks_feeds_beside_its_own_work() -> None:
    feed = FeedFactory.create(next_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    go_round(settings.CLOCK)
    for _ in range(6_000):
        feed.refresh_from_db()
        if feed.failures:
            break
        time.sleep(0.01)
    assert "inside a network" in feed.trouble
    assert feed.next_at.year > 2020
