"""Writing down what became of letters. Each move is conditional on state and fence, so a late word changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from keepshowingup.audience.leaving import suppress
from keepshowingup.audience.models import Suppression
from keepshowingup.cadence import advancing
from keepshowingup.core.states import SETTLED, DispatchState, sources_of
from keepshowingup.delivery.models import Dispatch


@dataclass(frozen=True)
class Settlement:
    """One letter's new state.

    ``handed_at`` (calendar, UTC) is when the server took it or may have taken it; it counts for spacing.
    ``retry_at`` is real time. ``suppress`` stops all further mail to the address.
    """

    dispatch: int
    fence: int
    state: DispatchState
    reason: str = ""
    handed_at: datetime | None = None
    retry_at: datetime | None = None
    suppress: bool = False
    asked: bool = False  # the server was asked, so it counts as an attempt


def settle(settlements: Iterable[Settlement], now: datetime) -> int:
    """Write down a batch in one transaction and move the readers' plans on; returns how many took effect."""
    with transaction.atomic():
        written = [(s, d) for s in settlements if (d := _write(s)) is not None]
        for settlement, dispatch in written:
            if settlement.suppress:
                suppress(dispatch.subscriber.email_key, Suppression.Reason.HARD_BOUNCE, now)
        advancing.advance_many(
            [
                advancing.Settled(dispatch.enrolment_id, dispatch.step_key, settlement.handed_at)
                for settlement, dispatch in written
                if settlement.state in SETTLED and dispatch.enrolment_id is not None
            ],
            now,
        )
    return len(written)


def _write(settlement: Settlement) -> Dispatch | None:
    """The row, if this settlement moved it; None if the fence is old or the state does not allow the move."""
    mine = Dispatch.objects.filter(
        pk=settlement.dispatch, fence=settlement.fence, state__in=sources_of(settlement.state)
    )
    dispatch = mine.select_related("subscriber").first()
    if dispatch is None:
        return None
    changed = mine.update(
        state=settlement.state,
        reason=settlement.reason[:200],
        retry_at=settlement.retry_at,
        handed_over_at=settlement.handed_at,
        lease_until=None,
        attempts=dispatch.attempts + settlement.asked,
    )
    return dispatch if changed else None


def withdraw(dispatch_id: int, fence: int, now: datetime) -> bool:
    """Take back a claim that may not be acted on now: the letter is owed again, as if it had never been claimed.

    Only what was certainly not handed over is withdrawn. The reader's plan is made anew from ``now``, so a letter
    that ran into quiet hours gets its next allowed moment.
    """
    with transaction.atomic():
        mine = Dispatch.objects.filter(
            pk=dispatch_id, fence=fence, state__in=[DispatchState.CLAIMED, DispatchState.HANDING_OVER]
        )
        dispatch = mine.select_related("enrolment").first()
        if dispatch is None or dispatch.enrolment is None or not mine.delete()[0]:
            return False
        advancing.plan_next(dispatch.enrolment, now)
        return True
