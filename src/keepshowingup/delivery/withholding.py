"""Taking back a claim whose letter can't be made: its reader is held, and everybody else's letter flows."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence import advancing
from keepshowingup.cadence.holding import hold
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.models import Dispatch

log = logging.getLogger(__name__)


def withhold(dispatch_id: int, fence: int, why: str, now: datetime) -> bool:
    """Hold the reader of a letter of a sequence; false for a notice, and where the offer does not hold any more.

    Nothing of it has been handed over, so the claim is undone: once the letter is mended it is claimed again. ``why``
    is for staff, and says nothing of the reader.
    """
    with transaction.atomic():
        mine = Dispatch.objects.filter(
            pk=dispatch_id,
            fence=fence,
            enrolment__isnull=False,
            state__in=[DispatchState.CLAIMED, DispatchState.HANDING_OVER],
        )
        dispatch = mine.select_related("enrolment").first()
        if dispatch is None or dispatch.enrolment is None or not mine.delete()[0]:
            return False
        if not hold(dispatch.enrolment.pk, why):
            advancing.plan_next(dispatch.enrolment, now)  # the reader has left this sequence meanwhile
    log.error("dispatch %d is withheld: its letter can't be made", dispatch_id)
    return True
