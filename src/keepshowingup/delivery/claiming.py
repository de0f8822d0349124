"""Making due letters ours: one short transaction that no two claimers can both win.

A claim takes ``due_at`` off the enrolment and inserts the dispatch in the same transaction. PostgreSQL claimers step
around each other's rows with SKIP LOCKED; on SQLite the transaction is IMMEDIATE, so there is one at a time. On both,
the UPDATE repeats the predicate and only the rows it changed count: a lost race is an empty answer, never a second
letter. UNIQUE(enrolment, step_key) stands behind all of it.
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


def claim_due(now: datetime, lease_until: datetime, *, limit: int) -> Claimed:
    """Claim up to ``limit`` letters and ``limit`` notices due at ``now`` (calendar), until ``lease_until`` (real)."""
    domain = masthead().from_address.rpartition("@")[2] or "localhost"
    return Claimed(
        letters=_claim_letters(now, lease_until, domain, limit),
        notices=_claim_notices(now, lease_until, domain, limit),
    )


def _claim_letters(now: datetime, lease_until: datetime, domain: str, limit: int) -> tuple[Offer, ...]:
    with transaction.atomic():
        waiting = list(
            due_enrolments(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("next_step")
            .order_by("due_at")[:limit]
        )
        ours = _take(waiting, now)
        dispatches = []
        for enrolment in waiting:
            step = enrolment.next_step
            if enrolment.pk not in ours:
                continue  # somebody else was first
            if step is None or step.deleted_at is not None or step.current_id is None:
                advancing.plan_next(enrolment, now)  # the sequence was edited under this plan
                continue
            assert enrolment.due_at is not None
            dispatches.append(
                Dispatch(
                    subscriber_id=enrolment.subscriber_id,
                    enrolment=enrolment,
                    step_key=step.key,
                    revision_id=step.current_id,
                    due_at=enrolment.due_at,
                    due_local=enrolment.due_local,
                    due_reason=enrolment.due_reason,
                    state=DispatchState.CLAIMED,
                    lease_until=lease_until,
                    claimed_at=now,
                    message_id=new_message_id(domain),
                )
            )
        offers, passed = _insert(dispatches)
        for dispatch in passed:  # this reader had that letter already: go on to the next one
            assert dispatch.enrolment_id is not None
            advancing.advance(dispatch.enrolment_id, after_key=dispatch.step_key, handed_at=None, now=now)
        return offers


def _take(waiting: list[Enrolment], now: datetime) -> set[int]:
    """Clear ``due_at`` of those still due; the ids of the rows this UPDATE changed."""
    ids = [enrolment.pk for enrolment in waiting]
    still_due = Enrolment.objects.filter(pk__in=ids, state=EnrolmentState.ACTIVE, due_at__lte=now)
    # The rows are locked (or the whole database is ours), so what is read here is what the UPDATE changes.
    ours = set(still_due.values_list("pk", flat=True))
    changed = Enrolment.objects.filter(pk__in=ours, state=EnrolmentState.ACTIVE, due_at__lte=now).update(due_at=None)
    assert changed == len(ours), "the claim's lock did not hold"
    return ours


def _insert(dispatches: list[Dispatch]) -> tuple[tuple[Offer, ...], list[Dispatch]]:
    """Insert, leaving out those whose (enrolment, step_key) exists; the offers made, and the ones left out."""
    if not dispatches:
        return (), []
    Dispatch.objects.bulk_create(dispatches, ignore_conflicts=True)
    made = dict(
        Dispatch.objects.filter(message_id__in=[d.message_id for d in dispatches]).values_list("message_id", "pk")
    )
    offers = tuple((made[d.message_id], d.fence) for d in dispatches if d.message_id in made)
    return offers, [d for d in dispatches if d.message_id not in made]


def _claim_notices(now: datetime, lease_until: datetime, domain: str, limit: int) -> tuple[Offer, ...]:
    with transaction.atomic():
        waiting = list(
            Notice.objects.filter(due_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")[:limit]
        )
        Notice.objects.filter(pk__in=[n.pk for n in waiting], due_at__lte=now).update(due_at=None)
        offers, _ = _insert(
            [
                Dispatch(
                    subscriber_id=notice.subscriber_id,
                    notice=notice,
                    due_at=notice.due_at,
                    due_reason="asked for by the reader",
                    state=DispatchState.CLAIMED,
                    lease_until=lease_until,
                    claimed_at=now,
                    message_id=new_message_id(domain),
                )
                for notice in waiting
                if notice.due_at is not None
            ]
        )
        return offers


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
