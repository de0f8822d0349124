"""Providers' words, as django-anymail has put them in order, said in ours.

Opened and clicked are not read at all: we do not count what readers do with a letter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from keepshowingup.outcomes.evidence import KINDS_OF_FAILURES, Evidence, Kind, without_addresses
from keepshowingup.outcomes.old_formats import judge_words

# Our Message-IDs have hex digits before the @ (see delivery.naming); providers carry them under a dozen names.
OURS = re.compile(r"(?<![0-9a-f])[0-9a-f]{16,32}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")

_LASTING = re.compile(r"\bhard|permanent|badmailbox|invalid", re.IGNORECASE)
_PASSING = re.compile(r"\bsoft|transient|temporary", re.IGNORECASE)
# Where providers say which sort of bounce it was, in their own words.
_SORTS = ("Type", "bounceType", "bounce_type", "bounce_class", "event", "type", "severity", "status")


def read_event(provider: str, event: AnymailTrackingEvent) -> Evidence | None:
    """What a provider's event is evidence of; None for what we do not want to know."""
    words = " ".join(filter(None, (event.mta_response, event.description)))
    judge = _READERS.get(event.event_type)
    if judge is None:
        return None
    kind, status, reason = judge(event, words)
    moment = event.timestamp
    return Evidence(
        provider=provider,
        provider_id=_name_of(event),
        kind=kind,
        status=status,
        detail=without_addresses(words) or reason,
        message_ids=_message_ids(event),
        recipient=event.recipient or "",
        provider_message=str(event.message_id or ""),
        happened_at=(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if isinstance(moment, datetime) else None,
    )


Verdict = tuple[Kind, str, str]


def _always(kind: Kind, reason: str) -> Callable[[AnymailTrackingEvent, str], Verdict]:
    return lambda event, words: (kind, "", reason)


def _bounced(event: AnymailTrackingEvent, words: str) -> Verdict:
    if event.reject_reason in {RejectReason.SPAM, RejectReason.BLOCKED}:
        return Kind.POLICY, "", "blocked"
    failure, status = judge_words(words)
    kind = KINDS_OF_FAILURES[failure.kind]
    if kind is Kind.SOFT and not status and _sort_of(event) is Kind.HARD:
        # The server's words decide nothing, and the provider is sure.
        return Kind.HARD, status, "the provider says that the address does not exist"
    return kind, status, failure.reason


def _rejected(event: AnymailTrackingEvent, words: str) -> Verdict:
    """The provider itself did not try: mostly because of what happened before."""
    return {
        RejectReason.INVALID: (Kind.HARD, "", "the address is malformed"),
        RejectReason.BOUNCED: (Kind.HARD, "", "the address bounced before"),
        RejectReason.SPAM: (Kind.COMPLAINT, "", "the reader complained before"),
        RejectReason.UNSUBSCRIBED: (Kind.LEFT, "", "the reader left by the provider's button"),
        RejectReason.TIMED_OUT: (Kind.SOFT, "", "tried for long, without success"),
    }.get(event.reject_reason, (Kind.POLICY, "", "refused by the provider"))


_READERS: dict[str, Callable[[AnymailTrackingEvent, str], Verdict]] = {
    EventType.QUEUED: _always(Kind.TAKEN, "the provider has it"),
    EventType.SENT: _always(Kind.TAKEN, "the provider has sent it on"),
    EventType.DELIVERED: _always(Kind.DELIVERED, "delivered"),
    EventType.DEFERRED: _always(Kind.DELAYED, "delayed"),
    EventType.BOUNCED: _bounced,
    EventType.REJECTED: _rejected,
    EventType.FAILED: _always(Kind.POLICY, "the provider failed"),
    EventType.COMPLAINED: _always(Kind.COMPLAINT, "the reader complained"),
    EventType.UNSUBSCRIBED: _always(Kind.LEFT, "the reader left by the provider's button"),
}


def _sort_of(event: AnymailTrackingEvent) -> Kind | None:
    raw = event.esp_event
    said = [str(raw[name]) for name in _SORTS if name in raw] if hasattr(raw, "__contains__") and raw else []
    if any(_PASSING.search(word) for word in said):
        return Kind.SOFT
    return Kind.HARD if any(_LASTING.search(word) for word in said) else None


def _name_of(event: AnymailTrackingEvent) -> str:
    """The provider's id of an event, or one made of what it says: said again, it is the same."""
    if event.event_id:
        return f"{event.event_type}:{event.event_id}"
    said = (event.event_type, event.message_id, event.recipient, event.timestamp)
    return hashlib.sha256("|".join(map(str, said)).encode("utf-8", "replace")).hexdigest()


def _message_ids(event: AnymailTrackingEvent) -> tuple[str, ...]:
    said = f"{event.message_id} {json.dumps(_plain(event.esp_event), default=str)}"
    found = dict.fromkeys(OURS.findall(said))
    return tuple(f"<{one}>" for one in list(found)[:20])


def _plain(raw: Any) -> Any:
    return raw.dict() if hasattr(raw, "dict") else raw  # Mailgun's and Mandrill's forms
