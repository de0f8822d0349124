"""Making due letters ours: one short transaction that no two claimers can both win.

A claim takes ``due_at`` off the enrolment and inserts the dispatch in the same transaction. PostgreSQL claimers step
around each other's rows with SKIP LOCKED; on SQLite the transaction is IMMEDIATE, so there is one at a time. On both
the UPDATE repeats the predicate and its rows are counted: a claim that lost a race is undone as a whole, never a second
letter. UNIQUE(enrolment, step_key) stands behind all of it.

A worker that claims for itself begins in the same transaction; what the sweep or a retry offers again goes through the
broker as (id, fence) and is begun by whoever gets it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from keepshowingup.audience.models import Notice
from keepshowingup.cadence import advancing
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState, EnrolmentState
from keepshowingup.delivery.held import Held, read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.naming import letter_name, notice_name
from keepshowingup.editorial.keeping import versions_for
from keepshowingup.editorial.masthead import masthead
from keepshowingup.store.rows import insert_rows

Offer = tuple[int, int]
"""A dispatch's id and the fence it was offered with. An offer with an old fence is void."""


@dataclass(frozen=True)
class Claimed:
    """What is offered again: letters of sequences, and notices, which never wait behind them."""

    letters: tuple[Offer, ...] = ()
    notices: tuple[Offer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.letters or self.notices)

    def __add__(self, more: Claimed) -> Claimed:
        return Claimed(self.letters + more.letters, self.notices + more.notices)


