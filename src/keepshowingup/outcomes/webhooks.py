"""Our own webhook, for a mail server or a script that has no provider's format: signed JSON, or a returned mail.

The signature is an HMAC-SHA256 with the secret over ``<unix time>.<raw body>``, sent as
``Keepshowingup-Signature: t=<unix time>,v1=<hex>``. While a secret is changed ``v1`` may stand there twice.
"""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from keepshowingup.core.errors import WrongUsage
from keepshowingup.outcomes.evidence import Evidence, Kind, from_returned, without_addresses
from keepshowingup.outcomes.returned_mail import read_returned

WINDOW = timedelta(minutes=5)
"""How old a signed request may be, or how far ahead its clock: a copy of it is worthless afterwards."""

LIMIT = 1024 * 1024
"""The most bytes a webhook may send."""

MOST_EVENTS = 1000
PLAIN = "plain"


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The value of the signature header for a body sent at ``at`` (aware, real time)."""
    moment = int(at.timestamp())
    return f"t={moment},v1={_mac(secret, moment, body)}"


def is_signed(secret: str, signature: str, body: bytes, real_now: datetime) -> bool:
    """Whether a signature header is ours and fresh. Without a secret nothing is."""
    if not secret:
        return False
    fields = [field.partition("=") for field in signature.split(",")]
    moments = [value for name, _, value in fields if name.strip() == "t"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdecimal() and len(moments[0]) <= 12):
        return False
    moment = int(moments[0])
    if abs(real_now.timestamp() - moment) > WINDOW.total_seconds():
        return False
    expected = _mac(secret, moment, body).encode()
    given = [value.strip().encode("utf-8", "replace") for name, _, value in fields if name.strip() == "v1"]
    return any(hmac.compare_digest(expected, one) for one in given[:4])


def read_plain(body: bytes, content_type: str) -> list[Evidence]:
    """What a signed body says. Raises :class:`WrongUsage` with a sentence that says what is wrong with it.

    ``message/rfc822`` is a returned mail. JSON is one event or ``{"events": [...]}``, each with ``id`` and ``kind``,
    and with ``message_id``, ``return_path`` (the address it came back to, or its token) or ``recipient``;
    ``status``, ``detail`` and ``happened_at`` (ISO 8601) may be left out.
    """
    if content_type.partition(";")[0].strip().lower() == "message/rfc822":
        return from_returned(body, read_returned(body))
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WrongUsage(
            "The body is not JSON. Send application/json, or a returned mail as message/rfc822."
        ) from error
    events = said.get("events", [said]) if isinstance(said, dict) else said
    if not isinstance(events, list) or len(events) > MOST_EVENTS:
        raise WrongUsage(f"Send one event, or a list of up to {MOST_EVENTS} as 'events'.")
    return [_event(event, position) for position, event in enumerate(events, start=1)]


def _event(said: Any, position: int) -> Evidence:
    if not isinstance(said, dict):
        raise WrongUsage(f"Event {position} is not an object.")

    def text(name: str, longest: int = 300) -> str:
        value = said.get(name, "")
        if not isinstance(value, str) or len(value) > longest or "\0" in value:
            raise WrongUsage(f"Event {position}: '{name}' must be a text of up to {longest} characters.")
        return value

    name, kind, token = text("id", 200), text("kind"), text("return_path")
    if not name:
        raise WrongUsage(f"Event {position} has no 'id'. It tells a replay from something new.")
    if kind not in set(Kind):
        raise WrongUsage(f"Event {position}: 'kind' must be one of {', '.join(Kind)}.")
    local = token.strip("<>").partition("@")[0]
    return Evidence(
        provider=PLAIN,
        provider_id=name,
        kind=Kind(kind),
        status=text("status", 20),
        detail=without_addresses(text("detail")),
        token=local.rpartition("+")[2],
        message_ids=_message_ids(text("message_id")),
        recipient=text("recipient"),
        happened_at=_moment(text("happened_at"), position),
    )


def _message_ids(said: str) -> tuple[str, ...]:
    return (f"<{said.strip().strip('<>')}>",) if said.strip() else ()


def _moment(said: str, position: int) -> datetime | None:
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongUsage(f"Event {position}: 'happened_at' is no moment. Write 2026-11-23T09:00:00Z.") from error


def _mac(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, "sha256").hexdigest()
