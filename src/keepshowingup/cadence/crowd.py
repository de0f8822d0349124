"""Plans made anew for many at once: readers who share all that a plan is made of share the answer.

The database says of each reader what their plan depends on, as one word. The planner decides once for each such word,
and the answer goes to everybody who has it. What is known already is given along with the question: then one statement
finds, locks, and plans anew. Whoever is not so simple (in several sequences, taking a break, with fewer letters a week,
before a letter that is counted in minutes, at the end, in a sequence that asks about its readers or counts from their
own dates) goes through the planner alone; so does everybody on SQLite. What comes of it is the same either way.

A chunk is one short transaction. Rows that somebody else has locked are left to them and looked at afterwards, and a
letter under way is left to the sender, who plans on by the course as it is then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from keepshowingup.cadence.advancing import replan
from keepshowingup.cadence.alike import decide, values_of, word_of
from keepshowingup.cadence.anew import LEAVE, Anew, Decision
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.moves import keep_moves_together
from keepshowingup.cadence.places import CHUNK
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.store.among import array_literal
from keepshowingup.store.bulk import works_elsewhere

# Enough that a statement is worth its while, few enough that they are locked for a fifth of a second.
MANY = 10_000

Plans = dict[str, tuple[object, ...]]


@dataclass(frozen=True)
class Done:
    """A chunk: up to which key, how many readers it had, and how many plans were made."""

    last: int
    readers: int
    planned: int


def replan_chunk(anew: Anew, after: int) -> Done | None:
    """Plan the next readers anew, in the order of their enrolments' keys; None when there are no more."""
    chunk = plan_together(anew, after) if works_elsewhere() else _leave_to_the_planner(anew.sequence_id, after)
    planned = chunk.planned
    for start in range(0, len(chunk.alone), CHUNK):
        # It reads the letters itself when the rows are its own: whoever changes them after that plans after us.
        planned += replan(
            chunk.alone[start : start + CHUNK],
            anew.now,
            rested=anew.break_,
            why=WhyMoved.REST,
            leave_overdue=anew.rested is None,
            keep_promises=anew.rested is not None,
        )
    return Done(chunk.last, chunk.readers, planned) if chunk.readers else None


@dataclass(frozen=True)
class Chunk:
    """Readers up to the key ``last``: of so many the plans are made, and these go through the planner alone."""

    last: int
    readers: int
    planned: int
    alone: list[int]


def _leave_to_the_planner(sequence_id: int, after: int) -> Chunk:
    active = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.ACTIVE, pk__gt=after)
    ids = list(active.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return Chunk(ids[-1] if ids else after, len(ids), 0, ids)


def plan_together(anew: Anew, after: int) -> Chunk:
    """Plan those of the next readers who are simple, and say who is not. Keys stay in the database, by the group."""
    while anew.is_shared:
        with transaction.atomic():
            told = _tell(anew, after)
            if told.readers and anew.read_again():
                # Whoever changed the letters before the rows were ours may have planned them by that already.
                transaction.set_rollback(True)
                continue
            plans, planned, alone = _plan_unknown(anew, told)
        anew.keep(plans)
        return Chunk(told.last, told.readers, told.planned + planned, sorted(alone))
    return _leave_to_the_planner(anew.sequence_id, after)


@dataclass(frozen=True)
class _Group:
    """Readers with one word, and their enrolments' keys as PostgreSQL writes an array."""

    number: int
    keys: str


@dataclass(frozen=True)
class _Told:
    """Of the next readers up to the key ``last``: for how many a plan was known, and who all the others are."""

    last: int
    readers: int
    planned: int
    unknown: dict[str, _Group]
    others: list[int]


def _tell(anew: Anew, after: int) -> _Told:
    """Find the next readers, make the rows of the simple ones ours, and give them the plans that are known."""
    plans = [(word, *plan) for word, plan in list(anew.known.items())]  # another chunk may add to them meanwhile
    columns = zip(*plans, strict=True) if plans else [()] * len(PLAN)
    given = {name: array_literal(column) for name, column in zip(PLAN, columns, strict=True)}
    where = {"sequence": anew.sequence_id, "after": after, "many": MANY}
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT, [_WHOLE_TABLES])
        cursor.execute(_TELL.replace("<word>", word_of(anew)), {**given, **where, **values_of(anew)})
        rows = cursor.fetchall()
    ((readers, others, last),) = ((number, keys, last) for word, number, keys, last in rows if word is None)
    # Whether a plan was known is the database's to say: by now another chunk may have made it known.
    return _Told(
        last=after if last is None else last,
        readers=readers,
        planned=sum(number for word, number, keys, _ in rows if word is not None and keys is None),
        unknown={word: _Group(number, keys) for word, number, keys, _ in rows if word is not None and keys is not None},
        others=_keys(others or ""),
    )


