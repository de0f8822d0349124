"""Replanning a whole sequence: asked for by whoever changed it, done in chunks, gone on with after a crash.

Each chunk is followed by a note of how far it came, so that whoever follows begins where the last one stopped. To do a
chunk twice changes nothing: a plan made anew of the same is the same, and no rest counts twice. Asked for at a page, a
short one is done before the page answers; a long one is left to the worker after :data:`AT_ONCE` seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from keepshowingup.cadence.abreast import replan_abreast
from keepshowingup.cadence.anew import ALWAYS
from keepshowingup.cadence.models import Enrolment, Replan
from keepshowingup.cadence.replanning import anew, make_ready
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence

log = logging.getLogger(__name__)

# Seconds that somebody waits for, and that a tick may wait behind a worker's slice.
AT_ONCE = 2.0
SLICE = 2.0
# Whoever has not said for so long that they go on with it is gone.
LEASE = timedelta(seconds=30)


@dataclass(frozen=True)
class Progress:
    """How many readers are planned anew, of how many."""

    done: int
    total: int


Say = Callable[[Progress], object]


def never() -> bool:
    """Nobody asks us to stop."""
    return False


def after_change(sequence_id: int, now: datetime, *, within: float = AT_ONCE, say: Say | None = None) -> bool:
    """The letters or the hours of a sequence are others: plan its readers anew; whether that is done already."""
    make_ready(sequence_id, now)
    # What is still being planned by what was before need not be finished first.
    Replan.objects.filter(sequence=sequence_id, rested=None, finished_at=None).update(
        finished_at=settings.CLOCK.real(), lease_until=None
    )
    return _ask(sequence_id, now, None, within, say)


def after_rest(
    sequence_id: int, since: datetime | None, now: datetime, *, within: float = AT_ONCE, say: Say | None = None
) -> bool:
    """The rest of a sequence is over (None: it was never live): move its plans by it, then let it go live.

    Asking again while that is under way changes nothing.
    """
    if Replan.objects.filter(sequence=sequence_id, finished_at=None, rested__isnull=False).exists():
        return go_on(now, within=within, say=say)
    return _ask(sequence_id, now, since or ALWAYS, within, say)


def _ask(sequence_id: int, now: datetime, rested: datetime | None, within: float, say: Say | None) -> bool:
    active = Enrolment.objects.filter(sequence=sequence_id, state=EnrolmentState.ACTIVE)
    job = Replan.objects.create(sequence_id=sequence_id, asked_at=now, rested=rested, total=active.count())
    return _work(job.pk, now, time.monotonic() + within, say, never)


def are_waiting(real_now: datetime) -> bool:
    """Whether there is one that nobody works at."""
    return _free(real_now).exists()


def go_on(
    now: datetime, *, within: float = SLICE, say: Say | None = None, should_stop: Callable[[], bool] = never
) -> bool:
    """Work at what waits, in the order it was asked for, for so many seconds; whether all of it is done."""
    until = time.monotonic() + within
    while (job := _free(settings.CLOCK.real()).order_by("pk").first()) is not None:
        if not _work(job.pk, now, until, say, should_stop):
            return False
    return not Replan.objects.filter(finished_at=None).exists()


def progress_of(sequence_id: int) -> Progress | None:
    """How far the replanning of a sequence is; None when none is under way."""
    job = Replan.objects.filter(sequence=sequence_id, finished_at=None).order_by("pk").first()
    return _progress(job) if job else None


def _progress(job: Replan) -> Progress:
    return Progress(min(job.done, job.total), max(1, job.total))


def _free(real_now: datetime) -> QuerySet[Replan]:
    return Replan.objects.filter(Q(lease_until=None) | Q(lease_until__lt=real_now), finished_at=None)


def _work(pk: int, now: datetime, until: float, say: Say | None, should_stop: Callable[[], bool]) -> bool:
    """Take it in hand and do chunk after chunk until ``until`` (monotonic); whether it is done."""
    real = settings.CLOCK.real()
    if not _free(real).filter(pk=pk).update(lease_until=real + LEASE):
        return False
    job = Replan.objects.get(pk=pk)
    rest_over = job.asked_at if job.rested is not None else None
    wanted = anew(job.sequence_id, max(now, job.asked_at), rested=job.rested, until=rest_over)
    while True:
        done = replan_abreast(wanted, job.last)
        if done is None:
            _finish(job)
            return True
        # Whoever follows a crash that came just before this does the chunk once more, and finds it done.
        Replan.objects.filter(pk=pk, last=job.last).update(
            last=done.last, done=F("done") + done.readers, lease_until=settings.CLOCK.real() + LEASE
        )
        job.refresh_from_db()
        if job.finished_at is not None:
            return True  # a later change has taken its place
        if say is not None:
            say(_progress(job))
        if time.monotonic() > until or should_stop():
            Replan.objects.filter(pk=pk).update(lease_until=None)
            return False


@transaction.atomic
def _finish(job: Replan) -> None:
    """There is nothing more to do; after a rest the letters go live with it."""
    Replan.objects.filter(pk=job.pk).update(finished_at=settings.CLOCK.real(), lease_until=None)
    if job.rested is not None:
        sequence = Sequence.objects.get(pk=job.sequence_id)
        Sequence.objects.filter(pk=sequence.pk).update(
            state=Sequence.State.LIVE, paused_at=None, activated_at=sequence.activated_at or job.asked_at
        )
        log.info("sequence %d is live", sequence.pk)
    log.info("sequence %d: %d readers planned anew", job.sequence_id, job.done)


def forget_old(real_now: datetime) -> int:
    """Forget those that have been done for a week."""
    return Replan.objects.filter(finished_at__lt=real_now - timedelta(days=7)).delete()[0]
