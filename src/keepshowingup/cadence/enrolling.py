"""Readers come into a sequence, stop one, and come back to where they were."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from keepshowingup.audience import joining
from keepshowingup.audience.dates import forget_date
from keepshowingup.audience.joining import Confirmed
from keepshowingup.audience.leaving import MISTAKE
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.advancing import replan, since_promised
from keepshowingup.cadence.counting import stop_counting
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import CHUNK
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import STAYING, EnrolmentState
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.editorial.models import Sequence


def confirm(token: str, now: datetime) -> Confirmed:
    """The owner of an address says yes, and the letters they asked for begin, in one transaction.

    For somebody who had left, only what they said yes to now begins; where they have been before it goes on. Raises
    :class:`NotFound` for a token that is no good. A sequence that has been deleted since is no obstacle.
    """
    with transaction.atomic():
        confirmed = joining.confirm(token, now)
        if confirmed.returned:
            forget_date(confirmed.subscriber_id)
            _stop(Enrolment.objects.filter(subscriber=confirmed.subscriber_id).values_list("pk", flat=True))
        if confirmed.sequence_id is not None and Sequence.objects.filter(pk=confirmed.sequence_id).exists():
            enrol(confirmed.subscriber_id, confirmed.sequence_id, now)
    return confirmed


def enrol(subscriber_id: int, sequence_id: int, now: datetime) -> Enrolment:
    """Put a reader into a sequence; day 0 is today by their clock. In a sequence that is not live they wait.

    Joining again never starts again: who had stopped goes on where they were, with the same spacing from today, and
    who has finished stays finished. Raises :class:`NotFound`, and :class:`Refused` for a reader who gets no letters.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
        if reader is None:
            raise NotFound("There is no such reader.")
        if not Sequence.objects.filter(pk=sequence_id).exists():
            raise NotFound("There is no such sequence.")
        if reader.state != Subscriber.State.ACTIVE:
            raise Refused("This reader has not confirmed, or has left: letters begin when they say yes.")
        today = local_date(now, load_zone(reader.zone))
        enrolment, is_new = Enrolment.objects.get_or_create(
            subscriber=reader, sequence_id=sequence_id, defaults={"enrolled_at": now, "started_on": today}
        )
        stopped = enrolment.state == EnrolmentState.LEFT
        if stopped:
            Enrolment.objects.filter(pk=enrolment.pk).update(state=EnrolmentState.ACTIVE)
        if is_new or stopped:
            replan([enrolment.pk], now, even_under_way=True, rested=since_promised(now))
        enrolment.refresh_from_db()
    return enrolment


def enrol_many(subscriber_ids: Collection[int], sequence_id: int, now: datetime) -> int:
    """Enrol readers who are new to the sequence, by the thousand; returns how many. Others are left as they are."""
    if not Sequence.objects.filter(pk=sequence_id).exists():
        raise NotFound("There is no such sequence.")
    ids = sorted(set(subscriber_ids))
    return sum(_enrol_chunk(ids[start : start + CHUNK], sequence_id, now) for start in range(0, len(ids), CHUNK))


def _enrol_chunk(subscriber_ids: list[int], sequence_id: int, now: datetime) -> int:
    with transaction.atomic():
        here = Subscriber.objects.select_for_update().filter(pk__in=subscriber_ids, state=Subscriber.State.ACTIVE)
        zones = dict(here.order_by("pk").values_list("pk", "zone"))
        enrolled = Enrolment.objects.filter(sequence_id=sequence_id, subscriber_id__in=zones)
        for pk in enrolled.values_list("subscriber_id", flat=True):
            del zones[pk]
        Enrolment.objects.bulk_create(
            Enrolment(
                subscriber_id=pk,
                sequence_id=sequence_id,
                enrolled_at=now,
                started_on=local_date(now, load_zone(zone)),
            )
            for pk, zone in zones.items()
        )
        new = Enrolment.objects.filter(sequence_id=sequence_id, subscriber_id__in=zones)
        replan(list(new.values_list("pk", flat=True)), now)
    return len(zones)


def leave_sequence(subscriber_id: int, sequence_id: int, now: datetime) -> None:
    """Stop one sequence for a reader, and leave the others. Saying it again changes nothing.

    Who wants no milestones any more is not counted with either.
    """
    if Sequence.objects.filter(pk=sequence_id, milestones=True).exists():
        stop_counting(subscriber_id, now)
        return
    mine = Enrolment.objects.filter(subscriber=subscriber_id, sequence=sequence_id)
    with transaction.atomic():
        _stop(mine.values_list("pk", flat=True))


def stop_for_those_gone(now: datetime) -> int:
    """Stop what is due to readers who left for good or may not be written to; returns how many.

    Nothing would be sent to them anyway; but what nobody will ever claim must not pile up at the head of the queue,
    nor go off when somebody comes back after years. Who left less than a day ago may still take that back.
    """
    due = Enrolment.objects.filter(state=EnrolmentState.ACTIVE, due_at__lte=now)
    left = due.filter(subscriber__left_at__lte=now - MISTAKE)
    unwanted = due.filter(subscriber__state=Subscriber.State.SUPPRESSED)
    return _stop(left.values_list("pk", flat=True)) + _stop(unwanted.values_list("pk", flat=True))


def _stop(enrolment_ids: Collection[int]) -> int:
    """``next_step`` and ``promised_at`` stay: they say where somebody who comes back goes on."""
    staying = Enrolment.objects.filter(pk__in=list(enrolment_ids), state__in=STAYING)
    return staying.update(state=EnrolmentState.LEFT, due_at=None)
