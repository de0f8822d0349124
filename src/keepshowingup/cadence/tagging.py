"""A reader gets a tag or loses one, and their letters follow at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from keepshowingup.audience.tagging import put_tags
from keepshowingup.cadence.replanning import replan_reader
from keepshowingup.cadence.rounds import end_where
from keepshowingup.core.care import Exit, Reached
from keepshowingup.core.tags import neutral_tag, tidy_tag

log = logging.getLogger(__name__)


def retag(subscriber_id: int, now: datetime, *, give: Iterable[str] = (), take: Iterable[str] = ()) -> bool:
    """Give and take tags; false when nothing changed. Sequences that end by a new tag end, the others are replanned.

    Raises :class:`WrongUsage` for what is no tag, :class:`NotFound` for a reader who is gone.
    """
    wanted, unwanted = {neutral_tag(tag) for tag in give}, {tidy_tag(tag) for tag in take}
    with transaction.atomic():
        new, gone = put_tags(subscriber_id, wanted, unwanted - wanted, now)
        if not new and not gone:
            return False
        for tag in sorted(new):
            end_where(Exit(Reached.TAG, tag), [subscriber_id], now)
        replan_reader(subscriber_id, now)
    log.info("reader %d has %d tags more and %d less", subscriber_id, len(new), len(gone))
    return True
