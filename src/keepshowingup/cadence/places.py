"""Readers' places out of the database in a few queries, and their plans back into it in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models
from django.db.models import Min, Q

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.planning import Course, CourseStep, Place, Reader
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import Rules, load_zone, weekdays_of
from keepshowingup.editorial.models import Approval, Sequence, Step
from keepshowingup.editorial.timings import timing_of

# The pace looks a week around a day; two more for zones that have moved.
LATELY = timedelta(days=9)
# Rows that are planned in one transaction: short enough that nobody waits long for a lock.
CHUNK = 1000
PLAN = (
    "state",
    "next_step_id",
    "due_at",
    "promised_at",
    "due_local",
    "due_reason",
    "moved_days",
    "last_handed_at",
    "rested_until",
)


def house_pace() -> Pace:
    """The caps of the settings."""
    return Pace(settings.MAX_PER_DAY, settings.MAX_PER_WEEK)


def patience() -> timedelta:
    """How late a letter may be before it counts as an outage: a quarter of an hour, or three ticks of the calendar."""
    return max(timedelta(minutes=15), timedelta(seconds=3 * settings.TICK_SECONDS * settings.CLOCK.rate))


def rules_of(sequence: Sequence) -> Rules:
    """What the sequence allows. Raises :class:`WrongUsage` where that leaves no moment for a letter."""
    return Rules(
        weekdays=weekdays_of(sequence.weekdays),
        window=(sequence.window_start, sequence.window_end),
        quiet=(sequence.quiet_start, sequence.quiet_end),
        too_late=None if sequence.too_late_hours is None else timedelta(hours=sequence.too_late_hours),
    )


def read_courses(sequence_ids: Collection[int]) -> dict[int, Course]:
    """Sequences and all their steps, in the order they are sent: by position, a newsletter's by date."""
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(sequence_id__in=sequence_ids).defer("body").order_by("position", "pk"):
        steps[step.sequence_id].append(step)
    approved = dict(
        Approval.objects.filter(revision__step__sequence_id__in=sequence_ids)
        .values_list("revision__step")
        .annotate(Min("approved_at"))
    )
    return {
        sequence.pk: _course(sequence, steps[sequence.pk], approved)
        for sequence in Sequence.objects.filter(pk__in=sequence_ids)
    }


def _course(sequence: Sequence, steps: list[Step], approved: Mapping[int, datetime]) -> Course:
    if sequence.open_ended:
        steps.sort(key=lambda step: (step.on_date is not None, step.on_date or sequence.created_at.date()))
    rules, fault = None, ""
    try:
        rules = rules_of(sequence)
    except WrongUsage as wrong:
        fault = wrong.message  # its readers wait, and their plan says why
    return Course(
        sequence_id=sequence.pk,
        title=sequence.title,
        open_ended=sequence.open_ended,
        steps=tuple(
            CourseStep(
                pk=step.pk,
                key=step.key,
                subject=step.subject,
                timing=timing_of(step),
                ready_since=approved.get(step.pk, sequence.created_at) if step.current_id else None,
                deleted=step.deleted_at is not None,
            )
            for step in steps
        ),
        rules=rules,
        fault=fault,
    )


def read_readers(
    enrolments: Collection[int], now: datetime, courses: dict[int, Course] | None = None, *, lock: bool = True
) -> list[Reader]:
    """The readers these enrolments belong to, with all their other places.

    The places are locked until the transaction ends, unless they are only looked at (``lock=False``).

    ``courses`` is kept and filled for the caller who reads chunk after chunk.
    """
    courses = {} if courses is None else courses
    subscriber_ids = set(Enrolment.objects.filter(pk__in=enrolments).values_list("subscriber_id", flat=True))
    rows = list(
        (Enrolment.objects.select_for_update() if lock else Enrolment.objects)
        .filter(Q(subscriber_id__in=subscriber_ids, state=EnrolmentState.ACTIVE) | Q(pk__in=enrolments))
        .order_by("pk")  # one order for everybody: two who lock many rows never wait for each other
    )
    sequences = {row.sequence_id for row in rows}
    courses.update(read_courses(sequences - courses.keys()))
    live = set(Sequence.objects.filter(pk__in=sequences, state=Sequence.State.LIVE).values_list("pk", flat=True))
    past: defaultdict[int, dict[str, datetime]] = defaultdict(dict)
    for enrolment_id, key, settled_at in PastStep.objects.filter(enrolment_id__in=[row.pk for row in rows]).values_list(
        "enrolment_id", "step_key", "settled_at"
    ):
        past[enrolment_id][key] = settled_at
    readers = {
        pk: Reader(pk=pk, zone=load_zone(zone), hour=hour, paused_at=paused_at)
        for pk, zone, hour, paused_at in Subscriber.objects.filter(pk__in=subscriber_ids).values_list(
            "pk", "zone", "hour", "paused_at"
        )
    }
    for subscriber_id, handed_at in PastStep.objects.filter(
        subscriber_id__in=subscriber_ids, handed_at__gt=now - LATELY
    ).values_list("subscriber_id", "handed_at"):
        if handed_at is not None:
            readers[subscriber_id].handed.append(handed_at)
    for row in rows:
        course = courses[row.sequence_id]
        readers[row.subscriber_id].places.append(_place(row, course, past[row.pk], row.sequence_id in live))
    return list(readers.values())


def _place(row: Enrolment, course: Course, past: dict[str, datetime], live: bool) -> Place:
    return Place(
        pk=row.pk,
        course=course,
        started_on=row.started_on,
        enrolled_at=row.enrolled_at,
        moved_days=row.moved_days,
        past=past,
        state=EnrolmentState(row.state),
        live=live,
        step=course.by_pk.get(row.next_step_id) if row.next_step_id else None,
        due=row.due_at,
        promised=row.promised_at or row.due_at,
        last_handed=row.last_handed_at,
        rested_until=row.rested_until,
        local=row.due_local,
        reason=row.due_reason,
    )


def write_plans(places: Iterable[Place]) -> None:
    """Write plans back, in one ``executemany``: 25 times what ``bulk_update`` manages."""
    fields = [_field(name) for name in PLAN]
    rows = []
    for place in places:
        values = (
            place.state,
            place.step.pk if place.step else None,
            place.due,
            place.promised,
            place.local,
            place.reason,
            place.moved_days,
            place.last_handed,
            place.rested_until,
        )
        prepared = [each.get_db_prep_save(value, connection) for each, value in zip(fields, values, strict=True)]
        rows.append((*prepared, place.pk))
    if not rows:
        return
    columns = ", ".join(f"{each.column} = %s" for each in fields)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {Enrolment._meta.db_table} SET {columns} WHERE id = %s", rows)  # noqa: S608


def _field(name: str) -> models.Field[object, object]:
    return next(each for each in Enrolment._meta.concrete_fields if each.attname == name)
