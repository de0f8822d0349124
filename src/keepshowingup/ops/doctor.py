"""Looks for what is missing or wrong, and says in a sentence each how to mend it."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max

from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.delivery.breaker import EVERYTHING
from keepshowingup.delivery.highwater import how_far_behind
from keepshowingup.delivery.models import Breaker, Heartbeat
from keepshowingup.delivery.transports.relay import Relay, parse_relay
from keepshowingup.editorial import help_now
from keepshowingup.editorial.masthead import masthead_obstacles
from keepshowingup.ops import broker
from keepshowingup.ops.database import pending_migrations, reason

LITTLE_SPACE = 500 * 1024 * 1024  # bytes
SMTP_PATIENCE = 10.0  # seconds
THIS_WAS_WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)
OFFERS = ("pipelining", "size", "8bitmime", "smtputf8", "starttls", "auth", "dsn")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``mend`` says what to do and is empty when all is well."""

    what: str
    state: Literal["well", "note", "wrong"]
    sentence: str
    mend: str = ""


def examine(now: datetime, real_now: datetime) -> Iterator[Finding]:
    """Look at everything, in the order in which things depend on each other. Nothing is changed, no letter sent.

    ``now`` is the calendar's, ``real_now`` the machine's, both UTC.
    """
    yield from _folder()
    found = list(_database())
    yield from found
    there = all(finding.state != "wrong" for finding in found)
    yield from _broker()
    yield from _smtp()
    yield from _addresses()
    yield from _clock(real_now)
    if there:
        yield from _masthead()
        yield from _heartbeats(real_now)
    yield from _help_lines(now)


def _folder() -> Iterator[Finding]:
    folder = settings.DATA_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding(
            "data folder",
            "wrong",
            f"{folder} can't be written to: {error.strerror}.",
            "Set KSU_DATA_DIR to a folder of yours.",
        )
        return
    if free < LITTLE_SPACE:
        sentence = f"{folder} has only {free // 2**20} MB left."
        yield Finding("data folder", "wrong", sentence, "Make room: with a full disk nothing is sent.")
    else:
        yield Finding("data folder", "well", f"{folder} can be written to.")
    if folder.stat().st_mode & 0o077:
        yield Finding(
            "data folder",
            "note",
            f"Other users of this machine can look into {folder}.",
            f"It holds readers' addresses: chmod 700 {folder}",
        )


def _database() -> Iterator[Finding]:
    try:
        pending = pending_migrations()
    except DatabaseError as error:
        mend = "Start it, or correct DATABASE_URL."
        yield Finding("database", "wrong", f"The database does not answer: {reason(error)}.", mend)
        return
    if pending:
        sentence = f"The database is {len(pending)} migrations behind."
        yield Finding("database", "wrong", sentence, "Run `keepshowingup migrate`.")
        return
    yield Finding("database", "well", f"{connection.display_name} answers and is up to date.")


def _broker() -> Iterator[Finding]:
    if settings.REDIS_URL:
        try:
            broker.need_broker(settings.REDIS_URL, settings.DATA_DIR)
        except KeepShowingUpError as error:
            yield Finding("broker", "wrong", error.message, "Start it, or correct REDIS_URL.")
        else:
            yield Finding("broker", "well", "The broker answers.")
        return
    if broker.answers("", settings.DATA_DIR):
        yield Finding("broker", "well", "The embedded broker answers.")
        return
    try:
        server = broker.find_server()
    except KeepShowingUpError as error:
        yield Finding("broker", "wrong", error.message, "One of the three will do.")
    else:
        yield Finding("broker", "well", f"The embedded broker is not running; `keepshowingup up` starts {server.name}.")


def _smtp() -> Iterator[Finding]:
    if settings.TRANSPORTS:
        for transport in settings.TRANSPORTS.all:
            yield from _relay(transport.relay, f"transport {transport.name}", "its url in KSU_TRANSPORTS")
        return
    if not settings.SMTP_URL:
        sentence = "Letters go to the built-in inbox: SMTP_URL is not set."
        mend = "Set SMTP_URL to your mail server to reach readers."
        yield Finding("mail server", "wrong" if settings.PRODUCTION else "note", sentence, mend)
        return
    try:
        relay = parse_relay(settings.SMTP_URL)
    except KeepShowingUpError as error:
        yield Finding("mail server", "wrong", error.message, "Correct SMTP_URL.")
        return
    yield from _relay(relay, "mail server", "SMTP_URL")


