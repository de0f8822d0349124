"""A reader says that a letter helped, by a button behind a link in it. Nobody is counted who does not press it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from keepshowingup.cadence.models import Helped
from keepshowingup.cadence.rounds import end_where, last_round
from keepshowingup.core.care import Exit, Reached
from keepshowingup.core.errors import NotFound
from keepshowingup.editorial.models import Step

log = logging.getLogger(__name__)


def say_helped(subscriber_id: int, step_id: int, now: datetime) -> bool:
    """Write down that this letter helped, once; true when its sequence has ended by that for the reader.

    Raises :class:`NotFound` for a letter that was never theirs.
    """
    with transaction.atomic():
        step = Step.objects.filter(pk=step_id).first()
        place = last_round(subscriber_id, step.sequence_id) if step else None
        if step is None or place is None:
            raise NotFound("There is no such letter.")
        Helped.objects.bulk_create([Helped(enrolment=place, step_key=step.key, said_at=now)], ignore_conflicts=True)
        ended = end_where(Exit(Reached.HELPED), [subscriber_id], now, only=step.sequence_id)
    log.info("a letter of sequence %d helped", step.sequence_id)
    return bool(ended)


def helped_by_step(sequence_id: int) -> dict[str, int]:
    """How often each letter of a sequence has helped, by step key; those that never have are left out."""
    said = Helped.objects.filter(enrolment__sequence_id=sequence_id).values_list("step_key")
    return dict(said.annotate(Count("pk")).order_by("step_key"))
