"""What is due: one question to the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence


class _AskedForEach(Exists):
    """An EXISTS that is asked row by row, for the few rows a claim looks at.

    PostgreSQL would join the whole table for it, as it would have to for all of them; an OFFSET keeps it from that.
    """

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXISTS(%(subquery)s OFFSET 0)")


def due_enrolments(now: datetime) -> QuerySet[Enrolment]:
    """The enrolments whose letter may be claimed at ``now`` (UTC): no more than one for each reader.

    Active, due, the reader here and not taking a break, the sequence live. A reader's second letter waits until
    their first is settled, because only then is it known which local day it took; it is planned again at that moment.
    """
    waiting = Enrolment.objects.filter(
        state=EnrolmentState.ACTIVE, due_at__lte=now, sequence__state=Sequence.State.LIVE
    )
    siblings = Enrolment.objects.filter(subscriber=OuterRef("subscriber"), state=EnrolmentState.ACTIVE)
    under_way = Q(due_at__isnull=True, next_step__isnull=False)
    before_it = Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), pk__lt=OuterRef("pk"))
    in_the_way = siblings.exclude(pk=OuterRef("pk")).filter(
        under_way | (before_it & Q(sequence__state=Sequence.State.LIVE))
    )
    return waiting.filter(
        ~_AskedForEach(in_the_way),
        subscriber__state=Subscriber.State.ACTIVE,
        subscriber__paused_at__isnull=True,
    )
