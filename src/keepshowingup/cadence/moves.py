"""Why plans have moved: a row for a reader planned alone, and one row for all those of a crowd who moved alike.

A crowd's rows hang on each other: an enrolment names the last one, which names the one before it. So a million readers
who rested together cost a few rows, and each still has a history of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keepshowingup.cadence.models import CrowdMove, Enrolment
from keepshowingup.cadence.reader import Move
from keepshowingup.core.states import WhyMoved
from keepshowingup.store.bulk import reserve_ids
from keepshowingup.store.rows import insert_rows


def keep_moves_together(groups: Sequence[tuple[int | None, Sequence[Move]]]) -> list[int | None]:
    """Write down the moves of groups of readers, each with what had moved it before; what moved each last now."""
    keys = iter(reserve_ids(CrowdMove, count) if (count := sum(len(moves) for _, moves in groups)) else ())
    known: dict[tuple[int | None, Move], int] = {}
    latest: list[int | None] = []
    for before, moves in groups:
        last = before
        for move in moves:
            if (last, move) not in known:
                known[last, move] = next(keys)
            last = known[last, move]
        latest.append(last)
    rows = [(pk, before, move.why.value, move.days, move.since, move.until) for (before, move), pk in known.items()]
    insert_rows(CrowdMove, ("id", "before_id", "why", "days", "since", "until"), rows)
    return latest


def moves_of(enrolment: Enrolment) -> list[Move]:
    """All that has moved this reader's plan, in the order it happened."""
    alone = [
        Move(WhyMoved(move.why), move.days, move.since, move.until) for move in enrolment.moves.order_by("until", "pk")
    ]
    together = reversed(list(_back_from(enrolment.moved_with)))
    return sorted([*alone, *together], key=lambda move: move.until)


def _back_from(move: CrowdMove | None) -> Iterator[Move]:
    while move is not None:
        yield Move(WhyMoved(move.why), move.days, move.since, move.until)
        move = move.before
