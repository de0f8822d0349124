"""Looking into a mail that may be broken: its parts, its words, its fields. Never raises for any bytes.

The parser's ``compat32`` policy is used on purpose: the newer one raises on header lines that real servers write.
"""

from __future__ import annotations

import binascii
import email
import quopri
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

# What every mail has at least one of. Without any, the bytes are something else.
_MARKS_OF_A_MAIL = ("received", "from", "to", "date", "message-id", "return-path", "mime-version", "subject")

_TAG = re.compile(r"<[^>]{1,500}>")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)$")

Fields = dict[str, str]
Mail = Message


def parse(raw: bytes) -> Mail | None:
    """The mail in these bytes, or None when they are no mail."""
    # mbox files put an envelope line before the headers.
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    mail = email.message_from_bytes(raw.lstrip(b"\r\n"))
    if not any(mark in mail for mark in _MARKS_OF_A_MAIL):
        return None
    if mail.get_content_type() == "message/rfc822" and (inner := first_message(mail)) is not None:
        return inner  # a mail kept as the attachment of nothing: some archives do that
    return mail


def first_message(part: Mail) -> Mail | None:
    """The mail inside a ``message/*`` part, if there is one."""
    payload = part.get_payload()
    return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None


def parts(mail: Mail) -> Iterator[Mail]:
    """The mail's own parts, not those of a mail attached to it."""
    yield mail
    payload = mail.get_payload()
    if mail.get_content_maintype() == "multipart" and isinstance(payload, list):
        for part in payload:
            if isinstance(part, Message):
                yield from parts(part)


def header(mail: Mail, name: str) -> str:
    """A header's words on one line, decoded as far as they can be; empty when it is missing."""
    value = mail.get(name, "")
    try:
        pieces = decode_header(str(value))
    except (HeaderParseError, ValueError):
        pieces = [(str(value), None)]
    words = (_decoded(piece, charset or "utf-8") if isinstance(piece, bytes) else piece for piece, charset in pieces)
    return " ".join("".join(words).split())


def words_of(part: Mail) -> str:
    """A text part's words; HTML without its tags."""
    text = _decoded(_body(part), part.get_content_charset("utf-8"))
    return _TAG.sub(" ", text) if part.get_content_subtype() == "html" else text


def all_words(mail: Mail, limit: int = 200_000) -> str:
    """The words of the mail's own text parts, up to ``limit`` characters."""
    texts = (words_of(part) for part in parts(mail) if part.get_content_maintype() == "text")
    return "\n".join(texts)[:limit]


def field_blocks(part: Mail) -> list[Fields]:
    """The blocks of ``Name: value`` lines in a report part, however it is encoded, names in lower case."""
    payload = part.get_payload()
    if isinstance(payload, list):
        encoded = part.get("content-transfer-encoding", "").strip().lower() in {"base64", "quoted-printable"}
        if not encoded:
            return [
                {name.lower(): " ".join(str(value).split()) for name, value in block.items()}
                for block in payload
                if isinstance(block, Message)
            ]
        # The parser has read the encoded lines as headers: put them together again.
        text = "\n".join(block.as_string() for block in payload if isinstance(block, Message))
        return blocks_in(_decoded(_transfer_decoded(text, part), "utf-8"))
    return blocks_in(words_of(part))


def blocks_in(text: str) -> list[Fields]:
    """The blocks of ``Name: value`` lines in a text; lines that are none are passed over."""
    blocks: list[Fields] = [{}]
    last = ""
    for line in text.splitlines():
        if not line.strip():
            blocks.append({})
            last = ""
        elif line[0] in " \t" and last:
            blocks[-1][last] += " " + line.strip()
        elif found := _FIELD.match(line):
            last = found[1].lower()
            blocks[-1].setdefault(last, found[2].strip())
    return [block for block in blocks if block]


def _body(part: Mail) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _transfer_decoded(text: str, part: Mail) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if part.get("content-transfer-encoding", "").strip().lower() == "quoted-printable":
        return quopri.decodestring(raw)
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        return raw


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset nobody has heard of
        return raw.decode("latin-1")
