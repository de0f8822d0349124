"""``keepshowingup reconcile``: letters in doubt, and what evidence says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import WrongUsage

if TYPE_CHECKING:
    from keepshowingup.delivery.reconciling import Settled
    from keepshowingup.ops.reconciling import Report

A_FILE = click.Path(path_type=Path)
A_LOG = click.Path(path_type=Path, allow_dash=True)


@click.command()
@click.option(
    "--log", "logs", multiple=True, type=A_LOG, help="A mail server's log: Postfix, Exim, sendmail, OpenSMTPD."
)
@click.option("--events", multiple=True, type=A_FILE, help="Provider events, as the plain webhook takes them.")
@click.option("--mail", "mails", multiple=True, type=A_FILE, help="A returned mail, or a folder of them.")
@click.option("--record", is_flag=True, help="This machine's own record of what it handed over.")
@click.option("--zone", metavar="ZONE", help="The log's time zone, where its lines have none. Default: this machine's.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {id, message_id, state, reason}.")
def reconcile(
    logs: tuple[Path, ...],
    events: tuple[Path, ...],
    mails: tuple[Path, ...],
    record: bool,
    zone: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Settle letters that may or may not have arrived, from evidence; without any, list them.

    Options may be repeated: give all rotated logs, compressed or not; a dash reads standard input. After a restore it
    also finds the letters that left in the time the backup does not know. Done again it changes nothing.

    Exit code 1 while letters stay in doubt, and when evidence can't be read.
    """
    with_django()
    from django.conf import settings
    from rich.console import Console

    from keepshowingup.core.timing import load_zone
    from keepshowingup.delivery.doubt import in_doubt_letters
    from keepshowingup.ops.reconciling import Sources
    from keepshowingup.ops.reconciling import reconcile as settle

    if dry_run and not (logs or events or mails or record):
        raise WrongUsage("Give evidence to try: --log, --events, --mail or --record.")
    sources = Sources(logs, events, mails, record, load_zone(zone) if zone else None)
    with Console(stderr=True).status("Reading …") as shown:
        report = settle(sources, settings.CLOCK, dry_run=dry_run, say=lambda name: shown.update(f"Reading {name} …"))
    for one in (*report.settled, *report.missed):
        _show(one, as_json)
    _summarise(report, dry_run)
    if not dry_run:
        for letter in in_doubt_letters():
            values = {"id": letter.pk, "message_id": letter.message_id, "state": letter.state, "reason": letter.reason}
            click.echo(json.dumps(values) if as_json else f"{letter.pk}  {letter.message_id}  {letter.reason}")
    if report.left:
        ways = "`keepshowingup delivery settle ID --arrived | --send-again | --let-be` settles one by your word."
        click.echo(f"{_letters(report.left)} in doubt. {ways}", err=True)
    else:
        click.echo("Nothing is in doubt.", err=True)
    if report.left or report.unread:
        raise click.exceptions.Exit(1)


def _show(one: Settled, as_json: bool) -> None:
    values = {"id": one.dispatch, "message_id": one.message_id, "state": one.state.value, "reason": one.reason}
    click.echo(json.dumps(values) if as_json else f"{one.message_id}  {one.state}: {one.reason}")


def _summarise(report: Report, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    if report.settled:
        click.echo(f"{_letters(len(report.settled))} {would}settled by the log.", err=True)
    if report.missed:
        click.echo(f"{_letters(len(report.missed))} that left while nobody looked {would}written down.", err=True)
    if report.changed_by_events:
        click.echo(f"{report.changed_by_events} events and returned mails {would}believed.", err=True)
    if report.only_named:
        click.echo(f"{_letters(report.only_named)} named in the log, which does not say what became of it.", err=True)
    for name, reason in report.unread.items():
        click.echo(f"{name} can't be used: {reason}.", err=True)
    if report.silent:
        others = ", ".join(sorted(report.silent))
        click.echo(f"Letters also left from {others}: run `keepshowingup reconcile --record` there too.", err=True)


def _letters(number: int) -> str:
    return f"{number} letter{'s' if number != 1 else ''}"
