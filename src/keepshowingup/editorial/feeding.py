"""Feeds: what is new at other places on the web becomes drafts, or the next issue of a newsletter for approval.

Each is asked at most once an hour, with what it told us of its state the last time, and less often while it fails. What
is made of an item is never sent by itself: it is a draft, or a letter that a second person has to say yes to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from keepshowingup.core.errors import KeepShowingUpError, NotFound, Refused, WrongUsage
from keepshowingup.editorial.composing import draft_sequence, free_slug
from keepshowingup.editorial.facts import Facts
from keepshowingup.editorial.feed_reading import FeedText, Item, read_feed
from keepshowingup.editorial.fetching import Address, Answer, Wanted, fetch, fetch_picture, is_public
from keepshowingup.editorial.importing import Gathered, gather, keep_article
from keepshowingup.editorial.issues import add_issue
from keepshowingup.editorial.models import Feed, FeedItem, Sequence
from keepshowingup.editorial.wording import TITLE_LENGTH

log = logging.getLogger(__name__)

#: Between two looks at a feed that answers; the longest rest of one that fails, or asks to be left alone.
INTERVAL = timedelta(hours=1)
LONGEST_REST = timedelta(days=1)
#: Within this a look that was begun is over, or whoever began it is dead.
LEASE = timedelta(minutes=10)
#: New items of one look. More wait for the next: a feed that is new to us, or has gone mad, fills no desk.
MOST_AT_ONCE = 10
FEED = Wanted(
    "feed",
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7",
    None,
    5 * 1024 * 1024,
    "Check its address in a browser.",
)

Reach = Callable[[Address], bool]


@dataclass(frozen=True)
class Looked:
    """What a look at a feed brought: how many new items came in, could not, and wait; or what went wrong."""

    new: int = 0
    refused: int = 0
    waiting: int = 0
    trouble: str = ""


def add_feed(
    url: str,
    *,
    becomes: str,
    sequence_slug: str = "",
    added_by: str,
    now: datetime,
    newest: int = 1,
    may_reach: Reach = is_public,
) -> Feed:
    """Take a feed on and look at it once. Of what it has already the ``newest`` come in; the others count as seen.

    ``now`` is the machine's own moment, UTC. Raises :class:`Refused` where there is no feed, or it is here already, and
    :class:`WrongUsage` for issues without a newsletter.
    """
    sequence = _newsletter(becomes, sequence_slug)
    url = url.strip()
    if Feed.objects.filter(url=url).exists():
        raise Refused("This feed is here already. See: keepshowingup feed list")
    answer, text = _ask(url, {}, may_reach)
    if Feed.objects.filter(url=answer.url).exists():
        raise Refused("This feed is here already, under the address it sends on to. See: keepshowingup feed list")
    if len(answer.url) > 500:
        raise Refused("The address is longer than 500 characters. Look on the site for a shorter one.")
    feed = Feed(
        url=answer.url,
        title=text.title,
        becomes=becomes,
        sequence=sequence,
        added_by=added_by,
        added_at=now,
        next_at=now,
    )
    with transaction.atomic():
        try:
            feed.save()
        except IntegrityError as taken:
            raise Refused("This feed is here already. See: keepshowingup feed list") from taken
        FeedItem.objects.bulk_create(
            [_row(feed, item, now) for item in text.items[max(0, newest) :]], ignore_conflicts=True
        )
    log.info("feed %s added", feed.pk)
    return feed


def _newsletter(becomes: str, slug: str) -> Sequence | None:
    if becomes not in Feed.Becomes.values:
        raise WrongUsage("What is new becomes drafts or issues.")
    if becomes == Feed.Becomes.DRAFTS:
        if slug:
            raise WrongUsage("Drafts are sequences of their own. Leave the sequence out, or say --as issues.")
        return None
    sequence = Sequence.objects.filter(slug=slug).first()
    if sequence is None:
        raise WrongUsage("Issues belong to a newsletter: name its sequence with --sequence SLUG.")
    if not sequence.open_ended:
        raise WrongUsage(
            f"{slug} is a row of letters, not a newsletter. Make it one in its settings, or say --as drafts."
        )
    return sequence


def due_feeds(now: datetime) -> list[int]:
    """The feeds to be looked at, longest due first."""
    return list(Feed.objects.filter(next_at__lte=now).order_by("next_at", "pk").values_list("pk", flat=True))


def look_at(
    feed_id: int, *, now: datetime, today: datetime, forced: bool = False, may_reach: Reach = is_public
) -> Looked | None:
    """Ask a feed what is new and bring it in; None where another process is at it, or it is not due.

    ``now`` is the machine's own moment, ``today`` the calendar's, both UTC. With ``forced`` it need not be due. A feed
    that fails is left alone longer each time, and says why.
    """
    due = Q() if forced else Q(next_at__lte=now)
    # Whoever moves the moment on is the one that looks; the others find it in the future.
    if not Feed.objects.filter(due, pk=feed_id).update(next_at=now + LEASE):
        return None
    feed = Feed.objects.select_related("sequence").get(pk=feed_id)
    asked = {name: value for name, value in (("If-None-Match", feed.etag), ("If-Modified-Since", feed.last_modified))
             if value}  # fmt: skip
    try:
        answer, text = _ask(feed.url, asked, may_reach)
    except Refused as error:
        return _failed(feed, error.message, now)
    looked = _take_in(feed, text, today, may_reach) if not answer.unchanged else Looked()
    if not answer.unchanged and not looked.waiting:
        # What we have not taken in yet the server must tell again.
        feed.etag = _header(answer, "etag", 300)
        feed.last_modified = _header(answer, "last-modified", 100)
    feed.title = text.title or feed.title
    feed.failures, feed.trouble, feed.looked_at = 0, "", now
    feed.next_at = now + min(LONGEST_REST, max(INTERVAL, timedelta(minutes=text.pause)))
    feed.save(update_fields=["etag", "last_modified", "title", "failures", "trouble", "looked_at", "next_at"])
    log.info("feed %s: %s new items", feed.pk, looked.new)
    return looked


def remove_feed(feed_id: int) -> None:
    """Let a feed go. The articles and letters made of it stay."""
    if not Feed.objects.filter(pk=feed_id).delete()[0]:
        raise NotFound("There is no such feed. See: keepshowingup feed list")


def _ask(url: str, headers: dict[str, str], may_reach: Reach) -> tuple[Answer, FeedText]:
    answer = fetch(url, FEED, headers=headers, may_reach=may_reach)
    if answer.unchanged:
        return answer, FeedText("", "", 0)
    return answer, read_feed(answer.data, url=answer.url, kind=answer.headers.get("content-type", ""))


def _failed(feed: Feed, sentence: str, now: datetime) -> Looked:
    feed.failures += 1
    feed.trouble, feed.looked_at = sentence[:500], now
    feed.next_at = now + min(LONGEST_REST, INTERVAL * 2 ** min(feed.failures, 8))
    feed.save(update_fields=["failures", "trouble", "looked_at", "next_at"])
    log.warning("feed %s could not be read, %s times in a row", feed.pk, feed.failures)
    return Looked(trouble=sentence)


def _take_in(feed: Feed, text: FeedText, today: datetime, may_reach: Reach) -> Looked:
    # Oldest first: issues follow in the order they were written.
    unseen = [item for item in reversed(text.items) if not _is_seen(feed, item)]
    new = refused = 0
    for item in unseen[:MOST_AT_ONCE]:
        # Once more: a feed may have the same text under two names.
        if _is_seen(feed, item):
            continue
        if _bring_in(feed, item, text, today, may_reach):
            new += 1
        else:
            refused += 1
    return Looked(new, refused, max(0, len(unseen) - MOST_AT_ONCE))


def _is_seen(feed: Feed, item: Item) -> bool:
    known = Q(key=item.key) | Q(words=item.words)
    return FeedItem.objects.filter(known | Q(link=item.link) if item.link else known, feed=feed).exists()


def _bring_in(feed: Feed, item: Item, text: FeedText, today: datetime, may_reach: Reach) -> bool:
    """One item, all of it or, where nothing can be made of it, a note that says why."""

    def picture(url: str) -> bytes:
        return fetch_picture(url, may_reach=may_reach)

    try:
        # Other servers are asked before the transaction begins: nobody waits for them with the database in hand.
        gathered = gather(item.markdown, base=item.url or feed.url, fetch=picture)
        with transaction.atomic():
            row = _row(feed, item, today)
            row.save(force_insert=True)
            _make(row, gathered, item, text, today)
    except IntegrityError:
        log.info("feed %s: another process has brought an item in", feed.pk)
        return False
    except KeepShowingUpError as error:
        row = _row(feed, item, today)
        row.trouble = error.message[:500]
        FeedItem.objects.bulk_create([row], ignore_conflicts=True)
        return False
    return True


def _make(row: FeedItem, gathered: Gathered, item: Item, text: FeedText, now: datetime) -> None:
    feed = row.feed
    facts = Facts(item.author, item.licence, text.title or feed.title, text.language)
    titled = Gathered(f"# {item.title}\n\n{gathered.text}", gathered.pictures, gathered.left_out)
    article = keep_article(
        titled if item.title else gathered,
        name=f"the item “{item.title or item.url}”",
        title=item.title or None,
        now=now,
        source_url=item.url,
        facts=facts,
    )
    row.article = article
    if feed.sequence is not None:
        row.step = add_issue(feed.sequence, article, author=feed.added_by, now=now)
    elif not article.sequences.exists():
        title = article.title[:TITLE_LENGTH]
        draft_sequence(article.pk, slug=free_slug(title), title=title, author=feed.added_by, now=now)
    row.save(update_fields=["article", "step"])


def _row(feed: Feed, item: Item, now: datetime) -> FeedItem:
    return FeedItem(
        feed=feed, key=item.key, link=item.link, words=item.words, title=item.title, url=item.url, seen_at=now
    )


def _header(answer: Answer, name: str, longest: int) -> str:
    """A header to be sent back as it came; a cut one would mean something else."""
    value = answer.headers.get(name, "")
    return value if len(value) <= longest and value.isascii() and value.isprintable() else ""
