"""Plans made anew for many at once: readers who share all that a plan is made of share the answer.

The database says of each reader what their plan depends on, as one word. The planner decides once for each such word,
and the answer goes to everybody who has it in one UPDATE. Whoever is not so simple (in several sequences, taking a
break, with fewer letters a week, before a letter that is counted in minutes, at the end, in a sequence that asks about
its readers or counts from their own dates) goes through the planner alone; so does everybody on SQLite. What comes of
it is the same either way.

A chunk is one short transaction. Rows that somebody else has locked are left to them and looked at afterwards, and a
letter under way is left to the sender, who plans on by the course as it is then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from keepshowingup.cadence.advancing import Break, replan, rested_since, waits_to_be_claimed
from keepshowingup.cadence.course import Course
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.moves import keep_moves_together
from keepshowingup.cadence.places import CHUNK, LATELY, house_pace, read_courses
from keepshowingup.cadence.planning import arrange, next_step, rest
from keepshowingup.cadence.reader import Move, Place, Reader
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.core.timing import AfterMinutes, OnDate, load_zone
from keepshowingup.store.among import array_literal
from keepshowingup.store.bulk import works_elsewhere

# Enough that a statement is worth its while, few enough that they are locked for a fifth of a second.
MANY = 10_000
ALWAYS = datetime.min.replace(tzinfo=UTC)
# In seconds. No zone's midnight is anywhere but at a quarter of an hour.
QUARTER = 900


class Decision(NamedTuple):
    """A plan as its columns have it, and by what it has moved."""

    plan: tuple[object, ...] = ()
    moves: tuple[Move, ...] = ()
    moved_with: int | None = None  # what had moved it before, together with others


LEAVE = Decision()


@dataclass
class Anew:
    """One replanning of a sequence at ``now``; what was read and decided is kept from chunk to chunk.

    After a rest ``rested`` is the moment (UTC) it began: plans move by it, and what is promised is kept. Otherwise a
    letter whose moment has come is left to be claimed.
    """

    sequence_id: int
    now: datetime
    course: Course
    rested: datetime | None = None
    until: datetime | None = None
    decided: dict[str, Decision | None] = field(default_factory=dict)
    pace: Pace = field(default_factory=house_pace)

    @property
    def courses(self) -> dict[int, Course]:
        """As the planner alone reads it."""
        return {self.sequence_id: self.course}

    def read_again(self) -> None:
        """Somebody may have changed the letters while chunks were planned; what was decided holds if nobody did."""
        course = read_courses([self.sequence_id])[self.sequence_id]
        if course != self.course:
            self.course, self.decided = course, {}

    @property
    def is_shared(self) -> bool:
        """Whether readers can share what is decided."""
        return self.course.rules is not None and not self.course.is_personal

    @property
    def break_(self) -> Break | None:
        """As the planner alone counts it."""
        if self.rested is None:
            return None
        return rested_since(self.rested, self.until or self.now)


@dataclass(frozen=True)
class Done:
    """A chunk: up to which key, how many readers it had, and how many plans were made."""

    last: int
    readers: int
    planned: int


def replan_chunk(anew: Anew, after: int) -> Done | None:
    """Plan the next readers anew, in the order of their enrolments' keys; None when there are no more."""
    chunk = _plan_together(anew, after) if works_elsewhere() and anew.is_shared else _leave_to_the_planner(anew, after)
    planned = chunk.planned
    for start in range(0, len(chunk.alone), CHUNK):
        planned += replan(
            chunk.alone[start : start + CHUNK],
            anew.now,
            rested=anew.break_,
            why=WhyMoved.REST,
            leave_overdue=anew.rested is None,
            keep_promises=anew.rested is not None,
            courses=anew.courses,
        )
    return Done(chunk.last, chunk.readers, planned) if chunk.readers else None


@dataclass(frozen=True)
class _Chunk:
    """Readers up to the key ``last``: of so many the plans are made, and these go through the planner alone."""

    last: int
    readers: int
    planned: int
    alone: list[int]


