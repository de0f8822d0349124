"""Readers come into a sequence, stop one, and come back to where they were."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from keepshowingup.audience import joining
from keepshowingup.audience.dates import forget_date
from keepshowingup.audience.joining import Confirmed
from keepshowingup.audience.leaving import MISTAKE
from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.notices import owe_welcome
from keepshowingup.cadence.advancing import replan, since_promised
from keepshowingup.cadence.counting import stop_counting
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import CHUNK
from keepshowingup.cadence.rounds import came_into, last_round, may_begin_again
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import STAYING, EnrolmentState
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.editorial.models import Sequence

A_DAY = timedelta(days=1)


def confirm(token: str, now: datetime) -> Confirmed:
    """The owner of an address says yes, and the letters they asked for begin, in one transaction.

    For somebody who had left, only what they said yes to now begins; where they have been before it goes on. Whose
    first letter is not there within a day is welcomed meanwhile. Raises :class:`NotFound` for a token that is no good.
    A sequence that has been deleted since is no obstacle.
    """
    with transaction.atomic():
        confirmed = joining.confirm(token, now)
        if confirmed.returned:
            forget_date(confirmed.subscriber_id)
            _stop(Enrolment.objects.filter(subscriber=confirmed.subscriber_id).values_list("pk", flat=True))
        there = Sequence.objects.filter(milestones=False)
        if confirmed.sequence_id is not None and there.filter(pk=confirmed.sequence_id).exists():
            enrol(confirmed.subscriber_id, confirmed.sequence_id, now)
        if confirmed.arrived and not letter_comes_before(confirmed.subscriber_id, now + A_DAY):
            owe_welcome(confirmed.subscriber_id, now)
    return confirmed


def letter_comes_before(subscriber_id: int, then: datetime) -> bool:
    """Whether a letter is planned for a reader before ``then``: a note beside it would be two on one day."""
    coming = Enrolment.objects.filter(subscriber=subscriber_id, state=EnrolmentState.ACTIVE, due_at__lt=then)
    return coming.exists()


def enrol(subscriber_id: int, sequence_id: int, now: datetime) -> Enrolment:
    """Put a reader into a sequence; day 0 is today by their clock. In a sequence that is not live they wait.

    Joining again does not start again by surprise: who had stopped goes on where they were, with the same spacing
    from today, and who is through stays through unless the sequence lets readers begin anew, which is a new round with
    all its letters. Raises :class:`NotFound`, and :class:`Refused` for a reader who gets no letters and for milestones.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
        if reader is None:
            raise NotFound("There is no such reader.")
        sequence = Sequence.objects.filter(pk=sequence_id).first()
        if sequence is None:
            raise NotFound("There is no such sequence.")
        _refuse_milestones(sequence)
        if reader.state != Subscriber.State.ACTIVE:
            raise Refused("This reader has not confirmed, or has left: letters begin when they say yes.")
        today = local_date(now, load_zone(reader.zone))
        last = last_round(subscriber_id, sequence_id)
        if last is None or may_begin_again(last, sequence.again_after_days, reader.zone, today):
            # Where another sequence hands them on in this very moment, that row is theirs.
            place, _ = Enrolment.objects.get_or_create(
                subscriber=reader,
                sequence=sequence,
                round=last.round + 1 if last else 1,
                defaults={"enrolled_at": now, "started_on": today},
            )
        elif last.state == EnrolmentState.LEFT:
            place = last
            Enrolment.objects.filter(pk=place.pk).update(state=EnrolmentState.ACTIVE)
        else:
            return last
        came_into(sequence_id, [subscriber_id], now)
        replan([place.pk], now, even_under_way=True, rested=since_promised(now))
        place.refresh_from_db()
    return place


def enrol_many(subscriber_ids: Collection[int], sequence_id: int, now: datetime) -> int:
    """Enrol readers who are new to the sequence, by the thousand; returns how many. Others are left as they are.

    Nobody begins anew by this: a file that is imported once more must change nothing.
    """
    sequence = Sequence.objects.filter(pk=sequence_id).first()
    if sequence is None:
        raise NotFound("There is no such sequence.")
    _refuse_milestones(sequence)
    ids = sorted(set(subscriber_ids))
    return sum(_enrol_chunk(ids[start : start + CHUNK], sequence_id, now) for start in range(0, len(ids), CHUNK))


def _refuse_milestones(sequence: Sequence) -> None:
    if sequence.milestones:
        raise Refused(f"{sequence.title} are milestones: readers begin them by giving a date, on their own page.")


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
        came_into(sequence_id, list(zones), now)
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
