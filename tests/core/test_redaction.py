"""No address and no token is left in a line, whatever stands around it."""

from __future__ import annotations

import json
import logging
import string
import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepshowingup.core.redaction import redact

ATEXT = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~"  # RFC 5322 3.2.3
LETTERS = st.characters(categories=("L", "N"), min_codepoint=0x80)  # RFC 6531
atoms = st.text(st.one_of(st.sampled_from(ATEXT), LETTERS), min_size=1, max_size=12)
dotted = st.lists(atoms, min_size=1, max_size=3).map(".".join)
SPECIAL = " .,()<>[]:;@"  # within quotes, RFC 5322 3.2.4
quoted = st.text(ATEXT + SPECIAL, min_size=4, max_size=12)
escaped = st.lists(st.one_of(quoted, st.sampled_from([r"\"", r"\\"])), min_size=1, max_size=5).map("".join)
labels = st.text(st.one_of(st.sampled_from(string.ascii_letters + string.digits), LETTERS), min_size=1, max_size=10)
hosts = st.lists(labels, min_size=1, max_size=3).map(".".join)
around = st.text(max_size=30)
tokens = st.text(string.ascii_letters + string.digits, min_size=33, max_size=64)
brackets = st.sampled_from([("<", ">"), ("(", ")"), ("'", "'"), (" ", " "), ("=", ","), ("/", "?x=1"), ("", "")])


@given(local=dotted, host=hosts, before=around, after=around, fence=brackets)
def test_no_address_is_left_between_any_words(
    local: str, host: str, before: str, after: str, fence: tuple[str, str]
) -> None:
    left = redact(f"{before}{fence[0]}{local}@{host}{fence[1]}{after}")
    assert "@" not in left
    assume(len(local) > 3 and local not in redact(before) + after)  # else what is left may be of the words around
    assert local not in left


@given(local=quoted, host=hosts)
def test_a_quoted_address_goes_with_its_quotes_also_when_these_are_quoted_again(local: str, host: str) -> None:
    address = f'"{local}"@{host}'
    for line in (f"to {address}", f"to <{address}>", f"to {json.dumps(address)}"):
        left = redact(line)
        assert "@" not in left
        assert local not in left


@given(local=escaped, host=hosts)
def test_an_escaped_quote_in_an_address_is_no_end_of_it(local: str, host: str) -> None:
    assert set(redact(f'to "{local}"@{host}')) <= set("to [address]")


@given(st.text())
def test_no_at_sign_is_ever_left_and_once_more_changes_nothing(text: str) -> None:
    left = redact(text)
    assert "@" not in left
    assert redact(left) == left


@given(local=dotted, host=hosts)
def test_an_address_inside_a_link_or_in_html_goes_too(local: str, host: str) -> None:
    address = f"{local}@{host}"
    once = urllib.parse.quote(address, safe="")
    twice = urllib.parse.quote(once, safe="")
    for written in (once, twice, address.replace("@", "&#64;"), address.replace("@", "\N{FULLWIDTH COMMERCIAL AT}")):
        assert redact(f"GET {written} 404") in {"GET [address] 404", "GET [address]; 404"}


@given(token=tokens, before=around, after=around)
def test_no_token_is_left(token: str, before: str, after: str) -> None:
    assert token not in redact(f"{before}/unsubscribe/{token}/again{after}")
    assert token not in redact(f"{before} {token} {after}")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Not Found: /preferences/4fJq8ZkT1pWc", "Not Found: /preferences/[token]"),
        ("Not Found: /unsubscribe/4fJq8ZkT1pWc/again?x=1", "Not Found: /unsubscribe/[token]/again?x=1"),
        ("DETAIL:  Key (email)=(x@y) already exists.", "DETAIL:  Key (email)=([address]) already exists."),
        ("550 5.1.1 <maya@example.org>: unknown user", "550 5.1.1 <[address]>: unknown user"),
        ("{'maya@example.org': (550, b'no')}", "[address]: (550, b'no')}"),
        ("amqp://us:pa@ss@mq.example:5672//", "amqp://[secret]mq.example:5672//"),
        ("dispatch 12 waits until 2026-11-23 10:00", "dispatch 12 waits until 2026-11-23 10:00"),
        ("emails/confirm/subject.txt is missing", "emails/confirm/subject.txt is missing"),
        ("403%, R&D; 40% of <b>5</b>", "403%, R&D; 40% of <b>5</b>"),
        ("task 0d5f7ad6-8a0c-4f0a-9a5e-2f9d4b3c1a77", "task 0d5f7ad6-8a0c-4f0a-9a5e-2f9d4b3c1a77"),
    ],
)
def test_what_is_left_can_still_be_read(said: str, left: str) -> None:
    assert redact(said) == left


def test_a_megabyte_without_a_space_is_read_in_no_time() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a" * 500_000 + "@" + '"' * 500_000, None, None)
    assert redact(record.getMessage()).count("[address]") == 1
