"""What letters are called: a Message-ID made of what a letter is, and of nothing that is made up at the moment.

So a letter has the same name in every copy of it: when it is tried again, and when a database that was put back to an
earlier time claims it once more. Receivers can see that it is the same, and a mail log can be asked whether it left.
It is a MAC under the secret key and says nothing: RFC 5322 3.6.4 asks for uniqueness, 96 bits give it.
"""

from __future__ import annotations

import functools
import hashlib
from datetime import UTC, datetime

from django.conf import settings

# As many as a return path has room for beside its MAC (RFC 5321 4.5.3.1.1: 64 octets before the @).
OCTETS = 12


def letter_name(enrolment_id: int, enrolled_at: datetime, step_key: str) -> str:
    """The random-looking part of a letter's Message-ID: 24 hex digits.

    Numbers are given out again after a restore; that somebody else joins in the same microsecond and gets the same
    number is not to be expected.
    """
    return _name(settings.SECRET_KEY, _letter(enrolment_id, enrolled_at, step_key))


def letter_names(enrolment_id: int, enrolled_at: datetime, step_key: str) -> list[str]:
    """What a letter may be called: under today's key, and under each earlier one."""
    return _names(_letter(enrolment_id, enrolled_at, step_key))


def notice_name(notice_id: int, created_at: datetime) -> str:
    """The same for a one-off letter."""
    return _name(settings.SECRET_KEY, _notice(notice_id, created_at))


def notice_names(notice_id: int, created_at: datetime) -> list[str]:
    """What a one-off letter may be called."""
    return _names(_notice(notice_id, created_at))


def opaque_of(message_id: str) -> str:
    """The part of a Message-ID of ours before the @, without the bracket."""
    return message_id.strip("<>").partition("@")[0]


def _letter(enrolment_id: int, enrolled_at: datetime, step_key: str) -> str:
    return f"letter:{enrolment_id}:{_exactly(enrolled_at)}:{step_key}"


def _notice(notice_id: int, created_at: datetime) -> str:
    return f"notice:{notice_id}:{_exactly(created_at)}"


def _exactly(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _names(what: str) -> list[str]:
    return [_name(secret, what) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _name(secret: str, what: str) -> str:
    # BLAKE2 with a key is a MAC by itself and costs a third of an HMAC; this runs once for each letter.
    return hashlib.blake2b(what.encode(), key=_key(secret), digest_size=OCTETS).hexdigest()


@functools.lru_cache(maxsize=16)
def _key(secret: str) -> bytes:
    """A key of its own for this use."""
    return hashlib.sha256(f"keepshowingup.delivery.naming:{secret}".encode()).digest()
