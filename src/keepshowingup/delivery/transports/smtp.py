"""A kept SMTP connection, and the one moment in it that matters: the final dot.

RFC 5321 6.1 makes the dot the point where responsibility passes. MAIL, RCPT and DATA go out together where the server
offers PIPELINING (RFC 2920); message and dot go out together, and the journal is told right before. If writing them
fails, the dot, being last, has not left: nothing was handed over. If it does not fail, only the server's answer tells.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from keepshowingup.core.errors import WrongUsage
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, Reply

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0
# RFC 5321 4.5.3.2.6: a server may take 10 minutes to answer the dot. A client that gives up sooner sends twice.
ANSWER_SECONDS = 600.0
# RFC 5321 4.5.3.1.5 allows 512 octets in a reply line. Whoever sends more than this without an end is no mail server.
LONGEST_REPLY = 64 * 1024


@dataclass(frozen=True)
class Relay:
    """Where to hand letters over, as ``SMTP_URL`` says it."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False
    starttls: bool = False

    @property
    def name(self) -> str:
        """How logs, the breaker and people call this relay: never with its password."""
        return f"{self.host}:{self.port}"


def parse_relay(url: str) -> Relay:
    """``smtp://user:pass@host:port``, ``smtps://…``, ``?starttls=1``. Raises :class:`WrongUsage` with a sentence."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise WrongUsage("SMTP_URL must look like smtp://user:password@mail.example.org:587?starttls=1")
    try:
        port = parts.port
    except ValueError as error:
        raise WrongUsage(f"SMTP_URL has a port that is no number: {error}.") from error
    tls = parts.scheme == "smtps"
    return Relay(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=parse_qs(parts.query).get("starttls", ["0"])[0] not in {"0", "no", "false", ""},
    )


class SmtpConnection:
    """One connection to a relay, opened when first needed and kept between letters."""

    def __init__(self, relay: Relay, hello: str = "localhost") -> None:
        """``hello`` is the name we give in EHLO (RFC 5321 4.1.1.1); asking DNS for it can hang for seconds."""
        self.relay = relay
        self.hello = hello
        self._line: _Line | None = None

    def hand_over(self, sender: str, recipient: str, message: bytes, at_the_dot: Callable[[], None]) -> Reply:
        """Offer one message; ``at_the_dot`` is called right before message and final dot leave.

        Returns the server's answer, to MAIL, RCPT or DATA if it refuses there, else to the dot. Raises
        :class:`ConnectionDown` while nothing was handed over, :class:`AnswerLost` when that can't be known.
        """
        line = self._line or self._open()
        try:
            refusal = _envelope(line, sender, recipient)
        except (OSError, _Gone) as error:
            self.drop()
            raise ConnectionDown(f"{self.relay.name}: {error}") from error
        if refusal is not None:
            return refusal
        at_the_dot()
        try:
            line.send(_stuffed(message))
        except OSError as error:
            self.drop()
            raise ConnectionDown(f"{self.relay.name}: {error}") from error
        try:
            reply = line.answer(ANSWER_SECONDS)
        except (OSError, _Gone) as error:
            self.drop()
            raise AnswerLost(f"{self.relay.name}: {error}") from error
        if reply.code == 421:
            self.drop()
        return reply

    def _open(self) -> _Line:
        relay = self.relay
        try:
            smtp: smtplib.SMTP
            if relay.tls:
                smtp = smtplib.SMTP_SSL(relay.host, relay.port, self.hello, timeout=CONNECT_SECONDS, context=_tls())
            else:
                smtp = smtplib.SMTP(relay.host, relay.port, self.hello, timeout=CONNECT_SECONDS)
            smtp.ehlo_or_helo_if_needed()
            if relay.starttls:
                smtp.starttls(context=_tls())
                smtp.ehlo()
            if relay.user:
                smtp.login(relay.user, relay.password)
        except (OSError, smtplib.SMTPException) as error:
            raise ConnectionDown(f"{relay.name}: {error}") from error
        assert smtp.sock is not None
        self._line = _Line(smtp.sock, pipelining=smtp.has_extn("pipelining"))
        return self._line

    def drop(self) -> None:
        """Forget the connection without a word: it is broken or the server asked us to go."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def close(self) -> None:
        """Say QUIT and go."""
        if self._line is None:
            return
        try:
            self._line.send(b"QUIT\r\n")
            self._line.answer(1.0)
        except (OSError, _Gone):
            pass  # it was gone already: there is nobody to say goodbye to
        self.drop()


class _Gone(Exception):
    """The other side has closed the connection, or does not speak SMTP."""


class _Line:
    """The socket under a connection, after its greeting: lines out, replies in."""

    def __init__(self, sock: socket.socket, *, pipelining: bool) -> None:
        self._sock = sock
        self.pipelining = pipelining
        self._read = b""
        self._patience = COMMAND_SECONDS
        sock.settimeout(COMMAND_SECONDS)
        # Without this the kernel holds a small write back for 40 ms, waiting for the answer to the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets: bytes) -> None:
        self._sock.sendall(octets)

    def answer(self, within: float = COMMAND_SECONDS) -> Reply:
        """The next reply, all its lines (RFC 5321 4.2.1)."""
        if within != self._patience:
            self._sock.settimeout(within)
            self._patience = within
        words: list[bytes] = []
        while True:
            end = self._read.find(b"\n")
            if end < 0:
                self._more()
                continue
            text, self._read = self._read[:end].rstrip(b"\r"), self._read[end + 1 :]
            if not text[:3].isdigit():
                raise _Gone(f"it said {text[:80]!r}")
            words.append(text[4:])
            if text[3:4] != b"-":
                return Reply.read(int(text[:3]), b" ".join(words))

    def _more(self) -> None:
        octets = self._sock.recv(8192)
        if not octets:
            raise _Gone("the server closed the connection")
        self._read += octets
        if len(self._read) > LONGEST_REPLY:
            raise _Gone("its reply has no end")

    def close(self) -> None:
        self._sock.close()


def _envelope(line: _Line, sender: str, recipient: str) -> Reply | None:
    """MAIL, RCPT, DATA. The refusal, if the server refuses one of them; None when it waits for the message."""
    commands = [b"MAIL FROM:<%b>\r\n" % sender.encode(), b"RCPT TO:<%b>\r\n" % recipient.encode(), b"DATA\r\n"]
    if line.pipelining:
        line.send(b"".join(commands))
        replies = [line.answer() for _ in commands]
    else:
        replies = []
        for command in commands:
            line.send(command)
            replies.append(line.answer())
            if not 200 <= replies[-1].code < 400:
                break
    refusal = next((reply for reply in replies if not 200 <= reply.code < 400), None)
    if refusal is None:
        return None
    if refusal.code == 421:
        raise _Gone(str(refusal))
    if replies[-1].code == 354:
        # A server that takes DATA without a recipient wants an (empty) message; it must refuse it (RFC 2920 3.1).
        line.send(b".\r\n")
    else:
        line.send(b"RSET\r\n")
    line.answer()
    return refusal


_contexts: list[ssl.SSLContext] = []


def _tls() -> ssl.SSLContext:
    # Loading the system's certificates takes 20 to 30 ms: once per process.
    if not _contexts:
        _contexts.append(ssl.create_default_context())
    return _contexts[0]


def _stuffed(message: bytes) -> bytes:
    """The message with its dots doubled at line starts (RFC 5321 4.5.2), and the final dot."""
    if b"\r\n." in message:
        message = message.replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        message = b"." + message
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
