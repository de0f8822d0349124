"""Pictures that nothing shows any more: they go, a while after they were last put into words.

Words that are kept with a picture renew it in the transaction that keeps them (``pictures.hold_pictures``). What
goes is deleted on the condition that nobody has renewed it since, so a letter that is saved meanwhile keeps its picture
or is told that it is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from keepshowingup.core.counting import count_of
from keepshowingup.core.pictures import FOLDER, NAME
from keepshowingup.editorial.models import Article, Comment, Draft, Edition, KeptPicture, Revision, Step

log = logging.getLogger(__name__)

UNUSED_LASTS = timedelta(days=30)
#: At one time. Each is looked for in every compiled letter as well, and the next tidying comes soon.
MOST = 100


def forget_unused_pictures(now: datetime) -> int:
    """Let go of pictures nothing shows that were put into words 30 days ago or earlier; answers how many.

    A picture stays as long as an article, a letter (a deleted one too), any revision of it, what somebody has typed and
    not saved, or a comment names it: readers open old letters. ``now`` is the calendar's, UTC.
    """
    old = KeptPicture.objects.filter(kept_at__lt=now - UNUSED_LASTS)
    left = set(old.values_list("name", flat=True))
    if not left:
        return 0
    for text in _texts():
        left.difference_update(NAME.findall(text))
        if not left:
            return 0
    gone = [name for name in sorted(left)[:MOST] if not _is_compiled(name)]
    number = old.filter(name__in=gone).delete()[0]
    if number:
        log.info("forgotten: %s that nothing shows", count_of(number, "picture"))
    return number


def _texts() -> Iterator[str]:
    """All words that may name a picture."""
    yield from Revision.objects.filter(body__contains=FOLDER).values_list("body", flat=True).iterator()
    yield from Step.objects.filter(body__contains=FOLDER).values_list("body", flat=True).iterator()
    yield from Article.objects.filter(text__contains=FOLDER).values_list("text", flat=True).iterator()
    yield from Comment.objects.filter(text__contains=FOLDER).values_list("text", flat=True).iterator()
    for fields in Draft.objects.values_list("fields", flat=True).iterator():
        yield str(fields)


def _is_compiled(name: str) -> bool:
    """Whether a letter shows it all the same, whatever its words were when it was compiled."""
    letters = (Revision.objects.filter(html__contains=name), Edition.objects.filter(html__contains=name))
    return any(found.exists() for found in letters)
