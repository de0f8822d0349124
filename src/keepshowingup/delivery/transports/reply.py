"""What a server said about one letter, whatever transport it left by."""

from __future__ import annotations

import re
from dataclasses import dataclass

# RFC 3463: class.subject.detail at the start of the reply text.
ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b\s*")


@dataclass(frozen=True)
class Reply:
    """A server's answer: the SMTP code, the enhanced status (RFC 3463, may be empty) and its words, on one line."""

    code: int
    enhanced: str = ""
    text: str = ""

    @classmethod
    def read(cls, code: int, raw: bytes | str) -> Reply:
        """Split a raw reply text into enhanced status and words."""
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        text = " ".join(text.split())
        found = ENHANCED.match(text)
        return cls(code, found[1] if found else "", text[found.end() :] if found else text)

    @property
    def accepted(self) -> bool:
        """The server took responsibility for the letter (RFC 5321 4.2.5)."""
        return 200 <= self.code < 300

    @property
    def goes_on(self) -> bool:
        """The server wants to hear more (RFC 5321 4.2.1: 2yz and 3yz)."""
        return 200 <= self.code < 400

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))


@dataclass(frozen=True)
class AnswerLost:
    """The connection broke between the final dot and the server's answer: it may have the letter."""

    why: str


@dataclass(frozen=True)
class Withheld:
    """Between the envelope and the message we thought better of it: nothing was handed over."""


@dataclass(frozen=True)
class NotTried:
    """The connection ended before this letter's turn had come."""


class ConnectionDown(Exception):
    """The server is not there, or went away before the final dot was sent: nothing was handed over."""


Outcome = Reply | AnswerLost | ConnectionDown | NotTried | Withheld
"""What became of one letter on one connection."""
