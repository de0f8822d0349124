"""What somebody says happened to a letter, before we know whose letter it was and whether we believe it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keepshowingup.core.failures import FailureKind
from keepshowingup.outcomes.returned_mail import Returned, ReturnedKind

RETURNED_MAIL = "returned mail"


class Kind(StrEnum):
    """What is said. The value is what is kept."""

    TAKEN = "taken"  # the provider has it and will try: of interest while we don't know even that
    DELIVERED = "delivered"
    DELAYED = "delayed"  # still being tried by somebody else's server
    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    COMPLAINT = "complaint"
    LEFT = "left"  # the reader used a button of the provider's


KINDS_OF_FAILURES = {
    FailureKind.ADDRESS_HARD: Kind.HARD,
    FailureKind.SOFT: Kind.SOFT,
    FailureKind.POLICY: Kind.POLICY,
    FailureKind.TRANSPORT: Kind.SOFT,
}


@dataclass(frozen=True)
class Evidence:
    """One thing said about one letter.

    ``provider`` and ``provider_id`` name it once and for all: said again, it is the same. The letter is found by
    ``token`` (of our return path), by one of ``message_ids``, or by ``provider_message``, the provider's own name for
    it, which it told us when it took the letter. ``recipient`` is believed only from a provider that has proved who it
    is. ``happened_at`` is aware; ``detail`` is for staff and must carry no address.
    """

    provider: str
    provider_id: str
    kind: Kind
    status: str = ""
    detail: str = ""
    token: str = ""
    message_ids: tuple[str, ...] = ()
    recipient: str = ""
    happened_at: datetime | None = None
    provider_message: str = ""


def from_returned(raw: bytes, found: tuple[Returned, ...]) -> list[Evidence]:
    """What a returned mail is evidence of; auto-replies and people's answers are none."""
    name = hashlib.sha256(raw).hexdigest()
    evidence = []
    for position, one in enumerate(found):
        kind = _kind_of(one)
        if kind is None:
            continue
        evidence.append(
            Evidence(
                provider=RETURNED_MAIL,
                provider_id=f"{name}:{position}",
                kind=kind,
                status=one.status,
                detail=one.reason,
                token=one.token,
                message_ids=(one.message_id,) if one.message_id else (),
            )
        )
    return evidence


def _kind_of(one: Returned) -> Kind | None:
    if one.kind in {ReturnedKind.NONE, ReturnedKind.AUTOREPLY}:
        return None
    if one.kind is ReturnedKind.SOFT and not one.final:
        return Kind.DELAYED
    return Kind(one.kind.value)


_ADDRESS = re.compile(r"[^\s<>\"',;:()\[\]]+@[^\s<>\"',;:()\[\]]+")


def without_addresses(text: str, longest: int = 300) -> str:
    """A server's words on one line, with every address taken out: they are kept longer than the reader is."""
    return _ADDRESS.sub("…", " ".join(text.split()))[:longest]
