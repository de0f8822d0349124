"""Who is alike: all that a reader's plan depends on as one word, as the database says it and as the planner reads it.

Readers with the same word get the same plan, so it is decided once. Whatever the planner asks of a reader must be in
the word, or the word must send its reader through the planner alone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from keepshowingup.cadence.advancing import waits_to_be_claimed
from keepshowingup.cadence.anew import ALWAYS, LEAVE, Anew, Decision
from keepshowingup.cadence.course import Course
from keepshowingup.cadence.places import LATELY
from keepshowingup.cadence.planning import arrange, next_step, rest
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.states import WhyMoved
from keepshowingup.core.timing import AfterMinutes, OnDate, load_zone
from keepshowingup.store.among import array_literal

# In seconds. No zone's midnight is anywhere but at a quarter of an hour.
QUARTER = 900
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def word_of(anew: Anew) -> str:
    """SQL for the word of the enrolment ``mine`` and its ``reader``; :func:`decide` reads it again.

    Its parameters are in :func:`values_of`.
    """
    joined = "''"
    if anew.course.kept or any(isinstance(step.timing, OnDate) for step in anew.course.steps):
        joined = (
            "(mine.enrolled_at AT TIME ZONE 'UTC')::date"
            " || '/' || width_bucket(mine.enrolled_at, %(kept)s::timestamptz[])"
        )
    due = "COALESCE(CASE WHEN mine.due_at <= %(now)s THEN mine.next_step_id::text END, '')"
    rest_from = "''"
    if anew.rested is not None:
        due = "COALESCE(date_part('epoch', mine.due_at) || '/' || mine.next_step_id, '')"
        rest_from = "CASE WHEN mine.enrolled_at > %(since)s THEN date_part('epoch', mine.enrolled_at)::text ELSE '' END"
    bucket = "''" if anew.course.open_ended else "width_bucket(past.settled_at, %(ready)s::timestamptz[])"
    word = _WORD
    for name, expression in {"due": due, "joined": joined, "rest": rest_from, "bucket": bucket}.items():
        word = word.replace(f"<{name}>", expression)
    return word


# A float's floor and not its rounding: a second before midnight is before it.
_WORD = """concat_ws('|', reader.zone, reader.hour, mine.started_on, mine.moved_days, <due>, <joined>, <rest>,
    COALESCE(date_part('epoch', mine.rested_until)::text, ''),
    COALESCE(mine.moved_with_id::text, ''),
    COALESCE((SELECT string_agg(past.step_key || ':' || <bucket>, ',' ORDER BY past.step_key)
      FROM cadence_paststep AS past WHERE past.enrolment_id = mine.id), ''),
    COALESCE((SELECT string_agg(floor(date_part('epoch', past.handed_at) / 900)::int::text, ',' ORDER BY past.handed_at)
      FROM cadence_paststep AS past
      WHERE past.subscriber_id = mine.subscriber_id AND past.handed_at > %(lately)s), ''))"""


def values_of(anew: Anew) -> dict[str, str | datetime | None]:
    """What :func:`word_of` has parameters for."""
    return {
        "now": anew.now,
        "since": anew.rested,
        "lately": anew.now - LATELY,
        "ready": array_literal(anew.course.ready_moments),
        "kept": array_literal([until for until, _ in anew.course.kept]),
    }


def _moment(epoch: str) -> datetime | None:
    """PostgreSQL's seconds since 1970. It writes a float quickly, which has them to the microsecond until 2242."""
    return EPOCH + timedelta(microseconds=round(float(epoch) * 1_000_000)) if epoch else None


def decide(anew: Anew, word: str) -> Decision | None:
    """The plan of everybody with this word; :data:`LEAVE` for none, None where it takes more to know than is in it."""
    (zone, hour, started_on, moved_days, due, joined, rest_from, rested_until, moved_with, behind, lately) = word.split(
        "|"
    )
    course, enrolled_at = _course(anew, joined, rest_from)
    ready = anew.course.ready_moments
    place = Place(
        pk=0,
        course=course,
        started_on=date.fromisoformat(started_on),
        enrolled_at=enrolled_at,
        moved_days=int(moved_days),
        rested_until=_moment(rested_until),
    )
    for past in filter(None, behind.split(",")):
        key, _, bucket = past.rpartition(":")
        place.past[key] = ready[int(bucket) - 1] if bucket and int(bucket) else ALWAYS
    reader = Reader(0, load_zone(zone), time.fromisoformat(hour), [place])
    reader.handed = [datetime.fromtimestamp(int(quarter) * QUARTER, UTC) for quarter in filter(None, lately.split(","))]
    if _is_near_joining(place, joined):
        return None
    first = next_step(place, reader)
    if first is not None and isinstance(first.timing, AfterMinutes):
        return None  # counted from the very moment of joining
    floor = anew.now
    if anew.rested is None and due:
        place.step, place.due = course.by_pk.get(int(due)), anew.now
        if waits_to_be_claimed(place, reader, anew.now):
            return LEAVE
    elif anew.rested is not None:
        rest(place, reader.zone, anew.rested, anew.until or anew.now, WhyMoved.REST)
        promised_at, _, promised = due.partition("/")
        if promised and first == course.by_pk.get(int(promised)):
            floor = _moment(promised_at) or anew.now
    arrange(reader, {0: floor}, pace=anew.pace, now=anew.now)
    if place.ended:
        return None  # more follows from an end than a plan
    step = place.step.pk if place.step else None
    plan = (place.state.value, step, place.due, place.local, place.reason, place.moved_days, place.rested_until)
    return Decision(plan, tuple(place.moves), int(moved_with) if moved_with else None)


def _course(anew: Anew, joined: str, rest_from: str) -> tuple[Course, datetime]:
    """The course as these readers have it, and a moment at which they may as well have joined."""
    exact = _moment(rest_from)
    day, _, version = joined.partition("/")
    enrolled_at = datetime.combine(date.fromisoformat(day), time(12), UTC) if day else ALWAYS
    if anew.rested is not None:
        enrolled_at = min(enrolled_at, anew.rested)  # who joined during the rest has their very moment in the word
    course = anew.course
    if version and int(version) < len(anew.course.kept):
        course = anew.course.kept[int(version)][1]
    return course, exact or enrolled_at


def _is_near_joining(place: Place, joined: str) -> bool:
    """Whether a step's date is so near the day of joining that it takes the hour to know which was first."""
    if not joined:
        return False
    day = date.fromisoformat(joined.partition("/")[0])
    return any(
        isinstance(step.timing, OnDate) and step.key not in place.past and abs((step.timing.date - day).days) <= 2
        for step in place.course.steps
    )
