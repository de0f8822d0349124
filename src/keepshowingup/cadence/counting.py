"""Counting from a date a reader gives us: beginning, beginning anew from another date, and stopping.

Each is one transaction. What was planned for the old date is gone when it ends, and the marks of the new one begin
with the next day. From what stays behind nobody can work out what the old date was.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from keepshowingup.audience.dates import check_date, forget_date, keep_date
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.advancing import replan
from keepshowingup.cadence.models import Enrolment, Helped, PastStep
from keepshowingup.cadence.places import LATELY
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import STAYING, EnrolmentState
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.editorial.models import Sequence


def milestones_for(reader: Subscriber) -> Sequence | None:
    """The milestones this reader may have: those they are in, else the live ones that are nearest their language.

    None for somebody who reads as family: nobody gets a counter for somebody else's date.
    """
    if reader.audience != Subscriber.Audience.SELF:
        return None
    theirs = Sequence.objects.filter(milestones=True, enrolments__subscriber=reader, enrolments__state__in=STAYING)
    if (here := theirs.order_by("pk").first()) is not None:
        return here
    live = list(Sequence.objects.filter(milestones=True, state=Sequence.State.LIVE).order_by("pk"))
    return min(live, key=lambda sequence: _distance(sequence.language, reader.language), default=None)


def _distance(spoken: str, wanted: str) -> int:
    if spoken == wanted:
        return 0
    return 1 if spoken.partition("-")[0] == wanted.partition("-")[0] else 2


def count_from(subscriber_id: int, day: date, now: datetime) -> None:
    """Count from ``day``, a local date; what was counted from before is forgotten.

    Only marks on later days than today are still to come. Giving the same date again changes nothing. Raises
    :class:`WrongUsage` for a date that can't be used, :class:`Refused` where there are no such letters.
    """
    with transaction.atomic():
        reader = _locked(subscriber_id)
        today = local_date(now, load_zone(reader.zone))
        check_date(day, today)
        sequence = milestones_for(reader)
        if sequence is None or reader.state != Subscriber.State.ACTIVE:
            raise Refused("There are no letters of this kind for you at the moment, so no date is kept.")
        mine = Enrolment.objects.filter(subscriber=reader, sequence=sequence)
        if counts_from(reader.pk, day):
            return
        Enrolment.objects.get_or_create(
            subscriber=reader, sequence=sequence, defaults={"enrolled_at": now, "started_on": today}
        )
        _forget_the_count(reader, today, now)
        keep_date(reader.pk, day)
        mine.update(state=EnrolmentState.ACTIVE)
        replan(mine.values_list("pk", flat=True), now, even_under_way=True)
        _follow(reader.pk, now)


def is_counting(subscriber_id: int) -> bool:
    """Whether letters come, counted from a date the reader gave."""
    return _counting(subscriber_id).filter(subscriber__counted_from__isnull=False).exists()


def counts_from(subscriber_id: int, day: date) -> bool:
    """Whether this is the date that is counted from already."""
    return _counting(subscriber_id).filter(subscriber__counted_from=day).exists()


def _counting(subscriber_id: int) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(subscriber=subscriber_id, sequence__milestones=True, state__in=STAYING)


def stop_counting(subscriber_id: int, now: datetime) -> None:
    """Count no more, and forget the date. Saying it again changes nothing."""
    with transaction.atomic():
        reader = _locked(subscriber_id)
        _forget_the_count(reader, local_date(now, load_zone(reader.zone)), now)
        forget_date(reader.pk)
        _follow(reader.pk, now)


def _follow(subscriber_id: int, now: datetime) -> None:
    """Plan the other letters anew: some may be only for readers who gave a date, and milestones took their days."""
    others = Enrolment.objects.filter(subscriber=subscriber_id, sequence__milestones=False, state=EnrolmentState.ACTIVE)
    replan(others.values_list("pk", flat=True), now, keep_promises=True, leave_overdue=True)


def _forget_the_count(reader: Subscriber, today: date, now: datetime) -> None:
    """Leave every row of milestones as if it had begun and ended this moment.

    Letters of the last days stay as letters, for the pace; their keys name no mark to whoever does not know when the
    date was given, and that is overwritten here.
    """
    mine = _of(reader)
    PastStep.objects.filter(enrolment__in=mine).exclude(handed_at__gt=now - LATELY).delete()
    Helped.objects.filter(enrolment__in=mine).delete()  # it names its step
    Enrolment.objects.filter(pk__in=mine).update(
        state=EnrolmentState.LEFT,
        ended_at=None,
        enrolled_at=now,
        started_on=today,
        next_step=None,
        next_key="",
        due_at=None,
        promised_at=None,
        due_local="",
        due_reason="",
        last_handed_at=None,
        moved_days=0,
        rested_until=None,
    )


def _of(reader: Subscriber) -> Collection[int]:
    rows = Enrolment.objects.filter(subscriber=reader, sequence__milestones=True)
    # The row is locked before anything about it is read or written, as everywhere.
    return list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))


def _locked(subscriber_id: int) -> Subscriber:
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    if reader is None:
        raise NotFound("There is no such reader.")
    return reader
