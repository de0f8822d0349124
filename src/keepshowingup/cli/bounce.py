"""``keepshowingup bounce``: read returned mail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from keepshowingup.core.errors import PartMissing, Refused

# A report carries the letter along, and letters are small; what is bigger is cut, not refused.
LIMIT = 4 * 1024 * 1024


@click.group()
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
    """
    from keepshowingup.cli.root import with_django

    try:
        raw = _read(file)
    except OSError as error:
        raise Refused(f"{file} can't be read: {error.strerror}.") from error
    with_django()
    from django.conf import settings
    from django.db import OperationalError

    from keepshowingup.outcomes.recording import record_returned

    try:
        taken = record_returned(raw, settings.CLOCK.now())
    except OperationalError as error:
        # Mail servers keep a mail whose program ends with an error, and try again.
        raise PartMissing("The database is not there. `keepshowingup doctor` says why.") from error
    for one in taken:
        line = {"kind": one.kind, "status": one.status, "letter": one.dispatch_id, "changed": one.changed}
        if as_json:
            click.echo(json.dumps(line))
        else:
            letter = f"letter {one.dispatch_id}" if one.dispatch_id else "no letter of ours"
            click.echo("  ".join(filter(None, (one.kind, one.status, letter))), err=True)


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(LIMIT)
    with file.open("rb") as opened:
        return opened.read(LIMIT)
