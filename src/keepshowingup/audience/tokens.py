"""Tokens: what a link or a return path carries so that nobody can make one up.

A token is an opaque name (16 to 32 hex digits, random, no secret) followed by the first 128 bits of an HMAC-SHA256 over
its purpose and the name. Nothing is kept: a token can be checked while the database is away, a link in an old letter
works for as long as the key does, and one made for one purpose is worthless for another.

Keys come from ``SECRET_KEY``; after a change the old one goes into ``KSU_SECRET_KEY_FALLBACKS``, or every link in
every inbox dies, and every suppressed address is forgotten.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
from enum import StrEnum

from django.conf import settings

MAC_BYTES = 16
OPAQUE = re.compile(r"(?:[0-9a-f]{2}){8,12}")
# Programs that guess where a link ends drop a trailing - or _.
END = "x"


class Purpose(StrEnum):
    """What a token is good for. The value is part of what is signed: never change one."""

    CONFIRM = "confirm"
    LEAVE = "leave"
    PREFERENCES = "preferences"
    RETURN_PATH = "return_path"
    HELPED = "helped"


PATHS = {
    Purpose.CONFIRM: "confirm",
    Purpose.LEAVE: "unsubscribe",
    Purpose.PREFERENCES: "preferences",
    Purpose.HELPED: "helped",
}


def make(purpose: Purpose, opaque: str) -> str:
    """The token for ``opaque``: 33 letters, digits, - and _ for 16 hex digits; a return path's are 48 hex digits."""
    if not OPAQUE.fullmatch(opaque):
        raise ValueError("an opaque name is 16 to 24 lower-case hex digits")
    name = bytes.fromhex(opaque)
    return _write(name + _mac(settings.SECRET_KEY, purpose, name), purpose)


def read(purpose: Purpose, token: str) -> str | None:
    """The opaque name in a token, or None for one that we did not make for this purpose."""
    if purpose is Purpose.RETURN_PATH:
        token = token.lower()  # the servers it passes through may fold its case
    sealed = _parse(token, purpose)
    # What is longer, or written in another way, is none of ours even if it means the same.
    if sealed is None or _write(sealed, purpose) != token:
        return None
    name, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
    if not OPAQUE.fullmatch(name.hex()):
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(_mac(secret, purpose, name), mac):
            return name.hex()
    return None


def link(purpose: Purpose, opaque: str) -> str:
    """The absolute address of the page for a token of this purpose."""
    return f"{settings.BASE_URL}/{PATHS[purpose]}/{make(purpose, opaque)}"


def keyed_hash(kind: str, text: str) -> str:
    """HMAC-SHA256 as 64 hex digits: the same for the same text, and of no use to who does not have the key."""
    return _keyed_hash(settings.SECRET_KEY, kind, text)


def keyed_hashes(kind: str, text: str) -> list[str]:
    """What ``text`` may have been kept as: its hash under today's key and under each fallback."""
    return [_keyed_hash(secret, kind, text) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _keyed_hash(secret: str, kind: str, text: str) -> str:
    return hmac.digest(_key(secret, "hash"), f"{kind}:{text}".encode(), "sha256").hex()


def _mac(secret: str, purpose: Purpose, name: bytes) -> bytes:
    return hmac.digest(_key(secret, "token"), purpose.encode() + b":" + name, "sha256")[:MAC_BYTES]


@functools.lru_cache(maxsize=64)
def _key(secret: str, use: str) -> bytes:
    """A key of its own for each use, so that a hash is never a token."""
    return hashlib.sha256(f"keepshowingup.audience.{use}:{secret}".encode()).digest()


def _write(sealed: bytes, purpose: Purpose) -> str:
    if purpose is Purpose.RETURN_PATH:
        return sealed.hex()
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() + END


def _parse(token: str, purpose: Purpose) -> bytes | None:
    try:
        if purpose is Purpose.RETURN_PATH:
            return bytes.fromhex(token)
        written = token.removesuffix(END).encode("ascii")
        return base64.urlsafe_b64decode(written + b"=" * (-len(written) % 4))
    except (ValueError, binascii.Error):
        return None
