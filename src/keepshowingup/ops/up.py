"""Everything in the foreground, until Ctrl-C."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings
from rich.console import Console
from rich.markup import escape

from keepshowingup.ops.first_start import FirstStaff, prepare
from keepshowingup.ops.folder import sole_use
from keepshowingup.ops.logs import Noteworthy, Tail
from keepshowingup.ops.parts import household, need_free_port
from keepshowingup.ops.supervisor import Supervisor

log = logging.getLogger(__name__)


def stay_up(port: int, *, verbose: bool) -> None:
    """Run the whole house on this data folder; returns after Ctrl-C or SIGTERM, when nobody is left.

    Before anything is started, raises :class:`PartMissing` for a taken port and :class:`Refused` for a taken folder.
    """
    ports = (settings.MAILBOX_SMTP_PORT, settings.MAILBOX_WEB_PORT)
    mailbox = None if settings.SMTP_URL or settings.TRANSPORTS else ports
    need_free_port(port, "--port", "the pages")
    if mailbox:
        need_free_port(mailbox[0], "--smtp-port", "the inbox's letters")
        need_free_port(mailbox[1], "--mailbox-port", "the inbox's page")
    terminal = Console(stderr=True, highlight=False)
    with sole_use(settings.DATA_DIR):
        staff = prepare()
        parts = household(settings.DATA_DIR, web_port=port, mailbox_ports=mailbox, own_broker=not settings.REDIS_URL)
        supervisor = Supervisor(parts, settings.DATA_DIR / "logs")
        follower = _Follower(terminal, verbose=verbose)
        with terminal.status("Starting …") as waiting:

            def started() -> None:
                waiting.stop()
                _say_where(terminal, staff, mailbox[1] if mailbox else None)
                # Only from here on: what a part mutters while it starts is in its log.
                follower.follow({part.name: supervisor.log_of(part.name) for part in parts})

            supervisor.run(started, follower.print_new)
    terminal.print("Stopped. Nothing is left running.")


class _Follower:
    """Prints what the parts write, each line with the name of its part; quietly unless ``verbose``."""

    def __init__(self, terminal: Console, *, verbose: bool) -> None:
        self._terminal = terminal
        self._verbose = verbose
        self._sources: list[tuple[str, Tail, Noteworthy]] = []

    def follow(self, logs: dict[str, Path]) -> None:
        widest = max(map(len, logs))
        self._sources = [(f"{name:<{widest}}", Tail(path), Noteworthy()) for name, path in logs.items()]

    def print_new(self) -> None:
        for name, tail, noteworthy in self._sources:
            for line in tail.new_lines():
                if noteworthy(line) or self._verbose:
                    self._terminal.print(f"[cyan]{name}[/] {escape(line)}", soft_wrap=True)


def _say_where(terminal: Console, staff: FirstStaff | None, mailbox_page: int | None) -> None:
    rows = [("Join page", f"{settings.BASE_URL}/"), ("Staff", f"{settings.BASE_URL}/staff/")]
    if mailbox_page:
        rows.append(("Inbox", f"http://127.0.0.1:{mailbox_page}/"))
    terminal.print()
    for what, address in rows:
        terminal.print(f"  {what:<10} [bold]{address}[/]")
    if staff:
        terminal.print(f"\n  Sign in as [bold]{escape(staff.email)}[/] with [bold]{escape(staff.password)}[/]")
        terminal.print("  This password is shown once. Change it after signing in.")
    terminal.print(f"\n  Logs are in {settings.DATA_DIR / 'logs'}. Ctrl-C stops everything.\n", soft_wrap=True)
