"""DKIM signatures (RFC 6376, and RFC 8463 for Ed25519), relaxed/relaxed, without ``l=``."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from keepshowingup.core.errors import WrongUsage

#: Signed where present. ``From`` is named once more than it occurs and ``Reply-To`` always, so that nobody can add one.
SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"reply-to",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"feedback-id",
    b"auto-submitted",
)
RSA_BITS = 2048

_FOLD = re.compile(rb"\r\n(?=[ \t])")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\Z")


class Signer:
    """Signs messages for one domain with an RSA key, and with an Ed25519 key beside it when one is given.

    Keys are PEM (PKCS #8 or PKCS #1) and are read once, here: reading one costs as much as 100 signatures. Raises
    :class:`WrongUsage` for keys and names that can't be used.
    """

    def __init__(
        self,
        domain: str,
        selector: str,
        private_key_pem: str | bytes,
        *,
        ed25519_selector: str = "",
        ed25519_private_key_pem: str | bytes = "",
    ) -> None:
        self.domain = domain
        rsa = _load(private_key_pem)
        if not isinstance(rsa, RSAPrivateKey) or rsa.key_size < RSA_BITS:
            raise WrongUsage("The DKIM key must be RSA of 2048 bits: openssl genrsa -out dkim.pem 2048")
        # The second signature is an addition for those who know it; the first is the one everybody checks.
        self._hands = [(b"rsa-sha256", selector, _rsa_hand(rsa))]
        if ed25519_private_key_pem:
            edwards = _load(ed25519_private_key_pem)
            if not isinstance(edwards, Ed25519PrivateKey):
                raise WrongUsage("The second DKIM key must be Ed25519: openssl genpkey -algorithm ed25519 -out ed.pem")
            self._hands.append((b"ed25519-sha256", ed25519_selector, _edwards_hand(edwards)))
        for name in (domain, *(selector for _, selector, _ in self._hands)):
            if not _NAME.match(name):
                raise WrongUsage(f"'{name}' is no name for DKIM. Write the domain and selector as in DNS, in ASCII.")

    def sign(self, message: bytes) -> bytes:
        """The message with its signatures in front. ``message`` is complete, with CRLF line ends."""
        head, body = split_message(message)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
        names, signed = _signed_headers(head)
        signatures = [self._signature(hand, names, signed, body_hash) for hand in self._hands]
        return b"".join((*signatures, message))

    def _signature(
        self, hand: tuple[bytes, str, Callable[[bytes], bytes]], names: list[bytes], signed: bytes, body_hash: bytes
    ) -> bytes:
        algorithm, selector, write = hand
        unsigned = b"v=1; a=%b; c=relaxed/relaxed; d=%b; s=%b;\r\n\th=%b;\r\n\tbh=%b;\r\n\tb=" % (
            algorithm,
            self.domain.encode(),
            selector.encode(),
            _fold(names),
            body_hash,
        )
        # The signature's own header is hashed last, with an empty b= and without a line end (RFC 6376 section 3.7).
        own = b"dkim-signature:" + _relaxed_value(unsigned)
        encoded = base64.b64encode(write(signed + own))
        return b"DKIM-Signature: %b%b\r\n" % (unsigned, b"\r\n\t".join(_chunks(encoded, 72)))


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Header lines with their line ends, and the body."""
    head, separator, body = message.partition(b"\r\n\r\n")
    if not separator:
        raise WrongUsage("The message has no end of headers; only complete messages with CRLF can be signed.")
    return head + b"\r\n", body


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4: white space runs as one space, none at line ends, no empty lines at the end."""
    body = _single_spaces(body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n ")
    return body + b"\r\n" if body else b""


def _relaxed_value(value: bytes) -> bytes:
    return _single_spaces(_FOLD.sub(b"", value)).strip(b" ")


def _single_spaces(octets: bytes) -> bytes:
    """Each run of spaces and tabs as one space; several times quicker than a regular expression."""
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def _signed_headers(head: bytes) -> tuple[list[bytes], bytes]:
    """The names for ``h=``, and the canonical header lines they stand for (RFC 6376 section 3.4.2)."""
    present: dict[bytes, list[bytes]] = {}
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        present.setdefault(name.rstrip().lower(), []).append(value)
    names: list[bytes] = []
    lines: list[bytes] = []
    for name in SIGNED:
        # Of several with one name the last is signed first.
        values = present.get(name, [])[::-1]
        one_more = name == b"from" or (name == b"reply-to" and not values)
        names += [name] * (len(values) + one_more)
        lines += [b"%b:%b\r\n" % (name, _relaxed_value(value)) for value in values]
    return names, b"".join(lines)


def _fold(names: list[bytes]) -> bytes:
    lines = [b""]
    for name in names:
        if len(lines[-1]) + len(name) > 66:
            lines.append(b"")
        lines[-1] += name + b":"
    return b"\r\n\t".join(lines).rstrip(b":")


def _chunks(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _load(pem: str | bytes) -> object:
    try:
        return serialization.load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    except (ValueError, TypeError) as error:
        raise WrongUsage("The DKIM key can't be read. It must be a private key in PEM, without a password.") from error


def _rsa_hand(key: RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda octets: key.sign(octets, padding.PKCS1v15(), hashes.SHA256())


def _edwards_hand(key: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    # RFC 8463 section 3: the hash is what is signed.
    return lambda octets: key.sign(hashlib.sha256(octets).digest())
