"""A small world for the calendar: readers, sequences, and a sender that hands over whatever is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.advancing import advance
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.cadence.meant import objection
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import read_readers
from keepshowingup.cadence.replanning import catch_up
from keepshowingup.core.states import SkipReason
from keepshowingup.core.timing import load_zone
from keepshowingup.editorial.models import Sequence, Step
from tests.factories import MONDAY, SequenceFactory, StepFactory, SubscriberFactory

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OF_A_MARK = 'This note is for {{ milestone | default("a mark") }} from the date you gave us.'


@dataclass(frozen=True)
class Sent:
    """One letter that left."""

    reader: int
    sequence: int
    key: str
    at: datetime


def drip(*days: int, **more: Any) -> Sequence:
    """A live sequence with a letter on each of these days; their keys are ``day-0``, ``day-2`` ..."""
    sequence = SequenceFactory.create(**more)
    for position, day in enumerate(days, start=1):
        StepFactory.create(sequence=sequence, key=f"day-{day}", position=position, after_days=day, subject=f"Day {day}")
    return sequence


def newsletter(*dates: str, **more: Any) -> Sequence:
    """A live newsletter with an issue on each of these dates; the keys are the dates."""
    sequence = SequenceFactory.create(open_ended=True, **more)
    for date in dates:
        issue(sequence, date)
    return sequence


def issue(sequence: Sequence, date: str, **more: Any) -> Step:
    position = sequence.steps.count() + 1
    return StepFactory.create(
        sequence=sequence, key=date, position=position, after_days=None, on_date=date, subject=date, **more
    )


def milestones(*days: int, **more: Any) -> Sequence:
    """Live milestones: letters at these marks, in days (1, 7 and 30 unless said), and every year from the first on.

    Their keys are ``mark-1``, ``mark-7`` … and ``mark-every-year``.
    """
    sequence = SequenceFactory.create(milestones=True, title="Notes", **more)
    for position, day in enumerate(days or (1, 7, 30), start=1):
        StepFactory.create(
            sequence=sequence,
            key=f"mark-{day}",
            position=position,
            after_days=None,
            mark_days=day,
            subject=f"Mark {day}",
            body=OF_A_MARK,
        )
    yearly = {"after_days": None, "mark_months": 12, "every_year": True, "body": OF_A_MARK}
    StepFactory.create(sequence=sequence, key="mark-every-year", position=90, subject="Mark year", **yearly)
    return sequence


def reader(**more: Any) -> Subscriber:
    return SubscriberFactory.create(**more)


def join(sequence: Sequence, now: datetime = MONDAY, who: Subscriber | None = None) -> Enrolment:
    return enrol((who or reader()).pk, sequence.pk, now)


def local(enrolment: Enrolment) -> str | None:
    """When the next letter is due, by the reader's clock: ``Mon 2026-11-23 10:00``."""
    enrolment.refresh_from_db()
    if enrolment.due_at is None:
        return None
    return f"{enrolment.due_at.astimezone(load_zone(enrolment.subscriber.zone)):%a %Y-%m-%d %H:%M}"


def send_due(now: datetime) -> list[Sent]:
    """One tick of a sender: catch up, claim everything that is due, hand it over at once."""
    catch_up(now)
    sent = []
    for enrolment in due_enrolments(now).select_related("next_step", "sequence").order_by("due_at"):
        assert enrolment.next_step is not None
        Enrolment.objects.filter(pk=enrolment.pk).update(due_at=None)
        if (enrolment.next_step.only_if or enrolment.sequence.ends_when) and _last_look(enrolment, now):
            advance(enrolment.pk, after_key=enrolment.next_key or enrolment.next_step.key, handed_at=None, now=now)
            continue
        sent.append(Sent(enrolment.subscriber_id, enrolment.sequence_id, enrolment.next_step.key, now))
        advance(enrolment.pk, after_key=enrolment.next_key or enrolment.next_step.key, handed_at=now, now=now)
    return sent


def _last_look(enrolment: Enrolment, now: datetime) -> SkipReason | None:
    """What the sequence's rules have against a letter that is in hand."""
    for each in read_readers([enrolment.pk], now, lock=False):
        for place in each.places:
            if place.pk == enrolment.pk and place.step is not None:
                return objection(place, place.step, each, now)
    raise AssertionError("a letter in hand belongs to somebody")


def run(start: datetime, end: datetime, every: timedelta = HOUR) -> list[Sent]:
    """Tick from ``start`` until ``end``, leaving out the ticks at which nothing can be due."""
    sent, now = [], start
    while now < end:
        sent += send_due(now)
        waiting = Enrolment.objects.filter(state="active", due_at__isnull=False)
        pauses = Subscriber.objects.filter(paused_until__isnull=False)
        moments = [*waiting.values_list("due_at", flat=True), *pauses.values_list("paused_until", flat=True)]
        to_come = min(filter(None, moments), default=end)
        now += every * max(1, -((now - to_come) // every))
    return sent
