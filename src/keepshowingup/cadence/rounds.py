"""Coming into a sequence once more, into the next one at its end, and out of it before its end.

Nobody starts again by surprise: whether a sequence may come again is its own to say (``Sequence.again_after_days``),
and a reader who stopped one goes on where they were. Rows are made and ended here; who calls plans them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.care import Exit, Reached, read_exits
from keepshowingup.core.states import OVER, STAYING, EnrolmentState
from keepshowingup.core.timing import load_zone, local_date, to_utc
from keepshowingup.editorial.models import Sequence

log = logging.getLogger(__name__)


def last_round(subscriber_id: int, sequence_id: int) -> Enrolment | None:
    """The reader's newest round in a sequence; None when they have never been in it."""
    mine = Enrolment.objects.filter(subscriber_id=subscriber_id, sequence_id=sequence_id)
    return mine.order_by("-round").first()


def may_begin_again(last: Enrolment, again_after_days: int | None, zone: str, today: date) -> bool:
    """Whether a reader whose last round is over may begin another ``today``, on their calendar."""
    if last.state not in OVER or again_after_days is None:
        return False
    over = last.ended_at or last.last_handed_at or last.enrolled_at  # rounds from before ends were written down
    return today >= local_date(over, load_zone(zone)) + timedelta(days=again_after_days)


def may_follow(last: Enrolment | None, since: datetime, again_after_days: int | None, zone: str, today: date) -> bool:
    """Whether a sequence begins ``today`` for a reader who has come to the end of the one before, joined at ``since``.

    Not for who is in it, has stopped it, or is through it and may not begin again. Who has come into it after
    ``since`` has had what follows: a late word about an old letter does not start it again.
    """
    if last is None:
        return True
    return last.enrolled_at <= since and may_begin_again(last, again_after_days, zone, today)


def end_where(rule: Exit, subscriber_ids: Collection[int], now: datetime, *, only: int | None = None) -> int:
    """End every sequence of these readers that has this rule, or ``only`` one; returns for how many places.

    What waits for its moment is dropped. A letter that is claimed is stopped by the last look, one whose bytes are on
    their way to the server arrives.
    """
    ruled = [
        pk
        for pk, written in Sequence.objects.filter(ends_when__contains=str(rule)).values_list("pk", "ends_when")
        if rule in read_exits(written) and only in {None, pk}
    ]
    if not ruled:
        return 0
    staying = Enrolment.objects.filter(
        sequence_id__in=ruled, subscriber_id__among=subscriber_ids, state__in=STAYING
    ).order_by("pk")
    ids = list(staying.select_for_update().values_list("pk", flat=True))
    Enrolment.objects.filter(pk__among=ids).update(
        state=EnrolmentState.ENDED, due_at=None, due_local="", due_reason=rule.say(), ended_at=now
    )
    return len(ids)


def came_into(sequence_id: int, subscriber_ids: Collection[int], now: datetime) -> None:
    """End what ends because these readers have come into this sequence."""
    if Sequence.objects.filter(ends_when__contains=Reached.SEQUENCE).exists():
        slug = Sequence.objects.values_list("slug", flat=True).get(pk=sequence_id)
        end_where(Exit(Reached.SEQUENCE, slug), subscriber_ids, now)


class Finished(NamedTuple):
    """Somebody has the last letter of a sequence behind them, which they joined at ``since``; ``then_id`` follows."""

    subscriber_id: int
    then_id: int
    since: datetime


def hand_on(finished: Iterable[Finished], now: datetime) -> list[int]:
    """Put readers into the sequence that follows; its day 0 is tomorrow by their clock. Returns the new places."""
    readers: defaultdict[int, dict[int, datetime]] = defaultdict(dict)
    for each in finished:
        readers[each.then_id][each.subscriber_id] = each.since
    return [pk for then_id, since in readers.items() for pk in _begin_tomorrow(then_id, since, now)]


def tomorrow(today: date, zone: ZoneInfo) -> tuple[date, datetime]:
    """The day after, and the moment (UTC) at which it begins where the reader lives."""
    day = today + timedelta(days=1)
    return day, to_utc(datetime.combine(day, time()), zone)


def _begin_tomorrow(sequence_id: int, since: dict[int, datetime], now: datetime) -> list[int]:
    sequence = Sequence.objects.get(pk=sequence_id)
    theirs = Enrolment.objects.filter(sequence_id=sequence_id, subscriber_id__among=since)
    last = {row.subscriber_id: row for row in theirs.order_by("round")}
    rows = []
    here = Subscriber.objects.filter(pk__among=since, state=Subscriber.State.ACTIVE).order_by("pk")
    for pk, zone in here.values_list("pk", "zone"):
        today = local_date(now, load_zone(zone))
        before = last.get(pk)
        if may_follow(before, since[pk], sequence.again_after_days, zone, today):
            started_on, enrolled_at = tomorrow(today, load_zone(zone))
            rows.append(
                Enrolment(
                    subscriber_id=pk,
                    sequence_id=sequence_id,
                    round=before.round + 1 if before else 1,
                    enrolled_at=enrolled_at,
                    started_on=started_on,
                )
            )
    # Somebody may have joined it themselves in this very moment.
    Enrolment.objects.bulk_create(rows, ignore_conflicts=True)
    new = Enrolment.objects.filter(
        sequence_id=sequence_id,
        subscriber_id__among=[row.subscriber_id for row in rows],
        state=EnrolmentState.ACTIVE,
        enrolled_at__gt=now,
    )
    came_into(sequence_id, [row.subscriber_id for row in rows], now)
    log.info("sequence %d follows for %d readers", sequence_id, len(rows))
    return list(new.values_list("pk", flat=True))
