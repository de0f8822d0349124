"""Quoted-printable (RFC 2045 section 6.7) for a whole text, and for a text in pieces that are encoded apart."""

from __future__ import annotations

import binascii

# Octets of a line without its CRLF.
LINE = 76


def quoted_printable(text: str) -> bytes:
    """The text as quoted-printable lines of at most 76 octets, ending in the CRLF that belongs to what follows."""
    return _safe_at_line_starts(binascii.b2a_qp(_lines(text) + b"\r\n", istext=True))


def quoted_piece(text: str) -> bytes:
    """A piece of a text that ends where a line ends, or in a soft line break: any other piece may follow it."""
    octets = text.encode()
    if len(octets) < LINE and not octets.startswith(b".") and not octets.translate(None, _LITERAL):
        return octets + b"=\r\n" if octets else b""
    # With a letter after it nothing at its end is taken for the end of a line, and there is room for the "=". Without
    # a CRLF somewhere b2a_qp would break lines with a bare LF.
    encoded = _safe_at_line_starts(binascii.b2a_qp(_lines(text) + b"x\r\n", istext=True))[:-3]
    return encoded if encoded.endswith(b"\r\n") or not encoded else encoded + b"=\r\n"


# Letters, digits and marks that stand for themselves wherever they are in a line, and begin no "From ".
_LITERAL = b"abcdefghijklmnopqrstuvwxyzABCDEGHIJKLMNOPQRSTUVWXYZ0123456789-_/:#?&;,. "


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


def _safe_at_line_starts(encoded: bytes) -> bytes:
    """No line begins with "From " or a dot; a soft line break behind the code keeps lines as short as they were.

    Mail stores take a line "From …" for the start of the next message and put a > before it. A dot would be doubled on
    its way (RFC 5321 4.5.2), and this is said once for all readers of a letter, not looked for in each.
    """
    encoded = (b"\r\n" + encoded).replace(b"\r\nFrom ", b"\r\n=46=\r\nrom ")
    while b"\r\n." in encoded:  # of several dots, what is left begins the next line
        encoded = encoded.replace(b"\r\n.", b"\r\n=2E=\r\n")
    return encoded[2:]
