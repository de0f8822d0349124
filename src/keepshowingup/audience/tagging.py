"""Giving readers neutral labels and taking them away. What follows from it is planned by ``cadence.tagging``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keepshowingup.audience.models import ReaderTag, Subscriber
from keepshowingup.core.errors import NotFound, Refused

MOST_TAGS = 50


def tags_of(subscriber_id: int) -> list[str]:
    """A reader's tags, sorted."""
    return list(ReaderTag.objects.filter(subscriber_id=subscriber_id).order_by("name").values_list("name", flat=True))


def put_tags(subscriber_id: int, give: Iterable[str], take: Iterable[str], now: datetime) -> tuple[set[str], set[str]]:
    """Give and take tags (tidied); returns those that are new and those that are gone. Inside a transaction.

    Raises :class:`NotFound` for a reader who is gone, :class:`Refused` for more than :data:`MOST_TAGS`.
    """
    # The reader's row is the lock: of two who give the same tag one finds it there.
    if not Subscriber.objects.select_for_update().filter(pk=subscriber_id).exists():
        raise NotFound("There is no such reader.")
    had = set(tags_of(subscriber_id))
    new, gone = set(give) - had, set(take) & had
    if len(had | new) > MOST_TAGS:
        raise Refused(f"A reader has {MOST_TAGS} tags at most. Take one away first.")
    ReaderTag.objects.bulk_create(ReaderTag(subscriber_id=subscriber_id, name=name, given_at=now) for name in new)
    ReaderTag.objects.filter(subscriber_id=subscriber_id, name__in=gone).delete()
    return new, gone
