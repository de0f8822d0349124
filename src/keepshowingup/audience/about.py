"""What letters and sequences may ask about readers before they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from keepshowingup.audience.models import ReaderTag, Subscriber
from keepshowingup.core.conditions import About


def about_readers(subscriber_ids: Collection[int]) -> dict[int, About]:
    """Each of these readers as conditions see them, in two queries. Who is gone is left out."""
    tags: defaultdict[int, set[str]] = defaultdict(set)
    for pk, name in ReaderTag.objects.filter(subscriber_id__among=subscriber_ids).values_list("subscriber_id", "name"):
        tags[pk].add(name)
    readers = Subscriber.objects.filter(pk__among=subscriber_ids)
    return {
        pk: About(frozenset(tags[pk]), language, audience, counted_from is not None)
        for pk, language, audience, counted_from in readers.values_list("pk", "language", "audience", "counted_from")
    }
