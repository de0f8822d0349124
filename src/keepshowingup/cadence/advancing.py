"""Going on to the next letter, when one is settled or when a plan has to be made anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from keepshowingup.cadence.course import Course
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import house_pace, patience, read_readers, read_readers_of, write_plans
from keepshowingup.cadence.planning import arrange, is_still_next, rest, settle
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.cadence.rounds import Finished, hand_on
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState, WhyMoved
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
        _go_on(readers, now)


def _go_on(readers: Iterable[Reader], now: datetime) -> None:
    """Who has just come to the end of a sequence goes on with the one that follows it."""
    finished = [
        Finished(reader.pk, place.course.then_id, place.enrolled_at)
        for reader in readers
        for place in reader.places
        if place.ended and place.state is EnrolmentState.FINISHED and place.course.then_id is not None
    ]
    if finished and (begun := hand_on(finished, now)):
        replan(begun, now)


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


def rested_since(since: datetime, until: datetime) -> Break:
    """The rest of a whole sequence. Days on which the reader was away too are counted when the reader comes back."""

    def rested(_: Place, reader: Reader) -> tuple[datetime, datetime]:
        return since, min(until, reader.paused_at or until)

    return rested


def replan(
    enrolments: Collection[int],
    now: datetime,
    *,
    keep_promises: bool = False,
    leave_overdue: bool = False,
    even_under_way: bool = False,
    rested: Break | None = None,
    why: WhyMoved = WhyMoved.OUTAGE,
    courses: dict[int, Course] | None = None,
) -> int:
    """Plan these enrolments anew; lesser letters of their readers make room. Returns how many plans were made.

    Only active enrolments are planned, and only those without a dispatch under way, unless ``even_under_way``.
    With ``keep_promises`` nothing comes earlier than it was promised. With ``leave_overdue`` a letter whose moment
    has come is left to be claimed. ``rested`` says which break each plan moves by, ``why`` what it was; ``courses`` is
    kept for the caller.
    """
    with transaction.atomic():
        pace = house_pace()
        changed: dict[int, Place] = {}
        asked = set(enrolments)
        readers = read_readers(asked, now, courses)
        for reader in readers:
            changed |= remake(
                reader,
                asked,
                now,
                pace=pace,
                keep_promises=keep_promises,
                leave_overdue=leave_overdue,
                even_under_way=even_under_way,
                rested=rested,
                why=why,
            )
        write_plans(changed.values())
        _go_on(readers, now)
    return len(changed)


def remake(
    reader: Reader,
    asked: Collection[int],
    now: datetime,
    *,
    pace: Pace,
    keep_promises: bool = False,
    leave_overdue: bool = False,
    even_under_way: bool = False,
    rested: Break | None = None,
    why: WhyMoved = WhyMoved.OUTAGE,
) -> dict[int, Place]:
    """What :func:`replan` does for one reader, in values: the forecast asks here too. Returns what has changed."""
    changed: dict[int, Place] = {}
    fresh: dict[int, datetime] = {}
    for place in reader.places:
        if place.pk not in asked or place.state is not EnrolmentState.ACTIVE:
            continue
        if rested is not None and (span := rested(place, reader)) is not None:
            rest(place, reader.zone, *span, why)
            changed[place.pk] = place
        if place.is_under_way and not even_under_way:
            continue
        if leave_overdue and waits_to_be_claimed(place, reader, now):
            continue
        promised = keep_promises and place.due is not None and is_still_next(place, reader)
        fresh[place.pk] = place.due if promised and place.due is not None else now
    # Where nothing is planned anew nobody has to make room either.
    return changed | {place.pk: place for place in (arrange(reader, fresh, pace=pace, now=now) if fresh else ())}


def waits_to_be_claimed(place: Place, reader: Reader, now: datetime) -> bool:
    """Whether the letter's moment has come and it is still the one to send."""
    return place.due is not None and place.due <= now and is_still_next(place, reader)