def claim_letters(now: datetime, lease_until: datetime, *, limit: int, owner: str = "") -> list[Held]:
    """Claim letters that are due. With ``owner``, a journal's name, they are begun in the same breath."""
    with transaction.atomic():
        waiting = [
            _Waiting._make(row)
            for row in due_enrolments(now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")
            .values_list(*_DUE)[:limit]
        ]
        waiting = _as_they_keep_it(waiting)
        ids = [row.pk for row in waiting]
        _take(ids, now)
        letters = [row for row in waiting if row.revision_id is not None and row.step_deleted_at is None]
        message_ids = _message_ids(letter_name(row.pk, row.enrolled_at, row.step_key) for row in letters)
        keys = _insert(
            (
                (row.subscriber_id, row.pk, row.step_key, row.revision_id, None, row.due_at, row.due_local,
                 row.due_reason, message_id)
                for row, message_id in zip(letters, message_ids, strict=True)
            ),
            now, lease_until, owner,
        )  # fmt: skip
        held = [_held(row, keys[each], each) for row, each in zip(letters, message_ids, strict=True) if each in keys]
        if len(held) < len(waiting):
            _go_past(waiting, {each.enrolment_id for each in held if each.enrolment_id}, now)
        return held


def claim_notices(now: datetime, lease_until: datetime, *, limit: int, owner: str = "") -> list[Held]:
    """The same for one-off letters."""
    with transaction.atomic():
        waiting = list(
            Notice.objects.filter(due_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")
            .values_list("pk", "subscriber_id", "due_at", "created_at")[:limit]
        )
        Notice.objects.filter(pk__among=[pk for pk, *_ in waiting]).update(due_at=None)
        message_ids = _message_ids(notice_name(pk, created_at) for pk, _, _, created_at in waiting)
        keys = _insert(
            (
                (subscriber_id, None, "", None, pk, due_at, "", "asked for by the reader", message_id)
                for (pk, subscriber_id, due_at, _), message_id in zip(waiting, message_ids, strict=True)
            ),
            now, lease_until, owner,
        )  # fmt: skip
        if len(keys) < len(waiting):
            raise RuntimeError(f"{len(waiting) - len(keys)} of {len(waiting)} notices had a dispatch already")
        return read_held(keys.values())


def _go_past(waiting: Iterable[_Waiting], claimed: Container[int], now: datetime) -> None:
    """Plan on for those who are due for a letter that they had before, or whose sequence was edited under the plan."""
    for row in waiting:
        if row.pk in claimed:
            continue
        if row.revision_id is None or row.step_deleted_at is not None:
            advancing.plan_next(Enrolment.objects.get(pk=row.pk), now)
        else:
            advancing.advance(row.pk, after_key=row.step_key, handed_at=None, now=now)


def _as_they_keep_it(waiting: list[_Waiting]) -> list[_Waiting]:
    """The letters of readers who keep what they began with, as they have them."""
    theirs = [
        (row.step_id, row.enrolled_at)
        for row in waiting
        if row.step_kept_until is not None and row.enrolled_at < row.step_kept_until
    ]
    if not theirs:
        return waiting
    versions = versions_for(theirs)
    return [
        row._replace(revision_id=version.revision_id, step_deleted_at=row.due_at if version.deleted else None)
        if (version := versions.get((row.step_id, row.enrolled_at)))
        else row
        for row in waiting
    ]


class _Waiting(NamedTuple):
    """An enrolment that is due, with all that its letter will need."""

    pk: int
    subscriber_id: int
    due_at: datetime
    due_local: str
    due_reason: str
    step_id: int
    next_key: str
    own_key: str
    step_deleted_at: datetime | None
    step_kept_until: datetime | None
    revision_id: int | None
    only_if: str
    state: str
    enrolled_at: datetime
    sequence_id: int
    opaque: str
    email: str
    email_key: str
    first_name: str
    zone: str
    language: str
    theme: str
    country: str
    reader_state: str

    @property
    def step_key(self) -> str:
        """The letter's key for this reader: its step's, unless it is that of a mark."""
        return self.next_key or self.own_key


_DUE = (
    *("pk", "subscriber_id", "due_at", "due_local", "due_reason", "next_step_id", "next_key"),
    *("next_step__key", "next_step__deleted_at", "next_step__kept_until", "next_step__current_id"),
    "next_step__only_if",
    *("state", "enrolled_at", "sequence_id"),
    *(f"subscriber__{name}" for name in (*_Waiting._fields[-9:-1], "state")),
)


def _held(row: _Waiting, pk: int, message_id: str) -> Held:
    return Held(
        pk=pk,
        fence=FIRST_FENCE,
        attempts=0,
        crashes=0,
        message_id=message_id,
        step_key=row.step_key,
        due_at=row.due_at,
        due_local=row.due_local,
        reader_id=row.subscriber_id,
        opaque=row.opaque,
        email=row.email,
        email_key=row.email_key,
        first_name=row.first_name,
        zone=row.zone,
        language=row.language,
        theme=row.theme,
        country=row.country,
        reader_state=row.reader_state,
        paused_at=None,
        enrolment_id=row.pk,
        enrolment_state=row.state,
        enrolled_at=row.enrolled_at,
        sequence_id=row.sequence_id,
        revision_id=row.revision_id,
        only_if=row.only_if,
    )


def _take(ids: list[int], now: datetime) -> None:
    """Clear ``due_at``. The rows are locked, or the whole database is ours: each of them must still have been due."""
    changed = Enrolment.objects.filter(pk__among=ids, state=EnrolmentState.ACTIVE, due_at__lte=now).update(due_at=None)
    if changed != len(ids):
        raise RuntimeError(f"{len(ids) - changed} of {len(ids)} letters were claimed by somebody else under our lock")


FIRST_FENCE = 1
_GIVEN = (
    *("subscriber_id", "enrolment_id", "step_key", "revision_id", "notice_id", "due_at", "due_local", "due_reason"),
    "message_id",
)


def _insert(
    dispatches: Iterable[tuple[object, ...]], now: datetime, lease_until: datetime, owner: str
) -> dict[object, int]:
    """New dispatches; their ids by Message-ID. Where there is one already for the same step nothing is inserted."""
    state = DispatchState.HANDING_OVER if owner else DispatchState.CLAIMED
    same = {
        "state": state.value,
        "owner": owner,
        "lease_until": lease_until,
        "claimed_at": now,
        "fence": FIRST_FENCE,
        "attempts": 0,
        "crashes": 0,
        "reason": "",
        "promised": False,
    }
    return insert_rows(Dispatch, _GIVEN, list(dispatches), same=same, known_by="message_id")


def _message_ids(names: Iterable[str]) -> list[str]:
    domain = masthead().domain
    return [f"<{name}@{domain}>" for name in names]


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


def renew_leases(owner: str, real_now: datetime, seconds: float) -> None:
    """What this worker has in hand stays its own for so many seconds more."""
    mine = Dispatch.objects.filter(state=DispatchState.HANDING_OVER, owner=owner)
    mine.update(lease_until=lease_end(real_now, seconds))


def lease_end(real_now: datetime, seconds: float) -> datetime:
    """When a claim made at ``real_now`` runs out."""
    return real_now + timedelta(seconds=seconds)
