"""Leaving, for whatever reason: the reader said so, the address bounced, the reader wants to be forgotten.

Leaving is a fact that delivery reads right before each hand-over; nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from keepshowingup.audience.models import Consent, Invitation, Notice, StopRequest, Subscriber, Suppression
from keepshowingup.audience.standing import locked_reader
from keepshowingup.audience.tokens import keyed_hash, keyed_hashes
from keepshowingup.core.errors import NotFound, Refused

MISTAKE = timedelta(days=1)
"""How long a reader may take back a leave by the button on the same page. After that they join again."""

ADDRESS = "address"


def leave(subscriber_id: int, now: datetime) -> None:
    """Stop every letter to this reader. Saying it again, or for a reader who is gone, changes nothing."""
    with transaction.atomic():
        mine = Subscriber.objects.filter(pk=subscriber_id, state__in=_STAYING)
        if mine.update(state=Subscriber.State.LEFT, left_at=now, paused_at=None, paused_until=None):
            _drop_what_is_owed(subscriber_id, now)


def take_back(subscriber_id: int, now: datetime) -> None:
    """Undo a leave pressed by mistake, within :data:`MISTAKE`. Raises :class:`Refused` when it is too late.

    The reader's own secret link proves who asks, so this counts as a new consent. Only letters that were confirmed
    before come back.
    """
    with transaction.atomic():
        left = Subscriber.objects.filter(
            pk=subscriber_id,
            state=Subscriber.State.LEFT,
            confirmed_at__isnull=False,
            left_at__gt=now - MISTAKE,
        )
        if not left.update(state=Subscriber.State.ACTIVE, left_at=None):
            raise Refused("This can no longer be undone here. You can join again on the first page.")
        Consent.objects.create(
            subscriber_id=subscriber_id, given_at=now, confirmed_at=now, source="start again, on the leaving page"
        )


def suppress(email_key: str, reason: Suppression.Reason | str, now: datetime) -> None:
    """Never write to this address again. The first reason stays."""
    with transaction.atomic():
        if not is_suppressed(email_key):
            Suppression.objects.bulk_create(
                [Suppression(key=keyed_hash(ADDRESS, email_key), reason=reason, created_at=now)], ignore_conflicts=True
            )
        reader = Subscriber.objects.filter(email_key=email_key).first()
        if reader is not None:
            Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.SUPPRESSED)
            _drop_what_is_owed(reader.pk, now)


def is_suppressed(email_key: str) -> bool:
    """Whether this address (case-folded) must not be written to."""
    return Suppression.objects.filter(key__in=keyed_hashes(ADDRESS, email_key)).exists()


def suppressed_among(email_keys: Iterable[str]) -> set[str]:
    """Those of these addresses (case-folded) that must not be written to; one question for all of them."""
    address_of = {hashed: key for key in set(email_keys) for hashed in keyed_hashes(ADDRESS, key)}
    kept = Suppression.objects.filter(key__among=address_of).values_list("key", flat=True)
    return {address_of[hashed] for hashed in kept}


def erase(subscriber_id: int, now: datetime) -> None:
    """Forget a reader: everything about them goes, and a keyed hash stays so that nobody signs them up again.

    Raises :class:`NotFound` when there is no such reader.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
        if reader is None:
            raise NotFound("There is no such reader, or they have been erased already.")
        suppress(reader.email_key, Suppression.Reason.ERASED, now)
        reader.delete()


def ask_to_stop(email_key: str, now: datetime) -> None:
    """Rest all letters to an address until staff have looked, because somebody asked on the public page.

    The same work for an address we do not know, of which nothing is kept. A reader who is paused already stays so,
    until they say.
    """
    with transaction.atomic():
        known = Subscriber.objects.filter(email_key=email_key).exists()
        with transaction.atomic():
            reader = locked_reader(email_key, email_key, now)
            reader.paused_at = reader.paused_at or now
            reader.paused_until = None
            reader.save(update_fields=["paused_at", "paused_until"])
            Notice.objects.filter(subscriber=reader, due_at__isnull=False).update(due_at=None)
            # One open request is enough: a second one meets the constraint and is left out.
            StopRequest.objects.bulk_create([StopRequest(subscriber=reader, created_at=now)], ignore_conflicts=True)
            transaction.set_rollback(not known)


def settle_stop_request(subscriber_id: int, by: str, now: datetime) -> None:
    """Mark what :func:`ask_to_stop` left for staff as looked at. The pause is lifted by resuming the reader."""
    StopRequest.objects.filter(subscriber_id=subscriber_id, settled_at__isnull=True).update(
        settled_at=now, settled_by=by
    )


_STAYING = [Subscriber.State.UNCONFIRMED, Subscriber.State.ACTIVE]


def _drop_what_is_owed(subscriber_id: int, now: datetime) -> None:
    """Withdraw one-off letters that nobody has claimed yet, and void the confirmation links under way."""
    Notice.objects.filter(subscriber_id=subscriber_id, due_at__isnull=False).update(due_at=None)
    Invitation.objects.filter(subscriber_id=subscriber_id, used_at__isnull=True, expires_at__gt=now).update(
        expires_at=now
    )
