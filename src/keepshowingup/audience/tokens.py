"""Tokens: what a link or a return path carries so that nobody can make one up.

A token is an opaque name (16 to 32 hex digits, random, no secret) followed by the first 128 bits of an HMAC-SHA256 over
its purpose and the name. Nothing is kept: a token can be checked while the database is away, a link in an old letter
works for as long as the key does, and one made for one purpose is worthless for another.

Keys come from ``SECRET_KEY``; after a change the old one goes into ``KSU_SECRET_KEY_FALLBACKS``, or every link in
every inbox dies, and every suppressed address is forgotten.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import string
from enum import StrEnum

from django.conf import settings

MAC_BYTES = 16
OPAQUE = re.compile(r"(?:[0-9a-f]{2}){8,16}")

# Letters and digits only: programs that guess where a link ends drop a trailing - or _.
LINK_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# The servers a return path passes through may fold its case.
MAIL_ALPHABET = string.digits + string.ascii_lowercase


class Purpose(StrEnum):
    """What a token is good for. The value is part of what is signed: never change one."""

    CONFIRM = "confirm"
    LEAVE = "leave"
    PREFERENCES = "preferences"
    RETURN_PATH = "return_path"


PATHS = {Purpose.CONFIRM: "confirm", Purpose.LEAVE: "unsubscribe", Purpose.PREFERENCES: "preferences"}


def make(purpose: Purpose, opaque: str) -> str:
    """The token for ``opaque``: 33 letters and digits for 16 hex digits; a return path's are lower case, 38."""
    if not OPAQUE.fullmatch(opaque):
        raise ValueError("an opaque name is 16 to 32 lower-case hex digits")
    name = bytes.fromhex(opaque)
    return _write(name + _mac(settings.SECRET_KEY, purpose, name), _alphabet(purpose))


def read(purpose: Purpose, token: str) -> str | None:
    """The opaque name in a token, or None for one that we did not make for this purpose."""
    alphabet = _alphabet(purpose)
    sealed = _parse(token.lower() if alphabet is MAIL_ALPHABET else token, alphabet)
    if sealed is None:
        return None
    name, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
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


def _alphabet(purpose: Purpose) -> str:
    return MAIL_ALPHABET if purpose is Purpose.RETURN_PATH else LINK_ALPHABET


@functools.cache
def _width(size: int, base: int) -> int:
    """How many digits in ``base`` hold any ``size`` bytes."""
    largest, digits = 256**size - 1, 0
    while largest:
        largest //= base
        digits += 1
    return digits


@functools.cache
def _sizes(base: int) -> dict[int, int]:
    """Bytes by width, for every length a token may have."""
    return {_width(size, base): size for size in range(8 + MAC_BYTES, 17 + MAC_BYTES)}


def _write(sealed: bytes, alphabet: str) -> str:
    number, base = int.from_bytes(sealed, "big"), len(alphabet)
    width, pairs = _width(len(sealed), base), _pairs(alphabet)
    written = ""
    # Eight digits at once are taken off the large number; dividing small ones is several times quicker.
    for _ in range(-(-width // 8)):
        number, some = divmod(number, base**8)
        high, low = divmod(some, base**4)
        first, second = divmod(high, base * base)
        third, fourth = divmod(low, base * base)
        written = f"{pairs[first]}{pairs[second]}{pairs[third]}{pairs[fourth]}{written}"
    return written[-width:]


@functools.cache
def _pairs(alphabet: str) -> list[str]:
    return [high + low for high in alphabet for low in alphabet]


def _parse(token: str, alphabet: str) -> bytes | None:
    size = _sizes(len(alphabet)).get(len(token))
    if size is None:
        return None
    number = 0
    for character in token:
        digit = alphabet.find(character)
        if digit < 0:
            return None
        number = number * len(alphabet) + digit
    if number >= 256**size:
        return None
    return number.to_bytes(size, "big")
