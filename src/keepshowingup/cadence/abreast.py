"""Two chunks of a replanning abreast, each on a connection of its own: PostgreSQL has a process for each.

Which of them is done first does not matter, and to do one twice changes nothing: whoever follows a crash does both
again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.db import connection

from keepshowingup.cadence import crowd
from keepshowingup.cadence.crowd import Anew, Done, replan_chunk
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from keepshowingup.store.bulk import works_elsewhere


def replan_abreast(anew: Anew, after: int) -> Done | None:
    """Plan the next readers anew as :func:`replan_chunk` does, two chunks of them where that is any quicker.

    Within a transaction it is one: another connection would not see what is written there.
    """
    if not works_elsewhere() or not anew.is_shared or connection.in_atomic_block:
        return replan_chunk(anew, after)
    middle = _end_of_chunk(anew.sequence_id, after)
    if middle is None:
        return replan_chunk(anew, after)
    with ThreadPoolExecutor(1) as pool:
        beyond = pool.submit(_elsewhere, replace(anew), middle)
        near = replan_chunk(anew, after)
        far = beyond.result()
    if near is None or far is None:
        return near or far
    return Done(max(near.last, far.last), near.readers + far.readers, near.planned + far.planned)


def _end_of_chunk(sequence_id: int, after: int) -> int | None:
    """The last key of the next chunk; None when no other follows."""
    active = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.ACTIVE, pk__gt=after)
    around = list(active.order_by("pk").values_list("pk", flat=True)[crowd.MANY - 1 : crowd.MANY + 1])
    return around[0] if len(around) == 2 else None


def _elsewhere(anew: Anew, after: int) -> Done | None:
    try:
        return replan_chunk(anew, after)
    finally:
        connection.close()  # this thread's own
