"""A reader whose next letter can't be made waits where they are, until somebody has mended it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence.advancing import replan, since_promised
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.reader import LONGEST_REASON
from keepshowingup.core.states import EnrolmentState

log = logging.getLogger(__name__)


def hold(enrolment_id: int, why: str) -> bool:
    """Plan nothing for this reader in this sequence, for a reason staff will see; false if they were not waiting.

    ``next_step`` and ``promised_at`` stay: they say which letter it is and where the reader goes on.
    """
    held = Enrolment.objects.filter(pk=enrolment_id, state=EnrolmentState.ACTIVE).update(
        state=EnrolmentState.HELD, due_at=None, due_reason=why[:LONGEST_REASON]
    )
    return bool(held)


def release(sequence_id: int, now: datetime) -> int:
    """Let those who are held in a sequence go on with the same letter; returns how many.

    They keep the spacing of their letters from today. Where the letter still can't be made they are held again.
    """
    held = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.HELD)
    if not held.exists():
        return 0
    with transaction.atomic():
        ids = list(held.select_for_update().order_by("pk").values_list("pk", flat=True))
        Enrolment.objects.filter(pk__in=ids).update(state=EnrolmentState.ACTIVE)
        replan(ids, now, even_under_way=True, rested=since_promised(now))
    log.info("sequence %d: %d readers go on with a letter that could not be made before", sequence_id, len(ids))
    return len(ids)
