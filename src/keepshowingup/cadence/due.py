"""What is due: one question to the database."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence


def due_enrolments(now: datetime) -> QuerySet[Enrolment]:
    """The enrolments whose letter may be claimed at ``now`` (UTC): no more than one for each reader.

    Active, due, the reader here and not taking a break, the sequence live. A reader's second letter waits until
    their first is settled, because only then is it known which local day it took; it is planned again at that moment.
    """
    waiting = Enrolment.objects.filter(
        state=EnrolmentState.ACTIVE, due_at__lte=now, sequence__state=Sequence.State.LIVE
    )
    siblings = Enrolment.objects.filter(subscriber=OuterRef("subscriber")).exclude(pk=OuterRef("pk"))
    under_way = siblings.filter(state=EnrolmentState.ACTIVE, due_at__isnull=True, next_step__isnull=False)
    before_it = siblings.filter(
        Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), pk__lt=OuterRef("pk")),
        state=EnrolmentState.ACTIVE,
        sequence__state=Sequence.State.LIVE,
    )
    return waiting.filter(
        ~Exists(under_way),
        ~Exists(before_it),
        subscriber__state=Subscriber.State.ACTIVE,
        subscriber__paused_at__isnull=True,
    )
