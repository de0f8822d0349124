"""One kept SMTP connection, and the one moment in it that matters: the final dot.

RFC 5321 6.1 makes the dot the point where responsibility passes. MAIL, RCPT and DATA go out together where the server
offers PIPELINING (RFC 2920), message and dot go out together, and behind the dot the next letter's MAIL, RCPT and DATA:
one round trip a letter. The journal is told right before a dot leaves. If writing it fails the dot has not left and
nothing was handed over; if it does not fail, only the server's answer tells. So of all the letters on a connection at
most one is in doubt at any moment: the one whose dot has left and is not answered. For that an answer is told before
the next dot leaves.

Nothing here waits. A lane is told when its socket can be read or written, and says what became of its letters.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keepshowingup.delivery.transports.relay import Opened
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, NotTried, Outcome, Reply, Withheld

COMMAND_SECONDS = 30.0
# RFC 5321 4.5.3.2.6: a server may take 10 minutes to answer the dot. A client that gives up sooner sends twice.
ANSWER_SECONDS = 600.0
# RFC 5321 4.5.3.1.5 allows 512 octets in a reply line. Whoever sends more than this without an end is no mail server.
LONGEST_REPLY = 64 * 1024
# What nearly every server says to nearly every envelope: one line each to MAIL and RCPT, and 354 to DATA.
ALL_WELL = re.compile(rb"2\d\d [^\n]*\n2\d\d [^\n]*\n354[ \r][^\n]*\n")
FOREVER = float("inf")
DATA, CRLF, END = b"DATA\r\n", b"\r\n", b".\r\n"
# One sent, one asked for, one that waits.
MOST_LETTERS = 3


@dataclass(frozen=True, eq=False, slots=True)
class Load:
    """A letter for a lane. ``of`` is whatever its owner knows it by.

    ``still_wanted`` is asked right before the envelope leaves, and once more before DATA where that leaves by itself;
    ``at_the_dot`` right before message and dot do. False keeps the letter here. ``answered`` is told the server's word
    on the letter, to its envelope or to the dot, before anything else leaves. ``dotless``: no line of the message
    begins with a dot.
    """

    of: Any
    sender: str
    recipient: str
    message: bytes
    still_wanted: Callable[[], bool]
    at_the_dot: Callable[[], bool]
    answered: Callable[[Reply], None] = lambda _: None
    dotless: bool = False

    @property
    def envelope(self) -> list[bytes]:
        """The commands before the message."""
        return [
            b"MAIL FROM:<%b>\r\n" % self.sender.encode(),
            b"RCPT TO:<%b>\r\n" % self.recipient.encode(),
            DATA,
        ]


Done = list[tuple[Load, Outcome]]
"""Which letters have an outcome now."""


class Lane:
    """A connection from its greeting on, with up to :data:`MOST_LETTERS` letters."""

    def __init__(self, opened: Opened, name: str) -> None:
        self.name = name
        self.sock = opened.sock
        self.pipelining = opened.pipelining
        self.closed = False
        self.deadline = FOREVER
        """When patience ends (monotonic seconds)."""
        self.busy_since = FOREVER
        """Since when the server owes the answer we wait for (monotonic seconds)."""
        self._sent: Load | None = None
        self._asked: Load | None = None
        self._waits: Load | None = None
        self._forgetting = False  # the server has refused an envelope and is told to forget it
        self._left_alone = False  # somebody else has the letter that was asked for
        self._commands: list[bytes] = []
        self._replies: list[Reply] = []
        self._words: list[bytes] = []
        self._out = memoryview(b"")
        self._behind_the_dot = 0
        self._in = b""

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return not (self.closed or self._sent or self._asked or self._waits or self._forgetting or self._left_alone)

    @property
    def has_room(self) -> bool:
        """One more letter can be offered."""
        return self.idle or (self.pipelining and self._waits is None and not (self.closed or self._left_alone))

    @property
    def letters(self) -> int:
        """How many letters are on it."""
        return (self._sent is not None) + (self._asked is not None) + (self._waits is not None)

    @property
    def awaits_answer(self) -> bool:
        """The dot has left and the server has not answered it: its letter is in doubt."""
        return self._sent is not None

    @property
    def wants_to_write(self) -> bool:
        """The socket took less than it was given: tell the lane when it can take more."""
        return bool(self._out)

    def offer(self, load: Load) -> Done:
        """Begin with a letter, or let it wait until the one before it has gone; there must be room."""
        if not self.idle:
            self._waits = load
            return []
        return self._ask(load)

    def readable(self) -> Done:
        """The socket can be read."""
        try:
            octets = self.sock.recv(16384)
            while isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                octets += self.sock.recv(16384)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        except OSError as error:
            return self._broken(str(error))
        if not octets:
            return self._broken("the server closed the connection")
        self._in += octets
        return self._read_replies()

    def writable(self) -> Done:
        """The socket can take more."""
        try:
            self._out = self._out[self.sock.send(self._out) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            return self._broken(str(error))
        return []

    def out_of_patience(self) -> Done:
        """The deadline has passed."""
        return self._broken("no answer in time")

    def leave_alone(self) -> list[Load]:
        """Take back the letters behind the one whose answer is waited for: they go by other ways."""
        taken = [load for load in (self._asked if self._sent else None, self._waits) if load]
        self._left_alone = self._sent is not None and self._asked is not None
        self._waits = None
        if self._sent:
            self._asked = None
        return taken

    def close(self) -> None:
        """Let go of the connection, with a word of goodbye where nothing is under way."""
        if self.idle:
            with suppress(OSError):  # it was gone already: there is nobody to say goodbye to
                self.sock.send(b"QUIT\r\n")
        self._drop()

    # --- out ---

    def _ask(self, load: Load) -> Done:
        return self._send_envelope(load) if load.still_wanted() else [(load, Withheld())]

    def _send_envelope(self, load: Load, before: bytes = b"") -> Done:
        """Behind ``before``, if there is something to be sent first."""
        self._asked, self._replies, self._commands = load, [], load.envelope
        if not before:
            self._wait(COMMAND_SECONDS)
        if self.pipelining:
            envelope, self._commands = b"".join(self._commands), []
        else:
            envelope = self._commands.pop(0)
        self._behind_the_dot = len(envelope)
        return self._send(before + envelope)

    def _hand_over(self, load: Load) -> Done:
        """The server waits for the message."""
        self._asked = None
        kept_back: Done = []
        # Whatever may fail comes before the dot: a letter that is written down as sent has to be.
        if self._waits and not self._waits.still_wanted():
            kept_back, self._waits = [(self._waits, Withheld())], None
        if not load.at_the_dot():
            # After 354 there is no way back but this.
            return [*kept_back, (load, Withheld()), *self._broken("we thought better of it")]
        self._sent, self._behind_the_dot = load, 0
        self._wait(ANSWER_SECONDS)
        message = load.message + END if load.dotless and load.message.endswith(CRLF) else stuffed(load.message)
        if self._waits is None:
            return [*kept_back, *self._send(message)]
        waiting, self._waits = self._waits, None
        return self._send_envelope(waiting, before=message)

    def _send(self, octets: bytes) -> Done:
        self._out = memoryview(bytes(self._out) + octets if self._out else octets)
        return self.writable()

    def _wait(self, patience: float) -> None:
        self.busy_since = time.monotonic()
        self.deadline = self.busy_since + patience

    # --- in ---

    def _read_replies(self) -> Done:
        """Take complete replies, all their lines (RFC 5321 4.2.1), off what has been read."""
        done: Done = []
        while not self.closed and (end := self._in.find(b"\n")) >= 0:
            if self._asked and not (self._sent or self._replies or self._words or self._forgetting):
                well = ALL_WELL.match(self._in)
                if well:  # nobody needs the words
                    self._in = self._in[well.end() :]
                    done += self._hand_over(self._asked)
                    continue
            line, self._in = self._in[:end].rstrip(b"\r"), self._in[end + 1 :]
            if not line[:3].isdigit():
                return done + self._broken(f"it said {line[:80]!r}")
            self._words.append(line[4:])
            if line[3:4] == b"-":
                continue
            reply, self._words = Reply.read(int(line[:3]), b" ".join(self._words)), []
            done += self._answered(reply)
        if len(self._in) > LONGEST_REPLY:
            done += self._broken("its reply has no end")
        return done

    def _answered(self, reply: Reply) -> Done:
        if self._sent:
            return self._final(self._sent, reply)
        if self._forgetting:
            self._forgetting = False
            return self._go_on()
        if self._asked:
            return self._envelope_answered(self._asked, reply)
        # To nothing we asked: a goodbye to somebody who kept it waiting, or to a letter that others have.
        return self._broken(str(reply))

    def _final(self, load: Load, reply: Reply) -> Done:
        """The server's word on the message."""
        if len(self._out) > self._behind_the_dot:
            # It answered before it had the dot, so it does not have the letter; what it says next nobody knows.
            early = ConnectionDown(f"{self.name}: it said {reply} too early") if reply.accepted else reply
            self._sent = None
            if early is reply:
                load.answered(reply)
            return [(load, early), *self._broken("it answered too early")]
        self._sent = None
        load.answered(reply)
        if reply.code == 421 or self._left_alone:
            return [(load, reply), *self._broken(str(reply))]
        if self._asked:
            self._wait(COMMAND_SECONDS)
            return [(load, reply)]
        return [(load, reply), *self._go_on()]

    def _envelope_answered(self, load: Load, reply: Reply) -> Done:
        """One more word on the envelope."""
        self._replies.append(reply)
        if self._commands and reply.goes_on:
            if self._commands == [DATA] and not load.still_wanted():
                # It took its time over RCPT, and meanwhile the reader has left.
                return [(load, Withheld()), *self._forget_envelope(b"RSET\r\n")]
            return self._send(self._commands.pop(0))
        if self.pipelining and len(self._replies) < 3:
            return []
        refusal = next((reply for reply in self._replies if not reply.goes_on), None)
        if refusal is None:
            return self._hand_over(load)
        if refusal.code == 421:
            return self._broken(str(refusal))
        load.answered(refusal)
        # A server that takes DATA without a recipient wants an (empty) message; it must refuse it (RFC 2920 3.1).
        end = b".\r\n" if self._replies[-1].code == 354 else b"RSET\r\n"
        return [(load, refusal), *self._forget_envelope(end)]

    def _forget_envelope(self, words: bytes) -> Done:
        self._asked, self._forgetting = None, True
        self._commands = []
        self._wait(COMMAND_SECONDS)
        return self._send(words)

    def _go_on(self) -> Done:
        self.deadline = self.busy_since = FOREVER
        if self._waits is None:
            return []
        waiting, self._waits = self._waits, None
        return self._ask(waiting)

    def _broken(self, why: str) -> Done:
        """The connection is gone. Which letters were on it, and may the server have one?"""
        done: Done = []
        if self._sent:
            kept_back = len(self._out) > self._behind_the_dot
            words = f"{self.name}: {why}"
            done.append((self._sent, ConnectionDown(words) if kept_back else AnswerLost(words)))
        if self._asked:
            done.append((self._asked, ConnectionDown(f"{self.name}: {why}")))
        if self._waits:
            done.append((self._waits, NotTried()))
        self._drop()
        return done

    def _drop(self) -> None:
        self.closed, self._out = True, memoryview(b"")
        self._sent = self._asked = self._waits = None
        self.sock.close()


def stuffed(message: bytes) -> bytes:
    """The message with its dots doubled at line starts (RFC 5321 4.5.2), and the final dot."""
    if b"\r\n." in message:
        message = message.replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        message = b"." + message
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