def _leave_to_the_planner(anew: Anew, after: int) -> _Chunk:
    active = Enrolment.objects.filter(sequence=anew.sequence_id, state=EnrolmentState.ACTIVE, pk__gt=after)
    ids = list(active.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if ids and after:
        anew.read_again()
    return _Chunk(ids[-1] if ids else after, len(ids), 0, ids)


def _plan_together(anew: Anew, after: int) -> _Chunk:
    """Plan those of the next readers who are simple, and say who is not. Keys stay in the database, by the group."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(_SIMPLE, [anew.sequence_id, after, MANY])
        last, readers, ours, others = cursor.fetchone()
        if readers and after:
            anew.read_again()
        if not readers or not anew.is_shared:
            return _Chunk(last or after, readers, 0, sorted([*others, *_keys(ours)]))
        alone = set(others)
        # A second statement: it sees what was committed before the rows became ours.
        cursor.execute(_words(anew), _values(anew, ours))
        theirs: list[str] = []
        decisions: list[Decision] = []
        planned = 0
        for word, number, keys in cursor.fetchall():
            decision = anew.decided[word] if word in anew.decided else _decide(anew, word)
            anew.decided[word] = decision
            if decision is None:
                alone |= set(_keys(keys))
            elif decision is not LEAVE:
                planned += number
                theirs.append(keys)
                decisions.append(decision)
        if theirs:
            moved = keep_moves_together([(decision.moved_with, decision.moves) for decision in decisions])
            columns = zip(*(each.plan for each in decisions), strict=True)
            cursor.execute(_UPDATE, [array_literal(column) for column in (theirs, *columns, moved)])
        if alone and anew.rested is None:
            cursor.execute(_UNDER_WAY, {"ids": array_literal(sorted(alone))})
            alone -= {pk for (pk,) in cursor.fetchall()}
    return _Chunk(last, readers, planned, sorted(alone))


def _keys(array: str) -> list[int]:
    """Out of an array as PostgreSQL writes it."""
    return [int(key) for key in array.strip("{}").split(",") if key]


# A chunk is a small part of tables that may be large. PostgreSQL easily takes it for a large one, and reads all of a
# table for each, or compiles the statement.
_BY_INDEX = """
SELECT set_config(name, 'off', true)
FROM unnest('{enable_hashjoin,enable_mergejoin,enable_seqscan,jit}'::text[]) AS name
"""

_SIMPLE = """
WITH upcoming AS MATERIALIZED (
  SELECT id FROM cadence_enrolment
  WHERE sequence_id = %s AND state = 'active' AND id > %s ORDER BY id LIMIT %s
), ours AS MATERIALIZED (
  SELECT mine.id FROM upcoming
  JOIN cadence_enrolment AS mine ON mine.id = upcoming.id
  JOIN audience_subscriber AS reader ON reader.id = mine.subscriber_id
  WHERE mine.state = 'active' AND reader.paused_at IS NULL
  AND reader.letters_a_week IS NULL
  AND (mine.due_at IS NOT NULL OR mine.next_step_id IS NULL)
  AND NOT EXISTS (
    SELECT 1 FROM cadence_enrolment AS other
    WHERE other.subscriber_id = mine.subscriber_id AND other.id <> mine.id AND other.state = 'active' OFFSET 0
  )
  ORDER BY mine.id FOR NO KEY UPDATE OF mine SKIP LOCKED
)
SELECT (SELECT max(id) FROM upcoming), (SELECT count(*) FROM upcoming), ARRAY(SELECT id FROM ours)::text,
  ARRAY(SELECT id FROM upcoming EXCEPT SELECT id FROM ours)
"""

_UNDER_WAY = """
SELECT mine.id FROM cadence_enrolment AS mine JOIN editorial_step AS step ON step.id = mine.next_step_id
WHERE mine.id = ANY(%(ids)s::bigint[]) AND mine.due_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM cadence_paststep AS past WHERE past.enrolment_id = mine.id AND past.step_key = step.key
)
"""

_UPDATE = """
UPDATE cadence_enrolment AS mine SET state = plan.state, next_step_id = plan.step, due_at = plan.due,
  promised_at = plan.due, due_local = plan.local, due_reason = plan.reason, moved_days = plan.moved,
  rested_until = plan.rested, moved_with_id = plan.moved_with
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::int[],
  %s::timestamptz[], %s::bigint[]) AS plan (keys, state, step, due, local, reason, moved, rested, moved_with),
  unnest(plan.keys::bigint[]) AS given (id)
