"""Going on to the next letter, when one is settled or when a plan has to be made anew."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import house_pace, patience, read_readers, read_readers_of, write_plans
from keepshowingup.cadence.planning import Course, Place, Reader, arrange, next_step, rest, settle
from keepshowingup.core.states import EnrolmentState
from keepshowingup.store.rows import insert_rows


@dataclass(frozen=True)
class Settled:
    """The dispatch for one step is settled. ``handed_at`` (UTC) is None when nothing was handed over."""

    enrolment_id: int
    subscriber_id: int
    step_key: str
    handed_at: datetime | None


def plan_next(enrolment: Enrolment, now: datetime) -> None:
    """Plan this enrolment's next letter from ``now`` on, write it down, and bring ``enrolment`` up to date.

    It may have a claim that was taken back; if that is long after its moment, the rest of the plan moves too.
    """
    replan([enrolment.pk], now, even_under_way=True, rested=since_promised(now))
    enrolment.refresh_from_db()


def advance(enrolment_id: int, *, after_key: str, handed_at: datetime | None, now: datetime) -> None:
    """The dispatch for the step ``after_key`` is settled: go on to the next one. A second call changes nothing."""
    subscriber_id = Enrolment.objects.filter(pk=enrolment_id).values_list("subscriber_id", flat=True).first()
    if subscriber_id is not None:
        advance_many([Settled(enrolment_id, subscriber_id, after_key, handed_at)], now)


def advance_many(rows: Collection[Settled], now: datetime) -> None:
    """The same for a batch, with the same few queries whatever its size. Enrolments that are gone are left out."""
    with transaction.atomic():
        readers = read_readers_of({row.subscriber_id for row in rows}, [row.enrolment_id for row in rows], now)
        where = {place.pk: (place, reader) for reader in readers for place in reader.places}
        waited = patience()
        behind: list[tuple[object, ...]] = []
        touched: dict[int, Place] = {}
        for row in rows:
            if row.enrolment_id not in where:
                continue
            place, reader = where[row.enrolment_id]
            if row.step_key not in place.past:
                behind.append(_past_step(row, place, reader))
                settle(place, reader, row.step_key, handed_at=row.handed_at, now=now, patience=waited)
            touched[place.pk] = place
        insert_rows(PastStep, PAST, behind, same={"settled_at": now})
        pace = house_pace()
        for reader in readers:
            fresh = {
                place.pk: now
                for place in reader.places
                if place.pk in touched
                and place.state is EnrolmentState.ACTIVE
                and (place.step is None or place.step.key in place.past)
            }
            touched |= {place.pk: place for place in arrange(reader, fresh, pace=pace, now=now)}
        write_plans(touched.values())


PAST = ("enrolment_id", "subscriber_id", "step_key", "handed_at", "due_local", "due_reason")


def _past_step(row: Settled, place: Place, reader: Reader) -> tuple[object, ...]:
    planned = place.step is not None and place.step.key == row.step_key
    words = (place.local, place.reason) if planned else ("", "")
    return (place.pk, reader.pk, row.step_key, row.handed_at, *words)


Break = Callable[[Place, Reader], tuple[datetime, datetime] | None]
"""From when to when (UTC) a place's plan rested; None: it did not."""


def since_promised(now: datetime) -> Break:
    """The break of a letter that did not leave when it was promised: an outage, or a reader who was gone."""
    waited = patience()

    def rested(place: Place, _: Reader) -> tuple[datetime, datetime] | None:
        if place.promised is None or now - place.promised <= waited:
            return None
        return place.promised, now

    return rested


def replan(
    enrolments: Collection[int],
    now: datetime,
    *,
    keep_promises: bool = False,
    leave_overdue: bool = False,
    even_under_way: bool = False,
    rested: Break | None = None,
    courses: dict[int, Course] | None = None,
) -> int:
    """Plan these enrolments anew; lesser letters of their readers make room. Returns how many plans were made.

    Only active enrolments are planned, and only those without a dispatch under way, unless ``even_under_way``.
    With ``keep_promises`` nothing comes earlier than it was promised. With ``leave_overdue`` a letter whose moment
    has come is left to be claimed. ``rested`` says which break each plan moves by; ``courses`` is kept for the caller.
    """
    with transaction.atomic():
        pace = house_pace()
        changed: dict[int, Place] = {}
        asked = set(enrolments)
        for reader in read_readers(asked, now, courses):
            fresh: dict[int, datetime] = {}
            for place in reader.places:
                if place.pk not in asked or place.state is not EnrolmentState.ACTIVE:
                    continue
                if rested is not None and (span := rested(place, reader)) is not None:
                    rest(place, reader.zone, *span)
                    changed[place.pk] = place
                if place.is_under_way and not even_under_way:
                    continue
                if leave_overdue and _waits_to_be_claimed(place, reader, now):
                    continue
                fresh[place.pk] = place.due if keep_promises and place.due is not None else now
            changed |= {place.pk: place for place in arrange(reader, fresh, pace=pace, now=now)}
        write_plans(changed.values())
    return len(changed)


def _waits_to_be_claimed(place: Place, reader: Reader, now: datetime) -> bool:
    if place.due is None or place.due > now or place.step is None:
        return False
    owed = next_step(place, reader)
    return owed is not None and owed.key == place.step.key
