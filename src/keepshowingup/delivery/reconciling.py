"""Settling letters in doubt from evidence: an operator's mail log names the Message-IDs its server has seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.settling import Settlement, settle

# Postfix' cleanup, Exim and OpenSMTPD all write the Message-ID of what they have taken responsibility for.
MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}@[^<>\s]{1,250}>")


def unknown_letters() -> QuerySet[Dispatch]:
    """The letters whose fate is not known, oldest first."""
    return Dispatch.objects.filter(state=DispatchState.UNKNOWN).order_by("due_at", "pk")


def believe_log(lines: Iterable[str], now: datetime) -> int:
    """Settle as accepted what the log shows the server has taken; returns how many.

    A Message-ID that is not in the log proves nothing: logs are cut and rotated. It stays unknown.
    """
    unknown = dict(unknown_letters().values_list("message_id", "pk"))
    seen = {found for line in lines for found in MESSAGE_ID.findall(line) if found in unknown}
    return settle(
        [
            Settlement(
                held, DispatchState.ACCEPTED, "found in the mail server's log", handed_at=held.handed_over_at or now
            )
            for held in read_held(unknown[message_id] for message_id in seen)
        ],
        now,
    )
