"""Chunks of a replanning abreast, on two connections: PostgreSQL has a process for each.

Which of them is done first does not matter, and to do one twice changes nothing: whoever follows a crash does them
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.db import connection

from keepshowingup.cadence import crowd
from keepshowingup.cadence.anew import Anew
from keepshowingup.cadence.crowd import Done, replan_chunk
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from keepshowingup.store.bulk import works_elsewhere

# At once. Two connections take them in turn, so that neither waits long for the other; not more, because until all of
# them are done nobody notes how far it came.
CHUNKS = 4


def replan_abreast(anew: Anew, after: int) -> Done | None:
    """Plan the next readers anew as :func:`replan_chunk` does, several chunks of them where that is any quicker.

    Within a transaction it is one: another connection would not see what is written there.
    """
    if not works_elsewhere() or not anew.is_shared or connection.in_atomic_block:
        return replan_chunk(anew, after)
    starts = _starts(anew.sequence_id, after)
    if len(starts) == 1:
        return replan_chunk(anew, after)
    waiting = iter(starts)  # a list's: of two threads that take from it, each gets what the other has not
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_elsewhere, replace(anew), waiting)
        done = [*_one_by_one(anew, waiting), *beside.result()]
    if not done:
        return None
    return Done(max(one.last for one in done), sum(one.readers for one in done), sum(one.planned for one in done))


def _starts(sequence_id: int, after: int) -> list[int]:
    """The keys after which the next chunks begin."""
    starts = [after]
    active = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.ACTIVE).order_by("pk")
    while len(starts) < CHUNKS:
        keys = active.filter(pk__gt=starts[-1]).values_list("pk", flat=True)
        around = list(keys[crowd.MANY - 1 : crowd.MANY + 1])
        if len(around) < 2:
            break
        starts.append(around[0])
    return starts


def _one_by_one(anew: Anew, starts: Iterator[int]) -> list[Done]:
    """Those that nobody has begun yet."""
    return [done for after in starts if (done := replan_chunk(anew, after)) is not None]


def _elsewhere(anew: Anew, starts: Iterator[int]) -> list[Done]:
    try:
        return _one_by_one(anew, starts)
    finally:
        connection.close()  # this thread's own