def _relay(relay: Relay, what: str, place: str) -> Iterator[Finding]:
    """Whether a mail server answers EHLO and takes us in. ``place`` is where its address is written."""
    try:
        offered, protected = _ask_relay(relay)
    except (OSError, smtplib.SMTPException) as error:
        mend = f"Correct {place}, or ask whoever runs the mail server."
        yield Finding(what, "wrong", f"{relay.name} does not take us in: {reason(error)}.", mend)
        return
    known = ", ".join(name.upper() for name in OFFERS if name in offered) or "nothing special"
    yield Finding(what, "well", f"{relay.name} answers and offers {known}.")
    if not protected and relay.host not in {"localhost", "127.0.0.1", "::1"}:
        mend = f"Add ?starttls=1 to {place}, or write smtps://."
        sentence = f"Letters travel to {relay.name} in clear."
        yield Finding(what, "wrong" if settings.PRODUCTION else "note", sentence, mend)


def _ask_relay(relay: Relay) -> tuple[set[str], bool]:
    """What the server offers after EHLO, and whether the line is encrypted. Signs in when its address has a user."""
    context = ssl.create_default_context()
    door: Callable[[], smtplib.SMTP] = (
        (lambda: smtplib.SMTP_SSL(relay.host, relay.port, timeout=SMTP_PATIENCE, context=context))
        if relay.tls
        else (lambda: smtplib.SMTP(relay.host, relay.port, timeout=SMTP_PATIENCE))
    )
    with door() as smtp:
        smtp.ehlo()
        if relay.starttls:
            smtp.starttls(context=context)
            smtp.ehlo()
        if relay.user:
            smtp.login(relay.user, relay.password)
        return set(smtp.esmtp_features), relay.tls or relay.starttls


def _addresses() -> Iterator[Finding]:
    url = urlsplit(settings.BASE_URL)
    loopback = url.hostname in {"127.0.0.1", "localhost", "::1"}
    if settings.PRODUCTION and (loopback or url.scheme != "https"):
        sentence = f"Links in letters lead to {settings.BASE_URL}."
        yield Finding("site", "wrong", sentence, "Set KSU_BASE_URL to the site's https address.")
    elif loopback:
        sentence = f"Links in letters lead to {settings.BASE_URL}, which only this machine can open."
        yield Finding(
            "site", "note", sentence, "Before real readers come, set KSU_BASE_URL to the site's https address."
        )
    else:
        yield Finding("site", "well", f"Links in letters lead to {settings.BASE_URL}.")


def _clock(real_now: datetime) -> Iterator[Finding]:
    if real_now < THIS_WAS_WRITTEN:
        sentence = f"This machine believes it is {real_now:%d %B %Y}."
        yield Finding("clock", "wrong", sentence, "Set its clock, best by NTP: letters follow it.")
        return
    rate = settings.CLOCK.rate
    if rate != 1:
        sentence = f"The calendar runs {rate:g} times as fast as real time (KSU_CLOCK)."
        yield Finding(
            "clock", "wrong" if settings.PRODUCTION else "note", sentence, "Unset KSU_CLOCK for real readers."
        )
        return
    yield Finding("clock", "well", f"It is {real_now:%A %d %B %Y, %H:%M} UTC.")


def _masthead() -> Iterator[Finding]:
    obstacles = masthead_obstacles()
    for sentence in obstacles:
        yield Finding("masthead", "wrong", sentence, "Run `keepshowingup init` with what is missing.")
    if not obstacles:
        yield Finding("masthead", "well", "The masthead is complete.")


def _heartbeats(real_now: datetime) -> Iterator[Finding]:
    stopped = Breaker.objects.filter(transport=EVERYTHING, open_until__gt=real_now).first()
    behind = None if stopped else how_far_behind(settings.DATA_DIR)
    if stopped or behind:
        why = stopped.reason if stopped else "this database is older than what was sent"
        mend = "Give evidence with `keepshowingup reconcile --log FILE`, then run `keepshowingup resume-sending`."
        yield Finding("sending", "wrong", f"Safe mode: {why}, and nothing is sent.", mend)
    last = Heartbeat.objects.aggregate(last=Max("seen_at"))["last"]
    if last and last > real_now + timedelta(minutes=1):
        sentence = f"A worker was heard of at {last:%Y-%m-%d %H:%M} UTC, which is in the future: a clock was set back."
        yield Finding("clock", "wrong", sentence, "Look at the clocks of all machines.")


def _help_lines(now: datetime) -> Iterator[Finding]:
    obstacles = help_now.obstacles(now)
    for sentence in obstacles:
        yield Finding("help lines", "wrong", sentence, "Until then no sequence can be started.")
    if not obstacles:
        yield Finding("help lines", "well", "The help lines were checked within the last half year.")
