"""What became of letters, counted in the transaction that settles them.

Counted from the delivery log the figures would shrink whenever old letters are tidied away or a reader is erased, and
each question would read the whole log: 0.7 to 1.5 s for a million letters. A settled batch adds a few lines here, and
nobody waits for anybody: lines are only ever added, and summed up later (:func:`sum_up`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
    """One letter's move. Moments are on the calendar, UTC; ``handed_at`` is empty when nothing was handed over.

    ``transport`` is the one that answered, empty where none did or it is not known any more.
    """

    state: DispatchState
    reason: str
    due_at: datetime
    handed_at: datetime | None
    asked: bool = True
    transport: str = ""


@dataclass(frozen=True)
class Totals:
    """Everything there ever was. ``lateness`` is that of accepted letters, ``seconds`` their lateness added up.

    ``answers`` has what transports answered, by their names.
    """

    ends: Mapping[End, int]
    skipped: Mapping[str, int]
    lateness: Counts
    seconds: float
    answers: Mapping[tuple[str, End], int] = field(default_factory=dict)


def enter(entries: Iterable[Entry], now: datetime) -> None:
    """Count these moves, which have just taken effect. Call it in their transaction; ``now`` is the calendar's."""
    numbers: dict[_Key, int] = defaultdict(int)
    seconds: dict[_Key, float] = defaultdict(float)
    for entry in entries:
        if (end := _end_of(entry)) is None:
            continue
        reason = _skip_reason(entry.reason) if end is End.SKIPPED else ""
        late = _lateness(entry) if end is End.ACCEPTED else 0.0
        key = _Key(end, reason, entry.transport, bound_of(late))
        numbers[key] += 1
        seconds[key] += late
    LedgerLine.objects.bulk_create(
        [LedgerLine(at=now, number=number, seconds=seconds[key], **key._asdict()) for key, number in numbers.items()]
    )


class _Key(NamedTuple):
    """What the letters of a line have in common."""

    end: str
    reason: str
    transport: str
    late: float | None


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
    lateness: dict[float | None, int] = defaultdict(int)
    answers: dict[tuple[str, End], int] = defaultdict(int)
    seconds = 0.0
    rows = LedgerLine.objects.order_by().values_list(*_Key._fields).annotate(Sum("number"), Sum("seconds"))
    for end, reason, transport, late, number, lateness_of_these in rows:
        ends[End(end)] += number
        if transport:
            answers[transport, End(end)] += number
        if end == End.SKIPPED:
            skipped[reason] = skipped.get(reason, 0) + number
        if end == End.ACCEPTED:
            lateness[late] += number
            seconds += lateness_of_these
    return Totals(ends, skipped, lateness, seconds, answers)


class Accepted(NamedTuple):
    """So many letters that were accepted in one breath. ``late`` is their bucket's bound."""

    at: datetime
    late: float | None
    number: int
    transport: str


def accepted_since(moment: datetime) -> list[Accepted]:
    """The letters that were accepted after a calendar moment, in order."""
    rows = LedgerLine.objects.filter(end=End.ACCEPTED, at__gt=moment).order_by("at")
    return [Accepted._make(row) for row in rows.values_list(*Accepted._fields)]


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
        summed: dict[tuple[datetime, _Key], LedgerLine] = {}
        for line in lines:
            at, key = _beginning(line.at, into), _Key(line.end, line.reason, line.transport, line.late)
            if (at, key) not in summed:
                summed[at, key] = LedgerLine(at=at, span=int(into.total_seconds()), number=0, **key._asdict())
            summed[at, key].number += line.number
            summed[at, key].seconds += line.seconds
        LedgerLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
        LedgerLine.objects.bulk_create(list(summed.values()))
    return len(lines) == AT_A_TIME


def _beginning(moment: datetime, span: timedelta) -> datetime:
    """Of the span a moment lies in, UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // span * span
