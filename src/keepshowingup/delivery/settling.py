"""Writing down what became of letters. Each move is conditional on state and fence, so a late word changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from django.db import transaction

from keepshowingup.audience.leaving import suppress
from keepshowingup.audience.models import Suppression
from keepshowingup.cadence import advancing
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.core.states import SETTLED, DispatchState, sources_of
from keepshowingup.delivery import ledger
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.store.rows import update_rows


@dataclass(frozen=True)
class Settlement:
    """The new state of a letter in hand.

    ``handed_at`` (calendar, UTC) is when the server took it or may have taken it; it counts for spacing.
    ``retry_at`` is real time. ``suppress`` stops all further mail to the address.
    """

    held: Held
    state: DispatchState
    reason: str = ""
    handed_at: datetime | None = None
    retry_at: datetime | None = None
    suppress: bool = False
    asked: bool = False  # the server was asked, so it counts as an attempt
    promised: bool = False  # it waits for its turn, and then goes before newcomers
    transport: str = ""  # the one that was asked
    evidence: bool = False  # somebody said so afterwards: it is about any copy, not only the last


def settle(settlements: Iterable[Settlement], now: datetime) -> int:
    """Write down a batch in one transaction and move the readers' plans on; returns how many took effect."""
    settlements = [_of_a_copy(settlement) for settlement in settlements]
    if not settlements:
        return 0
    with transaction.atomic():
        written = _write(settlements)
        ledger.enter(
            (ledger.Entry(s.state, s.reason, s.held.due_at, s.handed_at, s.asked, s.transport) for s in written), now
        )
        for settlement in written:
            if settlement.suppress:
                suppress(settlement.held.email_key, Suppression.Reason.HARD_BOUNCE, now)
        advancing.advance_many(
            [
                advancing.Settled(held.enrolment_id, held.reader_id, held.step_key, settlement.handed_at)
                for settlement in written
                if settlement.state in SETTLED and (held := settlement.held).enrolment_id is not None
            ],
            now,
        )
    return len(written)


A_COPY = "it may have arrived, and was not sent again"


def _of_a_copy(settlement: Settlement) -> Settlement:
    """What became of a copy of a letter that may have arrived: that the copy did not leave does not say it has not."""
    if settlement.held.resent_at is None or settlement.evidence or settlement.suppress:
        return settlement
    if settlement.state not in {DispatchState.SKIPPED, DispatchState.REFUSED}:
        return settlement
    return replace(settlement, state=DispatchState.UNKNOWN, reason=f"{A_COPY}: {settlement.reason}")


_COLUMNS = ("reason", "retry_at", "handed_over_at", "attempts", "promised")


def _write(settlements: Sequence[Settlement]) -> list[Settlement]:
    """Those that took effect: the offer still held, and the state allowed the move. Their rows are locked from here."""
    written = []
    # One order for everybody: two who lock many rows never wait for each other.
    for state, same in groupby(sorted(settlements, key=_order), key=lambda each: each.state):
        batch = list(same)
        standing = ", ".join(f"'{each.value}'" for each in sorted(sources_of(state)))
        changed = update_rows(
            Dispatch,
            _COLUMNS,
            [
                (each.held.pk, each.held.fence, each.reason[:200], each.retry_at,
                 each.handed_at or each.held.handed_over_at, each.held.attempts + each.asked, each.promised)
                for each in batch
            ],
            same={"state": state.value, "lease_until": None},
            expecting=("fence",),
            where=f"mine.state IN ({standing})",
        )  # fmt: skip
        written += [each for each in batch if each.held.pk in changed]
    return written


def _order(settlement: Settlement) -> tuple[str, int]:
    return settlement.state, settlement.held.pk


def withdraw(dispatch_id: int, fence: int, now: datetime) -> bool:
    """Take back a claim that may not be acted on now: the letter is owed again, as if it had never been claimed.

    The reader's plan is made anew from ``now``, so a letter that ran into quiet hours gets its next allowed moment. If
    it was in doubt for a while the plan has gone on: it comes back to this letter.
    """
    with transaction.atomic():
        is_undone, enrolment = undo(dispatch_id, fence)
        if enrolment is not None:
            advancing.plan_next(enrolment, now)
        return is_undone


def undo(dispatch_id: int, fence: int) -> tuple[bool, Enrolment | None]:
    """Undo a claim within the caller's transaction; whether that was done, and whose plan now has to be made.

    Only what was certainly not handed over is undone, and of a sequence, for a notice has no plan to go back to. A copy
    of a letter in doubt is in doubt again, and nobody's plan changes.
    """
    mine = Dispatch.objects.filter(
        pk=dispatch_id, fence=fence, state__in=[DispatchState.CLAIMED, DispatchState.HANDING_OVER]
    )
    dispatch = mine.select_related("enrolment").first()
    if dispatch is not None and dispatch.resent_at is not None:
        return bool(mine.update(state=DispatchState.UNKNOWN, reason=A_COPY, lease_until=None)), None
    if dispatch is None or dispatch.enrolment is None or not mine.delete()[0]:
        return False, None
    PastStep.objects.filter(enrolment=dispatch.enrolment, step_key=dispatch.step_key).delete()
    return True, dispatch.enrolment
