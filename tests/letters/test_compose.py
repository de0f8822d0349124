from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.letters.compose import LetterHeaders, RenderedLetter, compose, render
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import HEADERS, letter_of

PLAIN = RenderedLetter(subject="Hello", html="<p>Hello</p>\n", text="Hello\n")
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

any_line = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=BIDI), max_size=300)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)


def read(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def parts_of(message: bytes) -> tuple[str, str]:
    parsed = read(message)
    assert parsed.get_content_type() == "multipart/alternative"
    assert not parsed.defects
    text, html = parsed.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text["Content-Transfer-Encoding"] == html["Content-Transfer-Encoding"] == "quoted-printable"
    return content_of(text), content_of(html)


def content_of(part: Message) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode()


def crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def assert_wire_form(message: bytes) -> None:
    assert message.isascii()
    assert message.endswith(b"\r\n")
    without = message.replace(b"\r\n", b"")
    assert b"\r" not in without
    assert b"\n" not in without
    for line in message.split(b"\r\n"):
        assert not line.startswith(b".")  # nothing that would have to be doubled on the wire
        assert len(line) <= 76 or line.startswith((b"List-Unsubscribe:", b"From:", b"To:", b"Message-ID:")), line


@given(any_text, any_text)
@example(".", ".\n..\n.\r\n.")
@example("From here\nFrom there", "\nFrom\n>From x\n")
@example("x" * 5000, "<p>" + "y" * 5000)
@example("é" * 300 + " \n\t\n a ", "= =3D =\n=_ --=_")
@example("--=_5\n--=_5--\n", "\x00\x01\x7f\x85\u2028\U0010ffff")
@example("a\rb\r\nc\n\rd", "")
@settings(deadline=None)
def test_the_standard_librarys_parser_reads_both_bodies_back(text: str, html: str) -> None:
    message = compose(RenderedLetter(subject="Hello", html=html, text=text), HEADERS)
    assert_wire_form(message)
    assert parts_of(message) == (crlf(text), crlf(html))


@given(any_line)
@example("=?utf-8?q?already_encoded?=")
@example("a  b   c ")
@example(" ")
@example("x" * 300)
@example("Grüße " * 20)
@example("👩‍👩‍👧" * 40)
@example("日本語の件名がとても長い場合" * 5)
@example('a, b; c: <d> "e" (f) \\g [h] @i.')
@settings(deadline=None)
def test_every_subject_comes_back_as_it_was(subject: str) -> None:
    message = compose(replace(PLAIN, subject=subject), HEADERS)
    assert_wire_form(message)
    assert str(read(message)["Subject"]) == subject


@given(any_line.filter(lambda name: name.strip() == name and name))
@example('Ruth "Ruthie" O\'Brien')
@example("Harbour, Letters & Co. <x@y>")
@example("a\\b")
@example("Zoë")
@example("美咲")
@example("=?utf-8?q?a?=")
@example("x" * 200)
@example("a  b")
@settings(deadline=None)
def test_every_display_name_comes_back_as_it_was(name: str) -> None:
    message = compose(PLAIN, replace(HEADERS, from_name=name))
    assert_wire_form(message)
    (address,) = read(message)["From"].addresses
    assert address.addr_spec == HEADERS.from_address
    # Before 3.12.9 the newer interface puts a space between encoded words that follow each other in an address.
    display, _ = parseaddr(str(message_from_bytes(message)["From"]).replace("\r\n", ""))
    assert str(make_header(decode_header(display))) == name
    if display.count("=?") < 2:
        # It also shows runs of white space in a name as one space.
        assert re.sub(r"\s+", " ", address.display_name) == re.sub(r"\s+", " ", name)


def test_the_headers_promised_are_there_once_each() -> None:
    parsed = read(compose(PLAIN, HEADERS))
    assert {name: str(value) for name, value in parsed.items() if name != "Content-Type"} == {
        "From": "Harbour letters <letters@harbour.example>",
        "To": "maya@example.org",
        "Subject": "Hello",
        "Date": "Mon, 23 Nov 2026 09:00:00 +0000",
        "Message-ID": "<5f0c2d7e9a1b4c3d@harbour.example>",
        "Reply-To": "ruth@harbour.example",
        "List-Id": "Harbour letters <letters.harbour.example>",
        "List-Unsubscribe": "<https://harbour.example/unsubscribe/q7Yw0m3TnB2cKx9Z>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": "nine:step:letters:harbour",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "MIME-Version": "1.0",
    }
    assert len(parsed.keys()) == len({name.lower() for name in parsed})


def test_a_notice_has_no_list_headers() -> None:
    notice = replace(HEADERS, unsubscribe_url="", list_id="", feedback_id="", reply_to="")
    assert not [name for name in read(compose(PLAIN, notice)) if name.startswith(("List-", "Feedback", "Reply"))]


def test_a_long_unsubscribe_address_is_never_folded() -> None:
    url = "https://harbour.example/" + "a" * 400
    message = compose(PLAIN, replace(HEADERS, unsubscribe_url=url))
    assert b"\r\nList-Unsubscribe: <" + url.encode() + b">\r\n" in message
    assert max(map(len, message.split(b"\r\n"))) <= 998


def test_the_envelope_sender_is_not_written_in_the_message() -> None:
    assert b"bounce+x" not in compose(PLAIN, replace(HEADERS, return_path="bounce+x@harbour.example"))


def test_a_message_id_gets_its_brackets() -> None:
    bare = replace(HEADERS, message_id=HEADERS.message_id.strip("<>"))
    assert compose(PLAIN, bare) == compose(PLAIN, HEADERS)


def test_a_retry_sends_the_same_bytes() -> None:
    assert compose(render(letter_of("step"), SAMPLE), HEADERS) == compose(render(letter_of("step"), SAMPLE), HEADERS)


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u202eb", "a\u2066b", "a\x1bb", "a\ud800"]
)
def test_nothing_can_start_a_header_of_its_own(bad: str) -> None:
    for letter, headers in (
        (replace(PLAIN, subject=bad), HEADERS),
        (PLAIN, replace(HEADERS, from_name=bad)),
        (PLAIN, replace(HEADERS, list_name=bad)),
    ):
        with pytest.raises(LetterError):
            compose(letter, headers)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("to_address", ""),
        ("to_address", "maya"),
        ("to_address", "maya@example.org, eve@example.org"),
        ("to_address", "maya@example.org\r\nBcc: eve@example.org"),
        ("to_address", "maya@example.org\n"),
        ("to_address", "Maya <maya@example.org>"),
        ("to_address", "mäya@example.org"),
        ("to_address", "maya@exämple.org"),
        ("to_address", "a" * 250 + "@example.org"),
        ("from_address", "letters @example.org"),
        ("reply_to", "x@y\r\n"),
        ("message_id", "a b@c"),
        ("message_id", "no-at-sign"),
        ("message_id", "<a@b>\r\nX: y"),
        ("list_id", "letters example"),
        ("list_id", "a>b"),
        ("unsubscribe_url", "mailto:x@example.org"),
        ("unsubscribe_url", "https://example.org/a b"),
        ("unsubscribe_url", "https://example.org/>, <https://evil.example/"),
        ("unsubscribe_url", "https://example.org/" + "a" * 960),
        ("feedback_id", "a b"),
        ("feedback_id", "a\r\nb"),
        ("date", dt.datetime(2026, 11, 23, 9, 0)),
    ],
)
def test_values_that_can_not_stand_in_a_header_are_refused(field: str, bad: Any) -> None:
    with pytest.raises(LetterError) as raised:
        compose(PLAIN, replace(HEADERS, **{field: bad}))
    assert "eve" not in raised.value.message


def test_dates_are_in_utc_and_in_english() -> None:
    assert re.search(rb"\r\nDate: Mon, 23 Nov 2026 09:00:00 \+0000\r\n", compose(PLAIN, HEADERS))


def test_headers_need_only_what_every_message_has() -> None:
    least = LetterHeaders("", "a@b.example", "c@d.example", "<e@f>", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert str(read(compose(PLAIN, least))["From"]) == "a@b.example"