WHERE mine.id = given.id AND (mine.state, mine.next_step_id, mine.due_at, mine.promised_at, mine.due_local,
  mine.due_reason, mine.moved_days, mine.rested_until) IS DISTINCT FROM
  (plan.state, plan.step, plan.due, plan.due, plan.local, plan.reason, plan.moved, plan.rested)
"""


def _words(anew: Anew) -> str:
    """The statement that says of each reader what their plan depends on; :func:`_decide` reads the word again."""
    joined = "''"
    if anew.course.kept or any(isinstance(step.timing, OnDate) for step in anew.course.steps):
        joined = (
            "(mine.enrolled_at AT TIME ZONE 'UTC')::date"
            " || '/' || width_bucket(mine.enrolled_at, %(kept)s::timestamptz[])"
        )
    due = "COALESCE(CASE WHEN mine.due_at <= %(now)s THEN mine.next_step_id::text END, '')"
    rest_from = "''"
    if anew.rested is not None:
        due = "COALESCE(extract(epoch FROM mine.due_at) || '/' || mine.next_step_id, '')"
        rest_from = "CASE WHEN mine.enrolled_at > %(since)s THEN extract(epoch FROM mine.enrolled_at)::text ELSE '' END"
    bucket = "''" if anew.course.open_ended else "width_bucket(past.settled_at, %(ready)s::timestamptz[])"
    statement = _WORDS
    for name, expression in {"due": due, "joined": joined, "rest": rest_from, "bucket": bucket}.items():
        statement = statement.replace(f"<{name}>", expression)
    return statement


_WORDS = """
SELECT word, count(*), array_agg(id)::text FROM (
  SELECT mine.id, concat_ws('|', reader.zone, reader.hour, mine.started_on, mine.moved_days, <due>, <joined>, <rest>,
    CASE WHEN mine.rested_until IS NULL THEN '' ELSE extract(epoch FROM mine.rested_until)::text END,
    COALESCE(mine.moved_with_id::text, ''),
    COALESCE((SELECT string_agg(past.step_key || ':' || <bucket>, ',' ORDER BY past.step_key)
      FROM cadence_paststep AS past WHERE past.enrolment_id = mine.id), ''),
    COALESCE((SELECT string_agg(floor(extract(epoch FROM past.handed_at) / 900)::text, ',' ORDER BY past.handed_at)
      FROM cadence_paststep AS past
      WHERE past.subscriber_id = mine.subscriber_id AND past.handed_at > %(lately)s), '')) AS word
  FROM cadence_enrolment AS mine JOIN audience_subscriber AS reader ON reader.id = mine.subscriber_id
  WHERE mine.id = ANY(%(ids)s::bigint[])
) AS told GROUP BY word
"""


def _values(anew: Anew, ids: str) -> dict[str, str | datetime | None]:
    return {
        "ids": ids,
        "now": anew.now,
        "since": anew.rested,
        "lately": anew.now - LATELY,
        "ready": array_literal(anew.course.ready_moments),
        "kept": array_literal([until for until, _ in anew.course.kept]),
    }


def _moment(epoch: str) -> datetime | None:
    """PostgreSQL's seconds since 1970, exact to the microsecond."""
    if not epoch:
        return None
    seconds, _, fraction = epoch.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(fraction.ljust(6, "0")[:6] or 0))


def _decide(anew: Anew, word: str) -> Decision | None:
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
