"""Believing what came back: each thing said is written down once, and moves its letter and its reader once.

Only what is certainly about the address, and a complaint, stops a reader. What is about us rests that domain and is
logged as an error for somebody to look at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from keepshowingup.audience.leaving import ask_to_stop, leave, suppress
from keepshowingup.audience.models import Subscriber, Suppression
from keepshowingup.audience.tokens import Purpose, read
from keepshowingup.core.address import check_address
from keepshowingup.core.softness import is_worn_out
from keepshowingup.core.states import DispatchState, may_move
from keepshowingup.delivery import breaker
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.outcomes.asking_to_stop import asks_to_stop
from keepshowingup.outcomes.evidence import RETURNED_MAIL, Evidence, Kind, from_returned
from keepshowingup.outcomes.models import Event
from keepshowingup.outcomes.reports import pause_if_complained_of
from keepshowingup.outcomes.returned_mail import Returned, ReturnedKind, read_returned

log = logging.getLogger(__name__)

KEPT = timedelta(days=90)
"""How long events are kept: as long as the delivery log."""

SHORTEST_NAME = 8

# What is said of a letter, and where that moves it. Who delays a letter or hears a complaint about it has taken it.
MOVES = {
    Kind.TAKEN: DispatchState.ACCEPTED,
    Kind.DELIVERED: DispatchState.ACCEPTED,
    Kind.DELAYED: DispatchState.ACCEPTED,
    Kind.COMPLAINT: DispatchState.ACCEPTED,
    Kind.LEFT: DispatchState.ACCEPTED,
    Kind.HARD: DispatchState.REFUSED,
    Kind.SOFT: DispatchState.REFUSED,
    Kind.POLICY: DispatchState.REFUSED,
}


@dataclass(frozen=True)
class Recorded:
    """What came of one piece of evidence. ``changed`` is false for a replay and for what is about no letter of ours."""

    kind: str
    status: str
    dispatch_id: int | None
    changed: bool


def record(evidence: Evidence, now: datetime, real_now: datetime | None = None) -> Recorded:
    """Write one piece of evidence down and act on it, in one transaction. A replay changes nothing.

    ``now`` is the calendar's; ``real_now`` (real time, by default the same) is for the rest a domain takes.
    """
    with transaction.atomic():
        dispatch = _letter(evidence)
        reader = dispatch.subscriber if dispatch else _reader(evidence)
        if reader is None or (evidence.kind is Kind.TAKEN and not _is_news(dispatch)):
            return Recorded(evidence.kind, evidence.status, dispatch.pk if dispatch else None, changed=False)
        event, is_new = Event.objects.get_or_create(
            provider=evidence.provider[:40],
            provider_id=evidence.provider_id[:200],
            defaults={
                "kind": evidence.kind,
                "dispatch": dispatch,
                "status": evidence.status[:20],
                "detail": evidence.detail[:300],
                "happened_at": evidence.happened_at,
                "received_at": now,
            },
        )
        if is_new:
            if dispatch is not None:
                _move(dispatch, evidence, now)
            _act_on(reader, dispatch, evidence, now, real_now or now)
            log.info("event %d: %s about letter %s", event.pk, event.kind, event.dispatch_id)
    return Recorded(evidence.kind, evidence.status, dispatch.pk if dispatch else None, changed=is_new)


def record_all(evidence: Iterable[Evidence], now: datetime, real_now: datetime | None = None) -> list[Recorded]:
    """Each in its own transaction: one that fails is sent again by its provider, and the others are replays then."""
    return [record(one, now, real_now) for one in evidence]


def record_returned(raw: bytes, now: datetime, real_now: datetime | None = None) -> list[Recorded]:
    """Read a returned mail and believe it, as far as it names a letter of ours by a token or a Message-ID.

    A person's answer that says stop rests the letters of whoever got that letter, until staff have looked.
    """
    found = read_returned(raw)
    if all(one.kind is ReturnedKind.NONE for one in found) and asks_to_stop(raw):
        return [_rest(found[0], now)]
    return record_all(from_returned(raw, found), now, real_now)


def _rest(answer: Returned, now: datetime) -> Recorded:
    names = (answer.message_id,) if answer.message_id else ()
    with transaction.atomic():
        letter = _letter(Evidence(RETURNED_MAIL, "", Kind.LEFT, token=answer.token, message_ids=names))
        if letter is not None:
            ask_to_stop(letter.subscriber.email_key, now)
            log.info("an answer to letter %s asks to stop", letter.pk)
    return Recorded("stop", "", letter.pk if letter else None, changed=letter is not None)


def forget_old(now: datetime) -> int:
    """Delete events older than :data:`KEPT`; returns how many."""
    return Event.objects.filter(received_at__lt=now - KEPT).delete()[0]


def _letter(evidence: Evidence) -> Dispatch | None:
    """The letter, locked: what is said of it must not be lost to whoever offers it again at this moment."""
    rows = Dispatch.objects.select_related("subscriber").select_for_update(of=("self",))
    if evidence.token and (opaque := read(Purpose.RETURN_PATH, evidence.token)):
        found = rows.filter(message_id__startswith=f"<{opaque}@").first()
        if found is not None:
            return found
    if evidence.message_ids and (found := rows.filter(message_id__in=evidence.message_ids).first()):
        return found
    return _by_the_providers_name(evidence, rows)


def _by_the_providers_name(evidence: Evidence, rows: QuerySet[Dispatch]) -> Dispatch | None:
    """Among the letters to this recipient, the one whose acceptance the provider answered with that name."""
    name = evidence.provider_message.strip("<>")
    key = check_address(evidence.recipient).key if evidence.recipient else ""
    if len(name) < SHORTEST_NAME or not key:
        return None
    theirs = rows.filter(subscriber__email_key=key, reason__contains=name).order_by("-pk")[:2]
    # Two letters can't have been taken under one name: then it is no name, but a word of the answer.
    return theirs[0] if len(theirs) == 1 else None


def _is_news(dispatch: Dispatch | None) -> bool:
    return dispatch is not None and may_move(DispatchState(dispatch.state), DispatchState.ACCEPTED)


def _reader(evidence: Evidence) -> Subscriber | None:
    """The reader a provider speaks of by address only. Good for what is about the reader, not for a letter's fate."""
    if evidence.kind not in {Kind.HARD, Kind.COMPLAINT, Kind.LEFT} or not evidence.recipient:
        return None
    key = check_address(evidence.recipient).key
    return Subscriber.objects.filter(email_key=key).first() if key else None


