"""A reader's date is another, or none: what was made of the old one is taken back, all in one transaction."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from keepshowingup.cadence.counting import count_from, counts_from, stop_counting
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Sequence


def change_date(subscriber_id: int, day: date | None, now: datetime) -> None:
    """Count from ``day`` (local) and from nothing else, or, with None, not at all. Tells nobody, and logs nothing.

    A letter that is on its way to a server is judged by the last look, as when somebody leaves. Raises what
    :func:`keepshowingup.cadence.counting.count_from` raises.
    """
    if day is not None and counts_from(subscriber_id, day):
        return
    with transaction.atomic():
        # As everywhere the dispatches are locked before the plan. Which letter it was would tell the old date.
        Dispatch.objects.filter(
            subscriber=subscriber_id, enrolment__sequence__milestones=True, revision__isnull=False
        ).update(revision=None)
        if day is None:
            stop_counting(subscriber_id, now)
        else:
            count_from(subscriber_id, day, now)


def forget_old_dates() -> None:
    """Take the same from letters that were claimed while a date was being changed."""
    if not Sequence.objects.filter(milestones=True).exists():
        return
    Dispatch.objects.filter(
        enrolment__sequence__milestones=True, due_at__lte=F("enrolment__enrolled_at"), revision__isnull=False
    ).update(revision=None)
