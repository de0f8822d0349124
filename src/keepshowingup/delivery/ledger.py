"""What became of letters, counted in the transaction that settles them.

Counted from the delivery log the figures would shrink whenever old letters are tidied away or a reader is erased, and
each question would read the whole log: 0.7 to 1.5 s for a million letters. A settled batch adds a few lines here, and
nobody waits for anybody: lines are only ever added, and summed up later (:func:`sum_up`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum

from keepshowingup.core.lateness import Counts, bound_of
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery.models import LedgerLine


class End(StrEnum):
    """What is counted. A letter may be put back and retried many times; each of the others happens to it once."""

    ACCEPTED = "accepted"  # the server said 250, or it was found out later that it had
    RETRIED = "retried"  # the server asked us to bring it back later
    PUT_BACK = "put_back"  # the server was not asked: it rests, or the worker was stopped
    REFUSED = "refused"  # the server said no, for good, or we gave up
    RETURNED = "returned"  # refused after it had been taken
    SKIPPED = "skipped"  # we decided not to
    UNKNOWN = "unknown"  # the server may have it


class Entry(NamedTuple):
    """One letter's move. Moments are on the calendar, UTC; ``handed_at`` is empty when nothing was handed over."""

    state: DispatchState
    reason: str
    due_at: datetime
    handed_at: datetime | None
    asked: bool = True


@dataclass(frozen=True)
class Totals:
    """Everything there ever was. ``lateness`` is that of accepted letters, ``seconds`` their lateness added up."""

    ends: Mapping[End, int]
    skipped: Mapping[str, int]
    lateness: Counts
    seconds: float


def enter(entries: Iterable[Entry], now: datetime) -> None:
    """Count these moves, which have just taken effect. Call it in their transaction; ``now`` is the calendar's."""
    numbers: dict[tuple[End, str, float | None], int] = defaultdict(int)
    seconds: dict[tuple[End, str, float | None], float] = defaultdict(float)
    for entry in entries:
        if (end := _end_of(entry)) is None:
            continue
        reason = _skip_reason(entry.reason) if end is End.SKIPPED else ""
        late = _lateness(entry) if end is End.ACCEPTED else 0.0
        key = (end, reason, bound_of(late))
        numbers[key] += 1
        seconds[key] += late
    LedgerLine.objects.bulk_create(
        [
            LedgerLine(at=now, end=end, reason=reason, late=late, number=number, seconds=seconds[end, reason, late])
            for (end, reason, late), number in numbers.items()
        ]
    )


def _end_of(entry: Entry) -> End | None:
    match entry.state:
        case DispatchState.RETRY_AT:
            return End.RETRIED if entry.asked else End.PUT_BACK
        case DispatchState.REFUSED:
            return End.RETURNED if entry.handed_at else End.REFUSED
        case DispatchState.ACCEPTED | DispatchState.SKIPPED | DispatchState.UNKNOWN:
            return End(entry.state)
        case _:
            return None


def _lateness(entry: Entry) -> float:
    return max(0.0, (entry.handed_at - entry.due_at).total_seconds()) if entry.handed_at else 0.0


def _skip_reason(reason: str) -> str:
    """The first word, if it is one of ours: what follows may be a sentence."""
    word = reason.partition(":")[0]
    return word if word in _SKIP_REASONS else ""


_SKIP_REASONS = frozenset(reason.value for reason in SkipReason)


def totals() -> Totals:
    """All that was ever counted, in one question."""
    ends: dict[End, int] = dict.fromkeys(End, 0)
    skipped: dict[str, int] = dict.fromkeys(_SKIP_REASONS, 0)
    lateness: dict[float | None, int] = {}
    seconds = 0.0
    rows = LedgerLine.objects.order_by().values_list("end", "reason", "late").annotate(Sum("number"), Sum("seconds"))
    for end, reason, late, number, lateness_of_these in rows:
        ends[End(end)] += number
        if end == End.SKIPPED:
            skipped[reason] = skipped.get(reason, 0) + number
        if end == End.ACCEPTED:
            lateness[late] = number
            seconds += lateness_of_these
    return Totals(ends, skipped, lateness, seconds)


def accepted_since(moment: datetime) -> list[tuple[datetime, float | None, int]]:
    """When, how late (the bucket's bound) and how many letters were accepted after a calendar moment, in order."""
    rows = LedgerLine.objects.filter(end=End.ACCEPTED, at__gt=moment).order_by("at")
    return list(rows.values_list("at", "late", "number"))


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# What somebody may still want to see by the second, and by the minute.
RECENT, LATELY = timedelta(minutes=10), timedelta(days=2)
AT_A_TIME = 5000


def sum_up(now: datetime) -> None:
    """Put lines together: into one a minute after ten minutes, into one a day after two days. No count changes."""
    while _sum_up(0, now - RECENT, MINUTE):
        pass
    while _sum_up(int(MINUTE.total_seconds()), now - LATELY, DAY):
        pass


def _sum_up(span: int, before: datetime, into: timedelta) -> bool:
    """Sum up some lines of this span; whether there may be more. Two at once take different lines."""
    with transaction.atomic():
        lines = list(
            LedgerLine.objects.filter(span=span, at__lt=before)
            .select_for_update(skip_locked=True)
            .order_by("at")[:AT_A_TIME]
        )
        summed: dict[tuple[datetime, str, str, float | None], LedgerLine] = {}
        for line in lines:
            at = _beginning(line.at, into)
            key = (at, line.end, line.reason, line.late)
            if key not in summed:
                span_of_it = int(into.total_seconds())
                summed[key] = LedgerLine(
                    at=at, span=span_of_it, end=line.end, reason=line.reason, late=line.late, number=0
                )
            summed[key].number += line.number
            summed[key].seconds += line.seconds
        LedgerLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
        LedgerLine.objects.bulk_create(list(summed.values()))
    return len(lines) == AT_A_TIME


def _beginning(moment: datetime, span: timedelta) -> datetime:
    """Of the span a moment lies in, UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // span * span
