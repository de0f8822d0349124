"""A kept SMTP connection, and the one moment in it that matters: the final dot.

RFC 5321 6.1 makes the dot the point where responsibility passes: before it the server has nothing, after it only its
answer tells. So the message is sent first, the journal is told, and then the dot goes out on its own.
"""

from __future__ import annotations

import smtplib
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
        self._smtp: smtplib.SMTP | None = None

    def hand_over(self, sender: str, recipient: str, message: bytes, at_the_dot: Callable[[], None]) -> Reply:
        """Offer one message; ``at_the_dot`` is called right before the final dot leaves.

        Returns the server's answer, to MAIL, RCPT or DATA if it refuses there, else to the dot. Raises
        :class:`ConnectionDown` while nothing was handed over, :class:`AnswerLost` when that can't be known.
        """
        smtp = self._open()
        try:
            refusal = self._envelope(smtp, sender, recipient)
            if refusal is not None:
                return refusal
            smtp.send(_stuffed(message))
        except (OSError, smtplib.SMTPException) as error:
            self.drop()
            raise ConnectionDown(f"{self.relay.name}: {error}") from error
        at_the_dot()
        try:
            assert smtp.sock is not None
            smtp.sock.settimeout(ANSWER_SECONDS)
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
            smtp.sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self.drop()
            raise AnswerLost(f"{self.relay.name}: {error}") from error
        if code == 421:
            self.drop()
        return Reply.read(code, text)

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str) -> Reply | None:
        """MAIL, RCPT, DATA. The refusal, if the server refuses one of them; None when it waits for the message."""
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            code, text = smtp.docmd(command)
            if code == 421:
                raise smtplib.SMTPServerDisconnected(Reply.read(code, text))
            if code // 100 not in (2, 3):
                smtp.rset()
                return Reply.read(code, text)
        return None

    def _open(self) -> smtplib.SMTP:
        if self._smtp is not None:
            return self._smtp
        relay = self.relay
        try:
            smtp: smtplib.SMTP
            if relay.tls:
                smtp = smtplib.SMTP_SSL(relay.host, relay.port, self.hello, timeout=CONNECT_SECONDS, context=_tls())
            else:
                smtp = smtplib.SMTP(relay.host, relay.port, self.hello, timeout=CONNECT_SECONDS)
            assert smtp.sock is not None
            smtp.sock.settimeout(COMMAND_SECONDS)
            smtp.ehlo_or_helo_if_needed()
            if relay.starttls:
                smtp.starttls(context=_tls())
                smtp.ehlo()
            if relay.user:
                smtp.login(relay.user, relay.password)
        except (OSError, smtplib.SMTPException) as error:
            raise ConnectionDown(f"{relay.name}: {error}") from error
        self._smtp = smtp
        return smtp

    def drop(self) -> None:
        """Forget the connection without a word: it is broken or the server asked us to go."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def close(self) -> None:
        """Say QUIT and go."""
        if self._smtp is None:
            return
        try:
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()  # it was gone already: there is nobody to say goodbye to
        self._smtp = None


_contexts: list[ssl.SSLContext] = []


def _tls() -> ssl.SSLContext:
    # Loading the system's certificates takes 20 to 30 ms: once per process.
    if not _contexts:
        _contexts.append(ssl.create_default_context())
    return _contexts[0]


def _stuffed(message: bytes) -> bytes:
    """The message with its dots doubled at line starts (RFC 5321 4.5.2) and a line end before the final dot."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"
