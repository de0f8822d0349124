"""What will come, and when, and why: the sender's own planning, with the clock moved on from letter to letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.marks import A_MARK
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import house_pace, patience, read_courses, read_readers
from keepshowingup.cadence.planning import CourseStep, Place, Reader, arrange, settle
from keepshowingup.core.errors import NotFound
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import load_zone, local_date, to_local, to_utc

INVENTED = 0


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
    """What a reader who joins this sequence at ``start`` (aware), and no other, gets up to the end of day ``days``.

    In one of milestones they count from that day. Letters that nobody has approved yet are taken as approved. Raises
    :class:`NotFound`, and :class:`WrongUsage` for a zone that there is not.
    """
    course = read_courses([sequence_id]).get(sequence_id)
    if course is None:
        raise NotFound("There is no such sequence. See: keepshowingup sequence list")
    here = load_zone(zone)
    today = local_date(start, here)
    reader = Reader(pk=INVENTED, zone=here, hour=hour, counted_from=today if course.milestones else None)
    place = Place(pk=0, course=course.as_if_approved(), started_on=today, enrolled_at=start)
    reader.places.append(place)
    pace = house_pace()
    arrange(reader, {place.pk: start}, pace=pace, now=start)
    return list(_letters(reader, start, _end_of(start, days, reader.zone), pace))


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
        for letter in _letters(reader, now, _end_of(now, days, reader.zone), pace)
    ]


def _end_of(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The local midnight that ends the day so many days after ``start``."""
    return to_utc(datetime.combine(local_date(start, zone) + timedelta(days=days + 1), time()), zone)


def _letters(reader: Reader, now: datetime, until: datetime, pace: Pace) -> Iterator[ForecastLetter]:
    """Let every letter leave at its moment before ``until``, and plan on from there as the sender does."""
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
        yield _letter(place, step, now, reader)
        settle(place, reader, step.key, handed_at=now, now=now, patience=patience())
        arrange(reader, {pk: now}, pace=pace, now=now)


def _letter(place: Place, step: CourseStep, moment: datetime, reader: Reader) -> ForecastLetter:
    key, subject = step.key, step.subject
    if place.course.milestones:
        # Of an invented reader the letter may be told; of a real one it would tell their date.
        key, subject = (place.course.by_pk[step.pk].key, subject) if reader.pk == INVENTED else (key, A_MARK)
    return ForecastLetter(
        step_key=key,
        subject=subject,
        local=to_local(moment, reader.zone),
        utc=moment,
        reason=place.reason,
        sequence_id=place.course.sequence_id,
    )
