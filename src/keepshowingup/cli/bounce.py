"""``keepshowingup bounce``: read returned mail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.core.errors import KeepShowingUpError, Refused

if TYPE_CHECKING:
    from keepshowingup.outcomes.recording import Recorded

# A report carries the letter along, and letters are small; what is bigger is cut, not refused.
LIMIT = 4 * 1024 * 1024
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: Postfix, Exim and Sendmail keep the mail in their queue


@click.group(cls=Commands)
def bounce() -> None:
    """Read returned mail."""


@bounce.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--json", "as_json", is_flag=True, help="A JSON object per line: {file, recipient, kind, status, reason}."
)
def classify(files: tuple[Path, ...], as_json: bool) -> None:
    """What returned mails say. Needs no database. A dash reads standard input.

    Kinds: hard, soft, policy, complaint, autoreply, delivered, none. A mail about several recipients is several lines.
    Exit code 1 when a file can't be read; the others are answered all the same.
    """
    from keepshowingup.outcomes.returned_mail import read_returned

    unread = 0
    for file in files:
        try:
            raw = _read(file)
        except OSError as error:
            click.echo(f"{file} can't be read: {error.strerror}.", err=True)
            unread += 1
            continue
        for found in read_returned(raw):
            line = {
                "file": str(file),
                "recipient": found.recipient,
                "kind": found.kind.value,
                "status": found.status,
                "reason": found.reason,
            }
            words = (line["file"], line["kind"], line["status"], line["recipient"], line["reason"])
            click.echo(json.dumps(line) if as_json else "  ".join(filter(None, words)))
    if unread:
        raise click.exceptions.Exit(1)


@bounce.command()
@click.argument("file", default="-", metavar="[FILE|-]", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {kind, status, letter, changed}.")
def take(file: Path, as_json: bool) -> None:
    """Take a returned mail in and act on it: for the mail server, as `| keepshowingup bounce take`.

    The letter is found by the return path or by its Message-ID; a mail about none of our letters changes nothing.
    Ends with 0 when the mail is taken, and with 75 (EX_TEMPFAIL of sysexits.h) when it is to be brought again.
    """
    try:
        raw = _read(file)
    except OSError as error:
        raise Refused(f"{file} can't be read: {error.strerror}.") from error
    try:
        taken = _take(raw)
    except Exception as error:
        _say_why(error)
        raise click.exceptions.Exit(TRY_AGAIN) from error
    for one in taken:
        line = {"kind": one.kind, "status": one.status, "letter": one.dispatch_id, "changed": one.changed}
        if as_json:
            click.echo(json.dumps(line))
        else:
            letter = f"letter {one.dispatch_id}" if one.dispatch_id else "no letter of ours"
            click.echo("  ".join(filter(None, (one.kind, one.status, letter))), err=True)


def _take(raw: bytes) -> list[Recorded]:
    from keepshowingup.cli.root import with_django

    with_django()
    from django.conf import settings

    from keepshowingup.outcomes.recording import record_returned

    return record_returned(raw, settings.CLOCK.now())


def _say_why(error: Exception) -> None:
    """For the mail server's log, where no address and no letter belongs."""
    why = error.message if isinstance(error, KeepShowingUpError) else f"{type(error).__name__}."
    click.echo(f"Not taken, bring it again. {why} `keepshowingup doctor` says what is missing.", err=True)


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(LIMIT)
    with file.open("rb") as opened:
        return opened.read(LIMIT)