def _move(dispatch: Dispatch, evidence: Evidence, now: datetime) -> None:
    target = MOVES.get(evidence.kind)
    if target is None or not may_move(DispatchState(dispatch.state), target):
        return
    words = " ".join(filter(None, (evidence.kind.value, evidence.status, evidence.detail)))
    settle(
        [
            # What came back had been handed over; its day counts for spacing all the same.
            Settlement(held, target, words, handed_at=held.handed_over_at or evidence.happened_at or now, evidence=True)
            for held in read_held([dispatch.pk])
        ],
        now,
    )


def _act_on(
    reader: Subscriber, dispatch: Dispatch | None, evidence: Evidence, now: datetime, real_now: datetime
) -> None:
    if evidence.kind is Kind.HARD:
        suppress(reader.email_key, Suppression.Reason.HARD_BOUNCE, now)
    elif evidence.kind is Kind.COMPLAINT:
        leave(reader.pk, now)
        suppress(reader.email_key, Suppression.Reason.COMPLAINT, now)
        if dispatch is not None and dispatch.enrolment_id is not None:
            assert dispatch.enrolment is not None
            pause_if_complained_of(dispatch.enrolment.sequence_id, now)
    elif evidence.kind is Kind.LEFT:
        leave(reader.pk, now)
    elif evidence.kind is Kind.SOFT:
        # Not suppressed: somebody who has emptied their mailbox may join again.
        if is_worn_out(_soft_failures(reader, now), now):
            log.info("reader %d: the mailbox has failed too often, no more letters", reader.pk)
            leave(reader.pk, now)
    elif evidence.kind is Kind.POLICY:
        log.error("letter %s was refused for a reason about us: %s", dispatch and dispatch.pk, evidence.status)
        breaker.trip(breaker.domain_of(reader.email), f"{evidence.status} {evidence.detail}".strip(), real_now)


def _soft_failures(reader: Subscriber, now: datetime) -> list[datetime]:
    """When letters failed softly since one was last seen to arrive."""
    mine = Event.objects.filter(dispatch__subscriber=reader, received_at__gt=now - KEPT)
    arrived = mine.filter(kind=Kind.DELIVERED).order_by("-received_at").first()
    soft = mine.filter(kind=Kind.SOFT)
    if arrived is not None:
        soft = soft.filter(received_at__gt=arrived.received_at)
    return list(soft.values_list("received_at", flat=True))
