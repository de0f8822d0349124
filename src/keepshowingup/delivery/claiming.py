"""Making due letters ours: one short transaction that no two claimers can both win.

A claim takes ``due_at`` off the enrolment and inserts the dispatch in the same transaction. PostgreSQL claimers step
around each other's rows with SKIP LOCKED; on SQLite the transaction is IMMEDIATE, so there is one at a time. On both
the UPDATE repeats the predicate and its rows are counted: a claim that lost a race is undone as a whole, never a second
letter. UNIQUE(enrolment, step_key) stands behind all of it.

A worker that claims for itself begins in the same transaction; what the sweep or a retry offers again goes through the
broker as (id, fence) and is begun by whoever gets it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from keepshowingup.audience.models import Notice
from keepshowingup.cadence import advancing
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState, EnrolmentState
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.masthead import masthead

Offer = tuple[int, int]
"""A dispatch's id and the fence it was offered with. An offer with an old fence is void."""


@dataclass(frozen=True)
class Claimed:
    """What one claim made ours: letters of sequences, and notices, which never wait behind them."""

    letters: tuple[Offer, ...] = ()
    notices: tuple[Offer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.letters or self.notices)

    def __add__(self, more: Claimed) -> Claimed:
        return Claimed(self.letters + more.letters, self.notices + more.notices)


def claim_due(now: datetime, lease_until: datetime, *, limit: int, owner: str = "") -> Claimed:
    """Claim up to ``limit`` letters and ``limit`` notices due at ``now`` (calendar), until ``lease_until`` (real)."""
    return Claimed(
        letters=claim_letters(now, lease_until, limit=limit, owner=owner),
        notices=claim_notices(now, lease_until, limit=limit, owner=owner),
    )


def claim_letters(now: datetime, lease_until: datetime, *, limit: int, owner: str = "") -> tuple[Offer, ...]:
    """Claim letters that are due. With ``owner``, a journal's name, they are begun in the same breath."""
    with transaction.atomic():
        waiting = list(
            due_enrolments(now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")
            .values_list(*_DUE, named=True)[:limit]
        )
        _take([row.pk for row in waiting], now)
        had = _had_before(row.pk for row in waiting)
        dispatches = []
        for row in waiting:
            if row.next_step__current_id is None or row.next_step__deleted_at is not None:
                advancing.plan_next(Enrolment.objects.get(pk=row.pk), now)  # the sequence was edited under this plan
            elif (row.pk, row.next_step__key) in had:
                advancing.advance(row.pk, after_key=row.next_step__key, handed_at=None, now=now)
            else:
                dispatches.append(
                    Dispatch(
                        subscriber_id=row.subscriber_id,
                        enrolment_id=row.pk,
                        step_key=row.next_step__key,
                        revision_id=row.next_step__current_id,
                        due_at=row.due_at,
                        due_local=row.due_local,
                        due_reason=row.due_reason,
                    )
                )
        return _insert(dispatches, now, lease_until, owner)


_DUE = (
    "pk",
    "subscriber_id",
    "due_at",
    "due_local",
    "due_reason",
    "next_step__key",
    "next_step__deleted_at",
    "next_step__current_id",
)


def _take(ids: list[int], now: datetime) -> None:
    """Clear ``due_at``. The rows are locked, or the whole database is ours: each of them must still have been due."""
    changed = Enrolment.objects.filter(pk__in=ids, state=EnrolmentState.ACTIVE, due_at__lte=now).update(due_at=None)
    if changed != len(ids):
        raise RuntimeError(f"{len(ids) - changed} of {len(ids)} letters were claimed by somebody else under our lock")


def _had_before(enrolments: Iterable[int]) -> set[tuple[int | None, str]]:
    """Which steps these enrolments have a dispatch for. Nobody else can add one while their rows are locked."""
    rows = Dispatch.objects.filter(enrolment_id__in=list(enrolments))
    return set(rows.values_list("enrolment_id", "step_key"))


def _insert(dispatches: list[Dispatch], now: datetime, lease_until: datetime, owner: str) -> tuple[Offer, ...]:
    domain = masthead().from_address.rpartition("@")[2] or "localhost"
    for dispatch in dispatches:
        dispatch.state = DispatchState.HANDING_OVER if owner else DispatchState.CLAIMED
        dispatch.owner = owner
        dispatch.lease_until = lease_until
        dispatch.claimed_at = now
        dispatch.message_id = new_message_id(domain)
    Dispatch.objects.bulk_create(dispatches)
    return tuple((dispatch.pk, dispatch.fence) for dispatch in dispatches)


def claim_notices(now: datetime, lease_until: datetime, *, limit: int, owner: str = "") -> tuple[Offer, ...]:
    """The same for one-off letters."""
    with transaction.atomic():
        waiting = list(
            Notice.objects.filter(due_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")[:limit]
        )
        Notice.objects.filter(pk__in=[n.pk for n in waiting]).update(due_at=None)
        dispatches = [
            Dispatch(
                subscriber_id=notice.subscriber_id,
                notice=notice,
                due_at=notice.due_at,
                due_reason="asked for by the reader",
            )
            for notice in waiting
            if notice.due_at is not None
        ]
        return _insert(dispatches, now, lease_until, owner)


def claim_retries(real_now: datetime, lease_until: datetime, *, limit: int) -> Claimed:
    """Claim again what a server asked us to bring back later, once its ``retry_at`` (real time) has come."""
    return offer_again(
        Dispatch.objects.filter(state=DispatchState.RETRY_AT, retry_at__lte=real_now)
        .order_by("retry_at")
        .values_list("pk", "fence")[:limit],
        lease_until,
    )


def offer_again(rows: Iterable[Offer], lease_until: datetime) -> Claimed:
    """Offer dispatches that are certainly not handed over once more, each with a new fence and lease.

    ``rows`` are (id, fence) as they were read; a row whose fence has grown since belongs to somebody else.
    """
    letters: list[Offer] = []
    notices: list[Offer] = []
    for pk, fence in list(rows):
        with transaction.atomic():
            changed = Dispatch.objects.filter(
                pk=pk,
                fence=fence,
                state__in=[DispatchState.CLAIMED, DispatchState.HANDING_OVER, DispatchState.RETRY_AT],
            ).update(state=DispatchState.CLAIMED, fence=fence + 1, lease_until=lease_until, retry_at=None, owner="")
            if changed:
                is_letter = Dispatch.objects.filter(pk=pk, enrolment__isnull=False).exists()
                (letters if is_letter else notices).append((pk, fence + 1))
    return Claimed(tuple(letters), tuple(notices))


def new_message_id(domain: str) -> str:
    """A Message-ID (RFC 5322 3.6.4) that says nothing but the sender's domain."""
    return f"<{secrets.token_hex(8)}@{domain}>"


def lease_end(real_now: datetime, seconds: float) -> datetime:
    """When a claim made at ``real_now`` runs out."""
    return real_now + timedelta(seconds=seconds)
