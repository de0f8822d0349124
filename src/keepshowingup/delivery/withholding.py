"""Taking back a claim whose letter can't be made: its reader is held, and everybody else's letter flows."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence import advancing
from keepshowingup.cadence.holding import hold
from keepshowingup.delivery.settling import undo

log = logging.getLogger(__name__)


def withhold(dispatch_id: int, fence: int, why: str, now: datetime) -> bool:
    """Hold the reader of a letter of a sequence; false for a notice, and where the offer does not hold any more.

    Nothing of it has been handed over, so the claim is undone: once the letter is mended it is claimed again. A copy of
    a letter in doubt holds nobody; it is in doubt again. ``why`` is for staff, and says nothing of the reader.
    """
    with transaction.atomic():
        is_undone, enrolment = undo(dispatch_id, fence)
        if enrolment is not None and not hold(enrolment.pk, why):
            advancing.plan_next(enrolment, now)  # the reader has left this sequence meanwhile
    if is_undone:
        log.error("dispatch %d is withheld: its letter can't be made", dispatch_id)
    return is_undone
