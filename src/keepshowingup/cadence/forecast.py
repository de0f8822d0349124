"""What will come, and when, and why: the sender's own planning, with the clock moved on from letter to letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.following import Following, what_follows
from keepshowingup.cadence.meant import objection
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import house_pace, patience, read_courses, read_readers
from keepshowingup.cadence.planning import NOBODY, CourseStep, Place, Reader, arrange, settle
from keepshowingup.core.conditions import unmet
from keepshowingup.core.errors import NotFound
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import load_zone, local_date, to_local, to_utc


@dataclass(frozen=True)
class ForecastLetter:
    """One letter to come: its moment in UTC and (naive) on the reader's clock, and why then."""

    step_key: str
    subject: str
    local: datetime
    utc: datetime
    reason: str
    sequence_id: int


def forecast(sequence_id: int, *, zone: str, hour: time, start: datetime, days: int = 90) -> list[ForecastLetter]:
    """What a reader who joins this sequence at ``start`` (aware), and no other, gets of it by the end of day ``days``.

    They read English, for themselves, and have no tags: :func:`left_out` says which letters are not for them. Letters
    that nobody has approved yet are taken as approved. Raises :class:`NotFound`, and :class:`WrongUsage` for a zone
    that there is not.
    """
    course = read_courses([sequence_id]).get(sequence_id)
    if course is None:
        raise NotFound("There is no such sequence. See: keepshowingup sequence list")
    reader = Reader(pk=0, zone=load_zone(zone), hour=hour)
    place = Place(pk=0, course=course.as_if_approved(), started_on=local_date(start, reader.zone), enrolled_at=start)
    reader.places.append(place)
    pace = house_pace()
    arrange(reader, {place.pk: start}, pace=pace, now=start)
    return list(_letters(reader, start, _end_of(start, days, reader.zone), pace, Following()))


def left_out(sequence_id: int) -> list[tuple[str, str]]:
    """The letters that :func:`forecast` passes over, because they are for some readers only: step key, for whom."""
    course = read_courses([sequence_id]).get(sequence_id)
    steps = course.steps if course else ()
    return [(step.key, why) for step in steps if not step.deleted and (why := unmet(step.only_if, NOBODY))]


def forecast_reader(subscriber_id: int, now: datetime, days: int = 90) -> list[ForecastLetter]:
    """What this reader gets in the next days across everything, if nobody changes anything.

    Nothing, for a reader who has left or is taking a break: when they come back is theirs to say.
    """
    active = Enrolment.objects.filter(
        subscriber=subscriber_id,
        subscriber__state=Subscriber.State.ACTIVE,
        subscriber__paused_at=None,
        state=EnrolmentState.ACTIVE,
    )
    ids = list(active.values_list("pk", flat=True))
    pace = house_pace()
    return [
        letter
        for reader in read_readers(ids, now, lock=False)
        for letter in _letters(
            reader,
            now,
            _end_of(now, days, reader.zone),
            pace,
            what_follows([place.course for place in reader.places], reader.pk),
        )
    ]


def _end_of(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The local midnight that ends the day so many days after ``start``."""
    return to_utc(datetime.combine(local_date(start, zone) + timedelta(days=days + 1), time()), zone)


def _letters(
    reader: Reader, now: datetime, until: datetime, pace: Pace, following: Following
) -> Iterator[ForecastLetter]:
    """Let every letter leave at its moment before ``until``, and plan on from there as the sender does.

    What a sequence's own rules are against when its moment comes does not leave.
    """
    for place in reader.places:
        if place.is_under_way:
            place.due = now
    while waiting := [
        (place.due, place.pk, place, place.step)
        for place in reader.places
        if place.live and place.step is not None and place.due is not None and place.due < until
    ]:
        due, pk, place, step = min(waiting, key=lambda each: each[:2])
        now = max(now, due)
        leaves = objection(place, step, reader, now) is None
        if leaves:
            yield _letter(place, step, now, reader.zone)
        settle(place, reader, step.key, handed_at=now if leaves else None, now=now, patience=patience())
        arrange(reader, {pk: now}, pace=pace, now=now)
        if (begun := following.after(place, reader, now)) is not None:
            reader.places.append(begun)
            arrange(reader, {begun.pk: now}, pace=pace, now=now)


def _letter(place: Place, step: CourseStep, moment: datetime, zone: ZoneInfo) -> ForecastLetter:
    return ForecastLetter(
        step_key=step.key,
        subject=step.subject,
        local=to_local(moment, zone),
        utc=moment,
        reason=place.reason,
        sequence_id=place.course.sequence_id,
    )
