"""Where letters are handed over: ``SMTP_URL`` read, and a connection to it opened as far as its greeting."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

from keepshowingup.core.errors import WrongUsage
from keepshowingup.delivery.transports.reply import ConnectionDown

CONNECT_SECONDS = 10.0
LOOKS_LIKE = "smtp://user:password@mail.example.org:587?starttls=1, with special characters written as %XX"
YES, NO = {"1", "yes", "true"}, {"0", "no", "false"}


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
        raise WrongUsage(f"SMTP_URL must look like {LOOKS_LIKE}.")
    try:
        port = parts.port
    except ValueError as error:
        raise WrongUsage(f"SMTP_URL has a port that is no number: {error}.") from error
    options = parse_qs(parts.query, keep_blank_values=True)
    starttls = options.pop("starttls", ["0"])[0]
    # A slip of the pen here must not send a password in clear.
    if options or starttls not in YES | NO or parts.path not in {"", "/"} or parts.fragment:
        raise WrongUsage(
            f"SMTP_URL has more behind its host than a port and ?starttls=1. It must look like {LOOKS_LIKE}."
        )
    tls = parts.scheme == "smtps"
    return Relay(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=starttls in YES,
    )


@dataclass(frozen=True)
class Opened:
    """A connection on which the server waits for the first letter, and what it offers."""

    sock: socket.socket
    pipelining: bool


def open_connection(relay: Relay, hello: str) -> Opened:
    """Connect, greet, encrypt and log in, as the relay asks for it; takes at most a few times :data:`CONNECT_SECONDS`.

    ``hello`` is the name we give in EHLO (RFC 5321 4.1.1.1); asking DNS for it can hang for seconds. Raises
    :class:`ConnectionDown`.
    """
    try:
        smtp: smtplib.SMTP
        if relay.tls:
            smtp = smtplib.SMTP_SSL(relay.host, relay.port, hello, timeout=CONNECT_SECONDS, context=_tls())
        else:
            smtp = smtplib.SMTP(relay.host, relay.port, hello, timeout=CONNECT_SECONDS)
        try:
            smtp.ehlo_or_helo_if_needed()
            if relay.starttls:
                smtp.starttls(context=_tls())
                smtp.ehlo()
            if relay.user:
                smtp.login(relay.user, relay.password)
        except BaseException:
            smtp.close()
            raise
    except (OSError, smtplib.SMTPException) as error:
        raise ConnectionDown(f"{relay.name}: {error}") from error
    assert smtp.sock is not None
    # Without this the kernel holds a small write back for 40 ms, waiting for the answer to the one before.
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    smtp.sock.setblocking(False)
    return Opened(smtp.sock, pipelining=smtp.has_extn("pipelining"))


@cache
def _tls() -> ssl.SSLContext:
    """Loading the system's certificates takes 20 to 30 ms: once per process."""
    return ssl.create_default_context()
