"""What a hostile mail server may do, as values: to a letter, and to a connection before its first one."""

from __future__ import annotations

import random
from dataclasses import dataclass

SLOW = 2.5  # seconds


@dataclass(frozen=True)
class Mood:
    """How the server treats one letter, ``at`` MAIL, RCPT, DATA, in the ``body``, or at the ``dot`` that ends it.

    ``does``: ``refuse`` (with ``words``; after a 421 it closes), ``drop`` or ``reset`` the connection, say ``half``
    an answer and drop it, be ``slow``, ``stall`` for longer than a lease, let its answer ``drip``, answer in many
    ``lines``, or say ``goodbye`` (421) right after a good answer. ``share`` is of a hundred letters.
    """

    does: str
    at: str
    share: float = 0.0
    words: str = ""
    leaves: bool = False  # the reader leaves while the server is slow

    @property
    def name(self) -> str:
        """Its name in plans and records."""
        what = self.words[:9] if self.does == "refuse" else "leaves meanwhile" if self.leaves else self.does
        return f"{what} at {self.at}"

    @property
    def ends_the_line(self) -> bool:
        """The connection ends before the letter was handed over: the engine rests the whole relay for seconds."""
        if self.at in {"MAIL", "RCPT", "DATA", "body"}:
            return self.does in {"drop", "reset", "half"} or self.words.startswith("421")
        return self.does == "goodbye"

    @property
    def puts_off(self) -> bool:
        """The letter is to come again later: in a minute, in real time."""
        return self.does == "refuse" and is_about_the_moment(self.words) and not self.words.startswith("421")

    @property
    def is_about_us(self) -> bool:
        """Policy, protocol, content: the engine rests the recipient's domain."""
        return self.does == "refuse" and is_about_us(self.words)


def _subject(words: str) -> str:
    """The class and the subject of an enhanced status (RFC 3463), as in ``5.7``."""
    return words[4:7]


def is_about_the_address(words: str) -> bool:
    """RFC 3463 5.1.1, 5.1.2, 5.1.3, 5.1.6 and 5.1.10: nobody is there, nor will be."""
    return words[4:].split(" ")[0] in {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"}


def is_about_us(words: str) -> bool:
    """RFC 3463 5.5.X, 5.6.X and 5.7.X: protocol, content, policy. No reader is to blame."""
    return _subject(words) in {"5.5", "5.6", "5.7"}


def is_about_the_moment(words: str) -> bool:
    """Everything else: it may be taken another time."""
    return not is_about_the_address(words) and not is_about_us(words)


LETTERS = (
    Mood("refuse", "RCPT", 0.5, "450 4.2.0 greylisted, come back later"),
    Mood("refuse", "RCPT", 0.15, "452 4.3.1 no room for recipients"),
    Mood("refuse", "RCPT", 0.15, "552 5.2.2 the mailbox is full"),
    Mood("refuse", "RCPT", 0.1, "550 5.1.0 something about the address"),
    Mood("refuse", "RCPT", 0.1, "554 5.3.0 the mail system is not well"),
    Mood("refuse", "RCPT", 0.1, "554 5.4.6 it went in circles"),
    Mood("refuse", "RCPT", 0.2, "501 5.5.4 we do not understand"),
    Mood("refuse", "RCPT", 0.3, "550 5.7.1 refused by policy"),
    Mood("refuse", "RCPT", 0.1, "421 4.3.2 closing for a while"),
    Mood("drop", "RCPT", 0.1),
    Mood("reset", "RCPT", 0.1),
    Mood("half", "RCPT", 0.1),
    Mood("slow", "RCPT", 0.4),
    Mood("slow", "RCPT", 0.3, leaves=True),
    Mood("drip", "RCPT", 0.5),
    Mood("lines", "RCPT", 0.5),
    Mood("refuse", "DATA", 0.1, "451 4.3.0 not just now"),
    Mood("refuse", "DATA", 0.2, "554 5.7.1 refused by policy"),
    Mood("refuse", "DATA", 0.1, "421 4.3.2 closing for a while"),
    Mood("drop", "DATA", 0.1),
    Mood("reset", "DATA", 0.1),
    Mood("half", "DATA", 0.1),
    Mood("slow", "DATA", 0.7),
    Mood("drip", "DATA", 0.5),
    Mood("drop", "body", 0.1),
    Mood("reset", "body", 0.1),
    Mood("refuse", "dot", 0.3, "451 4.3.0 no room in the queue"),
    Mood("refuse", "dot", 0.3, "421 4.3.2 closing for a while"),
    Mood("refuse", "dot", 0.2, "554 5.6.0 we do not like its form"),
    Mood("refuse", "dot", 0.5, "554 5.7.1 refused by policy"),
    Mood("drop", "dot", 2.0),
    Mood("reset", "dot", 1.0),
    Mood("half", "dot", 0.7),
    Mood("slow", "dot", 1.5),
    Mood("stall", "dot", 0.3),
    Mood("drip", "dot", 1.5),
    Mood("lines", "dot", 1.5),
    Mood("goodbye", "dot", 0.2),
)
ENDS = (  # of a mailbox
    Mood("refuse", "RCPT", words="550 5.1.1 no such user here"),
    Mood("refuse", "RCPT", words="550 5.1.2 no such domain"),
    Mood("refuse", "RCPT", words="553 5.1.3 no such address can be"),
    Mood("refuse", "RCPT", words="551 5.1.6 moved away"),
    Mood("refuse", "RCPT", words="556 5.1.10 takes no mail"),
    Mood("refuse", "dot", words="550 5.1.1 no such user here"),
)
AT_MAIL = (
    Mood("slow", "MAIL"),
    Mood("drip", "MAIL"),
    Mood("lines", "MAIL"),
    Mood("drop", "MAIL"),
    Mood("half", "MAIL"),
    Mood("refuse", "MAIL", words="421 4.3.2 closing for a while"),
    Mood("refuse", "MAIL", words="451 4.3.0 not just now"),
)
BY_NAME = {mood.name: mood for mood in (*LETTERS, *ENDS, *AT_MAIL)}

OPENINGS = ("shut", "half", "421", "554", "slow", "cut at EHLO")
# What can go wrong only there, by how the relay is reached.
OPENINGS_OF = {
    "": ("no EHLO",),
    "starttls": ("no STARTTLS", "454 at STARTTLS", "cut at STARTTLS", "noise at STARTTLS"),
    "tls": ("cut at STARTTLS", "noise at STARTTLS"),  # there is no such command: its handshake fails
}


@dataclass(frozen=True)
class Temper:
    """How one connection is treated, whoever's letters come over it."""

    pipelines: bool = True
    takes_nobody: bool = False  # asks for a message (354) though it has refused every recipient: RFC 2920 3.1
    opening: str = ""
    mood: Mood | None = None  # at MAIL number ``nth``
    nth: int = 0


def temper_of(seed: int, number: int, security: str, *, brief: bool) -> Temper:
    """How the server treats its connection of that number (1 is the first): as behind a balancer, each its own way."""
    rng = random.Random(f"chaos {seed} connection {number}")
    pipelines, takes_nobody = rng.random() > 0.3, rng.random() < 0.5
    opening = rng.choice(OPENINGS + 2 * OPENINGS_OF[security]) if rng.random() < 0.1 else ""
    # What is put off at MAIL is put off for a minute.
    moods = [mood for mood in AT_MAIL if not (brief and mood.puts_off)]
    mood = rng.choice(moods) if rng.random() < 0.12 else None
    return Temper(pipelines, takes_nobody, opening if number > 1 else "", mood, rng.randint(2, 20))
