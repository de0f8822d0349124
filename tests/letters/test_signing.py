from __future__ import annotations

import base64
from dataclasses import replace
from functools import cache
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.core.errors import WrongUsage
from keepshowingup.letters.compose import compose, render
from keepshowingup.letters.signing import SIGNED, Signer, relaxed_body
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import HEADERS, letter_of


@cache
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@cache
def edwards_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def dns(name: bytes, timeout: int = 5) -> bytes:
    """What DNS would answer for our two selectors."""
    selector = name.split(b".")[0]
    if selector == b"ed":
        raw = edwards_key().public_key().public_bytes_raw()
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)
    spki = (
        rsa_key().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(spki)


@cache
def signer() -> Signer:
    return Signer(
        "harbour.example", "rsa", pem(rsa_key()), ed25519_selector="ed", ed25519_private_key_pem=pem(edwards_key())
    )


@cache
def message() -> bytes:
    return compose(render(letter_of("step"), SAMPLE), HEADERS)


class EdwardsReader(dkim.DKIM):  # type: ignore[misc]
    """dkimpy wants PyNaCl for the last step of Ed25519; everything before that step is its own."""

    def verify_sig(self, sig: Any, include_headers: Any, sig_header: Any, dnsfunc: Any) -> Any:
        self.pk, self.ktag, self.seqtlsrpt = EdwardsPublic(), b"ed25519", False
        return self.verify_sig_process(sig, include_headers, sig_header, dnsfunc)


class EdwardsPublic:
    def verify(self, octets: bytes, signature: bytes) -> None:
        edwards_key().public_key().verify(signature, octets)


def verified(signed: bytes, which: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(signed, minkey=1024).verify(idx=which, dnsfunc=dns))
    except dkim.ValidationError:
        return False


def test_both_signatures_are_good() -> None:
    signed = signer().sign(message())
    assert signed.endswith(message())
    assert signed.count(b"DKIM-Signature:") == 2
    assert verified(signed, 0)
    assert EdwardsReader(signed).verify(idx=1)
    assert b"a=rsa-sha256; c=relaxed/relaxed; d=harbour.example; s=rsa;" in signed
    assert b"a=ed25519-sha256;" in signed
    assert b" l=" not in signed.partition(b"\r\nFrom:")[0]


def test_rsa_alone_is_enough() -> None:
    signed = Signer("harbour.example", "rsa", pem(rsa_key()).decode()).sign(message())
    assert signed.count(b"DKIM-Signature:") == 1
    assert verified(signed)


def test_the_promised_headers_are_signed_and_from_cannot_be_added() -> None:
    signed = signer().sign(message())
    names = dkim.DKIM(signed)
    names.verify(dnsfunc=dns)
    included = [name.decode().lower() for name in (names.signed_headers and names.include_headers) or []]
    assert included.count("from") == 2
    assert set(included) == {name.decode() for name in SIGNED}


@pytest.mark.parametrize(
    "added",
    [b"From: Eve <eve@evil.example>", b"Reply-To: eve@evil.example", b"List-Unsubscribe-Post: x", b"Subject: Hi"],
)
@pytest.mark.parametrize("where", ["top", "bottom"])
def test_an_added_header_breaks_the_signature_or_is_not_the_signed_one(added: bytes, where: str) -> None:
    without = compose(render(letter_of("step"), SAMPLE), replace(HEADERS, reply_to="", unsubscribe_url=""))
    signed = signer().sign(without)
    head, _, body = signed.partition(b"\r\n\r\n")
    forged = added + b"\r\n" + signed if where == "top" else head + b"\r\n" + added + b"\r\n\r\n" + body
    if added.startswith((b"List-", b"Subject")) and where == "top":
        return  # not oversigned: verifiers take the lowest, which is ours
    if added.startswith(b"List-"):
        return  # a header the letter did not have and did not promise
    assert not verified(forged)


@pytest.mark.parametrize(
    ("old", "new"), [(b"Somebody stayed", b"Somebody left"), (b"maya@", b"eve@"), (b"One-Click", b"Two-Click")]
)
def test_a_changed_letter_is_noticed(old: bytes, new: bytes) -> None:
    assert old in message()
    assert not verified(signer().sign(message()).replace(old, new))


def test_relays_may_refold_headers_and_trim_white_space() -> None:
    signed = signer().sign(message())
    changed = signed.replace(b"Subject: Somebody stayed", b"SUBJECT:  Somebody\r\n\tstayed  ") + b"\r\n\r\n"
    assert verified(changed)


@given(st.lists(st.text("ab \t", max_size=8)).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode()))
@example(b"")
@example(b"\r\n\r\n")
@example(b" \r\n \t\r\n")
@example(b"a  b\t c \r\n\r\n d\r\n")
@settings(deadline=None)
def test_bodies_are_canonicalised_as_the_reference_does(body: bytes) -> None:
    reference = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed").canonicalize_body(body)
    assert relaxed_body(body) == reference


def test_signing_the_same_message_again_gives_the_same_bytes() -> None:
    assert signer().sign(message()) == signer().sign(message())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"private_key_pem": b"nonsense"}, "can't be read"),
        ({"private_key_pem": pem(Ed25519PrivateKey.generate())}, "2048"),
        ({"private_key_pem": pem(generate_private_key(65537, 1024))}, "2048"),
        ({"domain": "harbour.example; x=y"}, "no name"),
        ({"selector": "a b"}, "no name"),
        ({"ed25519_selector": "ed", "ed25519_private_key_pem": pem(generate_private_key(65537, 2048))}, "Ed25519"),
        ({"ed25519_private_key_pem": pem(Ed25519PrivateKey.generate())}, "no name"),
    ],
)
def test_keys_and_names_that_can_not_sign_are_refused_at_the_start(change: dict[str, bytes | str], word: str) -> None:
    given = {"domain": "harbour.example", "selector": "rsa", "private_key_pem": pem(rsa_key())} | change
    with pytest.raises(WrongUsage, match=word):
        Signer(**given)  # type: ignore[arg-type]


def test_half_a_message_is_not_signed() -> None:
    with pytest.raises(WrongUsage, match="complete"):
        signer().sign(b"From: a@b\r\n")
