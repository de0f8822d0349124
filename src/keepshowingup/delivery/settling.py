"""Writing down what became of letters. Each move is conditional on state and fence, so a late word changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from keepshowingup.audience.leaving import suppress
from keepshowingup.audience.models import Suppression
from keepshowingup.cadence import advancing
from keepshowingup.core.states import SETTLED, DispatchState, may_move
from keepshowingup.delivery import ledger
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
    settlements = list(settlements)
    if not settlements:
        return 0
    with transaction.atomic():
        standing = {
            row.pk: row
            for row in Dispatch.objects.filter(pk__in=[s.dispatch for s in settlements])
            .select_for_update()
            .only("pk", "fence", "state", "attempts", "enrolment_id", "step_key", "subscriber_id", "due_at")
        }
        written = [(s, standing[s.dispatch]) for s in settlements if _takes_effect(s, standing.get(s.dispatch))]
        _write(written)
        ledger.enter([ledger.Entry(s.state, s.reason, row.due_at, s.handed_at, s.asked) for s, row in written], now)
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


def _takes_effect(settlement: Settlement, row: Dispatch | None) -> bool:
    """Whether the offer still holds and the state allows the move. The rows are locked until it is written."""
    return row is not None and row.fence == settlement.fence and may_move(DispatchState(row.state), settlement.state)


def _write(written: Sequence[tuple[Settlement, Dispatch]]) -> None:
    """One ``executemany``: an UPDATE for each through the ORM costs ten times as much."""
    as_kept = connection.ops.adapt_datetimefield_value
    rows = [
        (
            settlement.state.value,
            settlement.reason[:200],
            as_kept(settlement.retry_at),
            as_kept(settlement.handed_at),
            dispatch.attempts + settlement.asked,
            settlement.dispatch,
        )
        for settlement, dispatch in written
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE delivery_dispatch SET state = %s, reason = %s, retry_at = %s, handed_over_at = %s,"
                " attempts = %s, lease_until = NULL WHERE id = %s",
                rows,
            )


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
