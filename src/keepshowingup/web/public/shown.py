"""When a form was shown, signed, so that an answer can be told from one sent without looking."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from django.core.signing import BadSignature, Signer

QUICKEST = 2  # seconds; somebody whose browser fills in the form is fast, too
LONGEST = 24 * 3600  # seconds


class Pace(Enum):
    """How an answer came after the form was shown."""

    USUAL = "usual"
    TOO_FAST = "too fast"
    UNSEEN = "we did not show the form, or too long ago"


def stamp(real_now: datetime) -> str:
    """What a form carries along; ``real_now`` is real time, not the calendar's."""
    return _signer().sign(str(int(real_now.timestamp())))


def pace_of(stamped: str, real_now: datetime) -> Pace:
    """How long after its form an answer came."""
    try:
        seconds = real_now.timestamp() - int(_signer().unsign(stamped))
    except (BadSignature, ValueError):
        return Pace.UNSEEN
    if seconds > LONGEST:
        return Pace.UNSEEN
    # The stamp has whole seconds: what looks like two may be one and a bit.
    return Pace.TOO_FAST if seconds < QUICKEST else Pace.USUAL


def _signer() -> Signer:
    return Signer(salt="keepshowingup.web.public.shown")
