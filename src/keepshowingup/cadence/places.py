"""Readers' places out of the database in a few queries, and their plans back into it in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Min, Q

from keepshowingup.audience.about import about_readers
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.cadence.models import Enrolment, PastStep, PlanMove
from keepshowingup.cadence.reader import LONGEST_REASON, Move, Place, Reader
from keepshowingup.core.care import read_exits
from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import Rules, load_zone, weekdays_of
from keepshowingup.editorial.keeping import kept_versions
from keepshowingup.editorial.models import Approval, Sequence, Step
from keepshowingup.editorial.timings import timing_of
from keepshowingup.store.rows import insert_rows, update_rows

# The pace looks a week around a day; two more for zones that have moved.
LATELY = timedelta(days=9)
# Rows that are planned in one transaction: short enough that nobody waits long for a lock.
CHUNK = 1000
PLAN = (
    "state",
    "next_step_id",
    "next_key",
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
    courses = {}
    for sequence in Sequence.objects.filter(pk__in=sequence_ids):
        mine = steps[sequence.pk]
        kept = tuple(
            (until, _course(sequence, versions, approved)) for until, versions in kept_versions(mine) if versions
        )
        courses[sequence.pk] = replace(_course(sequence, mine, approved), kept=kept)
    return courses


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
                ready_since=_ready_since(step, approved.get(step.pk, sequence.created_at)),
                deleted=step.deleted_at is not None,
                backfilled=step.backfilled,
                only_if=read_conditions(step.only_if),
            )
            for step in steps
        ),
        rules=rules,
        fault=fault,
        milestones=sequence.milestones,
        urgent=sequence.urgent,
        exits=read_exits(sequence.ends_when),
        then_id=sequence.then_id,
    )


def _ready_since(step: Step, approved: datetime) -> datetime | None:
    if step.current_id is None:
        return None
    return max(approved, step.there_since) if step.there_since else approved


def read_readers(
    enrolments: Collection[int], now: datetime, courses: dict[int, Course] | None = None, *, lock: bool = True
) -> list[Reader]:
    """The readers these enrolments belong to, with all their other places.

    The places are locked until the transaction ends, unless they are only looked at (``lock=False``).

    ``courses`` is kept and filled for the caller who reads chunk after chunk.
    """
    subscriber_ids = set(Enrolment.objects.filter(pk__among=enrolments).values_list("subscriber_id", flat=True))
    return read_readers_of(subscriber_ids, enrolments, now, courses, lock=lock)


def read_readers_of(
    subscriber_ids: Collection[int],
    enrolments: Collection[int],
    now: datetime,
    courses: dict[int, Course] | None = None,
    *,
    lock: bool = True,
) -> list[Reader]:
    """The same for a caller who knows whose the enrolments are."""
    courses = {} if courses is None else courses
    mine = Enrolment.objects.filter(
        Q(state=EnrolmentState.ACTIVE) | Q(pk__among=enrolments), subscriber_id__among=subscriber_ids
    ).order_by("pk")  # one order for everybody: two who lock many rows never wait for each other
    if lock:
        mine = mine.select_for_update()
    rows = [_Row._make(row) for row in mine.values_list(*_Row._fields)]
    sequences = {row.sequence_id for row in rows}
    courses.update(read_courses(sequences - courses.keys()))
    live = set(Sequence.objects.filter(pk__in=sequences, state=Sequence.State.LIVE).values_list("pk", flat=True))
    # Asked after the lock is ours: a reader who moved while we waited for it is planned by their new clock.
    clocks = Subscriber.objects.filter(pk__among=subscriber_ids).values_list(*_CLOCK)
    readers = {
        pk: Reader(
            *(pk, load_zone(zone), hour),
            paused_at=paused_at,
            paused_until=paused_until,
            letters_a_week=a_week,
            counted_from=date,
        )
        for pk, zone, hour, paused_at, paused_until, a_week, date in clocks
    }
    if any(courses[pk].asks_about_readers for pk in sequences):
        for pk, about in about_readers(subscriber_ids).items():
            readers[pk].about = about
    places: dict[int, Place] = {}
    for row in rows:
        places[row.pk] = place = _place(
            row, courses[row.sequence_id].of_reader(row.enrolled_at), row.sequence_id in live
        )
        readers[row.subscriber_id].places.append(place)
    lately = now - LATELY
    behind = PastStep.objects.filter(
        Q(enrolment_id__among=places) | Q(subscriber_id__among=subscriber_ids, handed_at__gt=lately)
    ).values_list("subscriber_id", "enrolment_id", "step_key", "settled_at", "handed_at")
    for subscriber_id, enrolment_id, key, settled_at, handed_at in behind:
        if enrolment_id in places:
            places[enrolment_id].past[key] = settled_at
        if handed_at is not None and handed_at > lately:
            readers[subscriber_id].handed.append(handed_at)
    return list(readers.values())


_CLOCK = ("pk", "zone", "hour", "paused_at", "paused_until", "letters_a_week", "counted_from")


class _Row(NamedTuple):
    """An enrolment, without what a model's instance costs."""

    pk: int
    subscriber_id: int
    sequence_id: int
    state: str
    enrolled_at: datetime
    started_on: date
    next_step_id: int | None
    next_key: str
    due_at: datetime | None
    promised_at: datetime | None
    due_local: str
    due_reason: str
    last_handed_at: datetime | None
    moved_days: int
    rested_until: datetime | None


def _place(row: _Row, course: Course, live: bool) -> Place:
    step = course.by_pk.get(row.next_step_id) if row.next_step_id else None
    return Place(
        pk=row.pk,
        course=course,
        started_on=row.started_on,
        enrolled_at=row.enrolled_at,
        moved_days=row.moved_days,
        state=EnrolmentState(row.state),
        live=live,
        step=replace(step, key=row.next_key) if step and row.next_key else step,
        due=row.due_at,
        promised=row.promised_at or row.due_at,
        last_handed=row.last_handed_at,
        rested_until=row.rested_until,
        local=row.due_local,
        reason=row.due_reason,
    )


def write_plans(places: Iterable[Place]) -> None:
    """Write plans back, all of them in one statement; what planning passed over, ended or moved, in one more each."""
    places = list(places)
    update_rows(
        Enrolment,
        PLAN,
        (
            (
                place.pk,
                place.state.value,
                place.step.pk if place.step else None,
                place.step.key if place.step and place.course.milestones else "",
                place.due,
                place.promised,
                place.local,
                place.reason,
                place.moved_days,
                place.last_handed,
                place.rested_until,
            )
            for place in places
        ),
    )
    insert_rows(
        PastStep,
        ("enrolment_id", "subscriber_id", "step_key", "settled_at", "due_local", "due_reason"),
        (
            (place.pk, passed.reader_id, passed.step_key, passed.at, "", passed.reason[:LONGEST_REASON])
            for place in places
            for passed in place.passed_over
        ),
    )
    update_rows(Enrolment, ("ended_at",), ((place.pk, place.ended) for place in places if place.ended))
    keep_moves((place.pk, move) for place in places for move in place.moves)


def keep_moves(moved: Iterable[tuple[int, Move]]) -> None:
    """Write down why plans have moved, each with its enrolment; nothing is asked where none has."""
    rows = [(pk, move.why.value, move.days, move.since, move.until) for pk, move in moved]
    insert_rows(PlanMove, ("enrolment_id", "why", "days", "since", "until"), rows)