def _plan_unknown(anew: Anew, told: _Told) -> tuple[Plans, int, Collection[int]]:
    """Decide about those whose plan is not known: the new plans, for how many they are, and who is planned alone."""
    alone = set(told.others)
    decided: dict[str, Decision] = {}
    for word, group in told.unknown.items():
        decision = anew.decided[word] if word in anew.decided else decide(anew, word)
        anew.decided[word] = decision
        if decision is None:
            alone |= set(_keys(group.keys))
        elif decision is not LEAVE:
            decided[word] = decision
    plans = _with_moves(decided)
    with connection.cursor() as cursor:
        if plans or alone:
            cursor.execute(_WITHOUT, [_HASHES])  # of what is known one was made; of an index it is a whole table again
        if plans:
            columns = zip(*((told.unknown[word].keys, *plan) for word, plan in plans.items()), strict=True)
            cursor.execute(_GIVE, [array_literal(column) for column in columns])
        if alone and anew.rested is None:
            cursor.execute(_UNDER_WAY, {"ids": array_literal(sorted(alone))})
            alone -= {pk for (pk,) in cursor.fetchall()}
    return plans, sum(told.unknown[word].number for word in plans), alone


def _with_moves(decided: Mapping[str, Decision]) -> Plans:
    """Plans as the columns of an enrolment, what has moved them last among these."""
    moved = keep_moves_together([(decision.moved_with, decision.moves) for decision in decided.values()])
    return {word: (*decision.plan, last) for (word, decision), last in zip(decided.items(), moved, strict=True)}


def _keys(array: str) -> list[int]:
    """Out of an array as PostgreSQL writes it."""
    return [int(key) for key in array.strip("{}").split(",") if key]


# A chunk is a small part of tables that may be large. PostgreSQL easily takes it for a large one, and reads all of a
# table for each, or compiles the statement. And nobody waits for the disk at its end: the note of how far it came is
# written after it, and what is lost with the chunk is lost with the note.
_WITHOUT = "SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) AS name"
_WHOLE_TABLES = "{enable_mergejoin,enable_seqscan,jit,synchronous_commit}"
_HASHES = "{enable_hashjoin}"

PLAN = ("word", "state", "step", "due", "local", "reason", "moved", "rested", "moved_with")
_SET = """
UPDATE cadence_enrolment AS mine SET state = plan.state, next_step_id = plan.step, due_at = plan.due,
  promised_at = plan.due, due_local = plan.local, due_reason = plan.reason, moved_days = plan.moved,
  rested_until = plan.rested, moved_with_id = plan.moved_with
"""
_CHANGES = """
(mine.state, mine.next_step_id, mine.due_at, mine.promised_at, mine.due_local,
  mine.due_reason, mine.moved_days, mine.rested_until) IS DISTINCT FROM
  (plan.state, plan.step, plan.due, plan.due, plan.local, plan.reason, plan.moved, plan.rested)
"""

# A row is found by its place: what somebody has changed between our look and our lock has another one, and is left
# out, because what its word was made of may be older than the row.
_TELL = f"""
WITH upcoming AS MATERIALIZED (
  SELECT id, ctid AS place FROM cadence_enrolment
  WHERE sequence_id = %(sequence)s AND state = 'active' AND id > %(after)s ORDER BY id LIMIT %(many)s
), ours AS MATERIALIZED (
  SELECT mine.id, mine.ctid AS place, <word> AS word
  FROM upcoming
  JOIN cadence_enrolment AS mine ON mine.ctid = upcoming.place
  JOIN audience_subscriber AS reader ON reader.id = mine.subscriber_id
  WHERE mine.state = 'active' AND reader.paused_at IS NULL
  AND reader.letters_a_week IS NULL
  AND (mine.due_at IS NOT NULL OR mine.next_step_id IS NULL)
  AND NOT EXISTS (
    SELECT 1 FROM cadence_enrolment AS other
    WHERE other.subscriber_id = mine.subscriber_id AND other.id <> mine.id AND other.state = 'active' OFFSET 0
  )
  FOR NO KEY UPDATE OF mine SKIP LOCKED
), known AS MATERIALIZED (
  SELECT * FROM unnest(%(word)s::text[], %(state)s::text[], %(step)s::bigint[], %(due)s::timestamptz[],
    %(local)s::text[], %(reason)s::text[], %(moved)s::int[], %(rested)s::timestamptz[], %(moved_with)s::bigint[])
    AS known ({", ".join(PLAN)})
), given AS (
  {_SET} FROM (SELECT * FROM ours JOIN known USING (word) OFFSET 0) AS plan
  WHERE mine.ctid = plan.place AND {_CHANGES}
)
SELECT NULL, (SELECT count(*) FROM upcoming),
  CASE WHEN (SELECT count(*) FROM upcoming) > (SELECT count(*) FROM ours)
    THEN ARRAY(SELECT id FROM upcoming EXCEPT SELECT id FROM ours)::text END,
  (SELECT max(id) FROM upcoming)
UNION ALL
SELECT word, count(*), (array_agg(ours.id) FILTER (WHERE known.word IS NULL))::text, NULL
FROM ours LEFT JOIN known USING (word) GROUP BY word
"""  # noqa: S608

_GIVE = f"""
{_SET} FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::int[],
  %s::timestamptz[], %s::bigint[]) AS plan (keys, {", ".join(PLAN[1:])}),
  unnest(plan.keys::bigint[]) AS given (id)
WHERE mine.id = given.id AND {_CHANGES}
"""

_UNDER_WAY = """
SELECT mine.id FROM cadence_enrolment AS mine JOIN editorial_step AS step ON step.id = mine.next_step_id
WHERE mine.id = ANY(%(ids)s::bigint[]) AND mine.due_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM cadence_paststep AS past WHERE past.enrolment_id = mine.id AND past.step_key = step.key
)
"""
