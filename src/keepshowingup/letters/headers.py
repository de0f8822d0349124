"""Header lines as they go over the wire: ASCII, folded, and nothing in them that could start another header.

RFC 5322 for the lines, RFC 2047 for other scripts, RFC 2369, 2919, 3834 and 8058 for what a list says of itself.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from keepshowingup.letters.errors import LetterError

#: Octets of a line without its CRLF; the most that RFC 2047 allows a line with an encoded word.
LINE = 76

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABELS = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABELS}\Z")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>\Z")
_LIST_ID = re.compile(rf"{_LABELS}\Z")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}\Z")
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*\Z")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*\Z")
_TOKEN = re.compile(r"[!-~]{1,200}\Z")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LITERAL_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


@dataclass(frozen=True)
class LetterHeaders:
    """What the envelope and the headers of one letter say.

    ``date`` is aware. ``message_id`` may come with or without its angle brackets. ``list_id`` is a neutral domain-like
    name that never changes; notices that belong to no list leave it, ``unsubscribe_url`` and ``feedback_id`` empty.
    ``return_path`` belongs to the envelope: whoever hands the letter over uses it, it is not written in the message.
    """

    from_name: str
    from_address: str
    to_address: str
    message_id: str
    date: datetime
    reply_to: str = ""
    list_id: str = ""
    list_name: str = ""
    unsubscribe_url: str = ""
    feedback_id: str = ""
    return_path: str = ""

    @property
    def bracketed_id(self) -> str:
        """The Message-ID as it is written: in angle brackets."""
        return self.message_id if self.message_id.startswith("<") else f"<{self.message_id}>"


def write_headers(headers: LetterHeaders, subject: str) -> str:
    """All header lines but those of the content, each ending in CRLF. Raises :class:`LetterError` for unfit values."""
    lines = [
        mailbox("From", headers.from_name, headers.from_address),
        f"To: {check_address_form(headers.to_address, 'to')}",
        unstructured("Subject", subject),
        f"Date: {_date(headers.date)}",
        f"Message-ID: {_matching(_MESSAGE_ID, headers.bracketed_id, 'Message-ID')}",
    ]
    if headers.reply_to:
        lines.append(mailbox("Reply-To", "", headers.reply_to))
    if headers.list_id:
        lines.append(_list_id(headers.list_name, headers.list_id))
    if headers.unsubscribe_url:
        # On one line however long: a fold right after the colon makes some providers overlook it.
        lines.append(f"List-Unsubscribe: <{_matching(_URL, headers.unsubscribe_url, 'List-Unsubscribe')}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    if headers.feedback_id:
        lines.append(f"Feedback-ID: {_matching(_TOKEN, headers.feedback_id, 'Feedback-ID')}")
    lines.append("Auto-Submitted: auto-generated")
    lines.append("X-Auto-Response-Suppress: OOF, AutoReply")
    return "\r\n".join(lines) + "\r\n"


def check_line(text: str, part: str) -> str:
    """The text, if it may stand in a header.

    Raises :class:`LetterError` for line breaks, control characters, and characters that turn the writing around.
    """
    if text.isascii() and text.isprintable():
        return text
    if _BIDI.search(text):
        raise LetterError("It holds a character that turns the direction of writing. Remove it.", part=part)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise LetterError("It holds a line break or a control character. Write it on one line.", part=part)
    return text


@lru_cache(maxsize=1024)
def unstructured(name: str, text: str) -> str:
    """A header of free text, such as ``Subject``, without its final CRLF; other scripts become encoded words."""
    check_line(text, name.lower())
    words = text.split(" ")
    if _PLAIN.match(text) and "=?" not in text and max(map(len, words)) <= LINE - len(name) - 2:
        return _fold(name, words)
    return _fold(name, list(encoded_words(text, first=LINE - len(name) - 2)))


def check_address_form(address: str, part: str) -> str:
    """The address, if it may stand in a header as it is. Raises :class:`LetterError`, without quoting it."""
    if not _ADDRESS.match(address) or len(address) > 254:
        raise LetterError(
            "The address must be plain ASCII like name@example.org, its domain in the xn-- form.", part=part
        )
    return address


@lru_cache(maxsize=64)
def mailbox(name: str, display: str, address: str) -> str:
    """``From`` or ``Reply-To`` with one address (RFC 5322 section 3.4), without its final CRLF."""
    check_address_form(address, name.lower())
    if not display:
        return f"{name}: {address}"
    return _fold(name, [*phrase(display, part=name), f"<{address}>"])


def phrase(text: str, *, part: str) -> list[str]:
    """A display name as the words of a header: bare, quoted, or encoded. ``part`` is the header's name."""
    check_line(text, part.lower())
    room = LINE - len(part) - 2
    if _PLAIN.match(text) and "=?" not in text:
        bare = _ATOMS.match(text)
        words = (text if bare else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"').split(" ")
        if max(map(len, words)) <= room:
            return words
    return list(encoded_words(text, first=room))


def encoded_words(text: str, *, first: int) -> Iterator[str]:
    """The text as RFC 2047 encoded words that split no character. ``first`` is the room on the header's first line."""
    room, octets = first, b""
    for character in text:
        grown = octets + character.encode()
        if octets and len(_encoded_word(grown)) > room:
            yield _encoded_word(octets)
            room, grown = LINE - 1, character.encode()
        octets = grown
    yield _encoded_word(octets)


def _encoded_word(octets: bytes) -> str:
    """One encoded word, in the shorter of both encodings."""
    quoted = "".join("_" if o == 0x20 else chr(o) if o in _LITERAL_IN_Q else f"={o:02X}" for o in octets)
    based = base64.b64encode(octets).decode()
    return f"=?utf-8?q?{quoted}?=" if len(quoted) <= len(based) else f"=?utf-8?b?{based}?="


def _fold(name: str, words: Sequence[str]) -> str:
    """``Name: words`` in lines of at most :data:`LINE` where words allow it, never broken before the first word."""
    lines = [f"{name}: {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "\r\n".join(lines)


@lru_cache(maxsize=64)
def _list_id(name: str, list_id: str) -> str:
    """RFC 2919: a name for people, the identifier for machines."""
    _matching(_LIST_ID, list_id, "List-Id")
    return _fold("List-Id", [*(phrase(name, part="List-Id") if name else []), f"<{list_id}>"])


@lru_cache(maxsize=64)
def _date(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise LetterError("The date needs a time zone.", part="date")
    return format_datetime(moment.astimezone(UTC))


def _matching(pattern: re.Pattern[str], value: str, name: str) -> str:
    if not pattern.match(value):
        raise LetterError(f"The value of {name} can't stand in a header.", part=name.lower())
    return value
