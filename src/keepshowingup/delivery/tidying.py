"""Forgetting: what is kept for a while only, goes after that while."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from keepshowingup.audience.dates import forget_dates_of_those_gone
from keepshowingup.audience.joining import forget_unconfirmed
from keepshowingup.cadence import replans
from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery import breaker, carrying, ledger, limits
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.delivery.own_date import forget_old_dates
from keepshowingup.delivery.watching import forget_silent
from keepshowingup.editorial.unused_pictures import forget_unused_pictures

DELIVERY_LOG_LASTS = timedelta(days=90)
ENDED = (DispatchState.ACCEPTED, DispatchState.REFUSED, DispatchState.SKIPPED)


def tidy(clock: Clock) -> None:
    """Forget all that was only kept for a while: what readers and staff know of, and what machines noted."""
    forget_old(clock.now())
    real_now = clock.real()
    limits.forget_idle(real_now)
    breaker.forget_old(real_now)
    carrying.forget_old(real_now)
    replans.forget_old(real_now)
    forget_silent(real_now)


def forget_old(now: datetime) -> None:
    """Sign-ups nobody confirmed within 7 days, and the delivery log after 90. ``now`` is the calendar's, UTC.

    A letter in doubt stays until somebody has settled it, or let it be. That a reader has had a step is kept with
    their enrolment, so a forgotten dispatch is never sent again. What became of letters stays counted in the ledger,
    which is summed up. Private dates go with readers who left, and pictures when nothing has shown them for 30 days.
    """
    while forget_unconfirmed(now):
        pass
    old = Dispatch.objects.filter(claimed_at__lt=now - DELIVERY_LOG_LASTS)
    old.filter(state__in=ENDED).delete()
    let_be = Decision.objects.filter(dispatch=OuterRef("pk"), fence=OuterRef("fence"), what=Decision.What.LET_BE)
    old.filter(Exists(let_be), state=DispatchState.UNKNOWN).delete()
    ledger.sum_up(now)
    forget_dates_of_those_gone(now)
    forget_old_dates()
    forget_unused_pictures(now)
