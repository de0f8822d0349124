"""What will come, and when, and why: the sender's own planning, with the clock moved on from letter to letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.advancing import remake, since_promised
from keepshowingup.cadence.course import CourseStep
from keepshowingup.cadence.following import Following, what_follows
from keepshowingup.cadence.marks import A_MARK, has_passed
from keepshowingup.cadence.meant import objection
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import LATELY, house_pace, patience, read_courses, read_readers
from keepshowingup.cadence.planning import arrange, settle
from keepshowingup.cadence.reader import NOBODY, Place, Reader
from keepshowingup.cadence.replanning import break_of
from keepshowingup.core.conditions import unmet
from keepshowingup.core.errors import NotFound
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import is_allowed, load_zone, local_date, to_local, to_utc

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
    sequence_title: str


def forecast(sequence_id: int, *, zone: str, hour: time, start: datetime, days: int = 90) -> list[ForecastLetter]:
    """What a reader who joins this sequence at ``start`` (aware), and no other, gets of it by the end of day ``days``.

    They read English, for themselves, and have no tags: :func:`left_out` says which letters are not for them; in
    milestones they count from that day. Letters that nobody has approved yet are taken as approved. Raises
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
    return list(letters_to_come(reader, start, end_of_day(start, days, reader.zone), pace))


def left_out(sequence_id: int) -> list[tuple[str, str]]:
    """The letters that :func:`forecast` passes over, because they are for some readers only: step key, for whom."""
    course = read_courses([sequence_id]).get(sequence_id)
    steps = course.steps if course else ()
    return [(step.key, why) for step in steps if not step.deleted and (why := unmet(step.only_if, NOBODY))]


def forecast_reader(subscriber_id: int, now: datetime, days: int = 90) -> list[ForecastLetter]:
    """What this reader gets up to the end of day ``days`` across everything, if nobody changes anything.

    A break with an end is foreseen; after one without, coming back is theirs to say. Nothing for one who has left.
    """
    active = Enrolment.objects.filter(
        subscriber=subscriber_id, subscriber__state=Subscriber.State.ACTIVE, state=EnrolmentState.ACTIVE
    )
    ids = list(active.values_list("pk", flat=True))
    pace = house_pace()
    return [
        letter
        for reader in read_readers(ids, now, lock=False)
        for letter in letters_to_come(
            reader,
            now,
            end_of_day(now, days, reader.zone),
            pace,
            what_follows([place.course for place in reader.places], reader.pk),
        )
    ]


def end_of_day(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The local midnight (UTC) that ends the day so many days after ``start``."""
    return to_utc(datetime.combine(local_date(start, zone) + timedelta(days=days + 1), time()), zone)


def letters_to_come(
    reader: Reader, now: datetime, until: datetime, pace: Pace, following: Following | None = None
) -> Iterator[ForecastLetter]:
    """Let every letter leave at its moment before ``until``, and plan on from there as the sender does.

    What a tick and the last look would do is done here too: end a break on its day, pass over what is too late or not
    for the reader, and put off what an outage has left overdue at an hour when none may leave. ``reader`` is used up.
    """
    if reader.paused_at is not None:
        if reader.paused_until is None or max(now, reader.paused_until) >= until:
            return
        now = max(now, reader.paused_until)
        _resume(reader, reader.paused_at, reader.paused_until, now, pace)
    waited = patience()
    for place in reader.places:
        if place.is_under_way:
            place.due = now
    while waiting := [
        (place.due, place.pk, place, place.step)
        for place in reader.places
        if place.live
        and place.state is EnrolmentState.ACTIVE
        and place.step is not None
        and place.due is not None
        and place.due < until
    ]:
        due, pk, place, step = min(waiting, key=lambda each: each[:2])
        now = max(now, due)
        rules = place.course.rules
        too_late = rules is not None and rules.too_late is not None and now - due > rules.too_late
        too_late = too_late or (place.course.milestones and has_passed(place.local, due, reader.zone, now))
        if not too_late and (rules is None or step.cannot_leave or not is_allowed(now, reader.zone, rules)):
            remake(reader, {pk}, now, pace=pace, rested=since_promised(now))
            continue
        leaves = not too_late and objection(place, step, reader, now) is None
        if leaves:
            yield _letter(place, step, now, reader)
        settle(place, reader, step.key, handed_at=now if leaves else None, now=now, patience=waited)
        reader.handed = [each for each in reader.handed if each > now - LATELY]
        arrange(reader, {pk: now}, pace=pace, now=now)
        if following and (begun := following.after(place, reader, now)) is not None:
            reader.places.append(begun)
            arrange(reader, {begun.pk: now}, pace=pace, now=now)


def _resume(reader: Reader, since: datetime, until: datetime, now: datetime, pace: Pace) -> None:
    mine = {place.pk for place in reader.places}
    remake(reader, mine, now, pace=pace, keep_promises=True, rested=break_of(since, until))
    reader.paused_at = reader.paused_until = None


def _letter(place: Place, step: CourseStep, moment: datetime, reader: Reader) -> ForecastLetter:
    key, subject = step.key, step.subject
    if place.course.milestones:
        # Of an invented reader the letter may be told; of a real one it would tell their date.
        key, subject = (place.course.by_pk[step.pk].key, subject) if reader.pk == INVENTED else ("", A_MARK)
    return ForecastLetter(
        step_key=key,
        subject=subject,
        local=to_local(moment, reader.zone),
        utc=moment,
        reason=place.reason,
        sequence_id=place.course.sequence_id,
        sequence_title=place.course.title,
    )
