"""How many readers a change to a sequence reaches: counted in the database, decided once for all who share a place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Sequence as Row
from datetime import datetime

from django.db.models import BigIntegerField, Case, Count, OuterRef, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import house_pace
from keepshowingup.core.editions import Change, Way
from keepshowingup.core.heads import Heads, Standing, count_heads
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import Timing
from keepshowingup.editorial.models import Sequence

# A whole number of the database has room for so many letters; of a longer sequence the nearest ones are looked at.
MOST_LETTERS = 62


NOT_COUNTED = "How many readers that is, is not counted: it would say something about their dates."
NEWLY_COUNTING = "Who is here keeps what they have, until they give another date."


def heads_of(
    sequence_id: int, after: Row[tuple[str, Timing]], changes: Collection[Change], way: Way, now: datetime
) -> Heads | None:
    """Whom these changes reach. ``after`` are the letters there will be, in order, each with its timing.

    None for milestones: how many are past a mark says something about their dates. :data:`NOT_COUNTED` says so.
    Days are counted by the UTC date of ``now``: a head-count need not know where midnight is for each reader.
    """
    if Sequence.objects.filter(pk=sequence_id, milestones=True).exists():
        return None
    keys = _near([key for key, _ in after], {change.key for change in changes})
    shown = [(key, timing) for key, timing in after if key in set(keys)]
    standings = _standings(sequence_id, keys, now)
    return count_heads(standings, shown, changes, way, pace=house_pace(), today=now.date())


def _near(order: list[str], changed: Collection[str]) -> list[str]:
    """The letters to look at: those that change, and of the others the ones that come last."""
    gone = [key for key in changed if key not in order]
    others = [key for key in order if key not in changed]
    room = max(0, MOST_LETTERS - len(changed))
    kept = set(changed) | set(others[len(others) - room :] if room else [])
    return [*gone, *(key for key in order if key in kept)][:MOST_LETTERS]


def _standings(sequence_id: int, keys: list[str], now: datetime) -> Iterator[Standing]:
    bits = {key: 1 << place for place, key in enumerate(keys)}
    number = BigIntegerField()
    mask = Case(
        *(When(step_key=key, then=Value(bit, output_field=number)) for key, bit in bits.items()),
        default=Value(0),
        output_field=number,
    )
    behind = PastStep.objects.filter(enrolment=OuterRef("pk"), step_key__in=keys)
    had_by_each = behind.order_by().values("enrolment").annotate(mask=Sum(mask, output_field=number)).values("mask")
    readers = Enrolment.objects.filter(
        sequence=sequence_id,
        state__in=[EnrolmentState.ACTIVE, EnrolmentState.FINISHED],
        subscriber__state=Subscriber.State.ACTIVE,
    )
    groups = (
        readers.annotate(behind=Coalesce(Subquery(had_by_each, output_field=number), Value(0), output_field=number))
        .order_by()
        .values_list("state", "started_on", "moved_days", "behind")
        .annotate(Count("pk"))
    )
    for state, started_on, moved_days, had, number_of_them in groups:
        yield Standing(
            number=number_of_them,
            behind=frozenset(key for key, bit in bits.items() if had & bit),
            day=(now.date() - started_on).days - moved_days,
            finished=state == EnrolmentState.FINISHED,
        )
