"""``keepshowingup delivery`` and ``keepshowingup reconcile``: what went out, what did not, and why."""

from __future__ import annotations

import json
from pathlib import Path

import click

from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import NotFound


@click.group()
def delivery() -> None:
    """What went out, what did not, and why."""


@delivery.command("list")
@click.option("--sequence", metavar="SLUG")
@click.option("--subscriber", metavar="EMAIL")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(sequence: str | None, subscriber: str | None, as_json: bool) -> None:
    """Every letter, in the order they were due."""
    with_django()
    from keepshowingup.delivery.telling import dispatches, row

    found = dispatches(sequence=sequence, subscriber=subscriber)
    if as_json:
        for dispatch in found.iterator(chunk_size=2000):
            click.echo(json.dumps(row(dispatch)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "sequence", "step", "reader", "state", "due (UTC)", "handed over (UTC)", "reason")
    for dispatch in found.iterator(chunk_size=2000):
        values = row(dispatch)
        table.add_row(
            str(values["id"]),
            values["sequence"],
            values["step"],
            values["subscriber"],
            values["state"],
            values["due_at"][:16],
            (values["handed_over_at"] or "")[:19],
            values["reason"],
        )
    Console().print(table if table.row_count else "No letters yet.")


@delivery.command()
@click.argument("email")
@click.option("--sequence", metavar="SLUG")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {sentence}.")
def explain(email: str, sequence: str | None, as_json: bool) -> None:
    """Why this reader did or did not get each letter, in sentences."""
    with_django()
    from django.conf import settings

    from keepshowingup.audience.models import Subscriber
    from keepshowingup.core.address import check_address
    from keepshowingup.delivery import telling
    from keepshowingup.editorial.models import Sequence

    reader = Subscriber.objects.filter(email_key=check_address(email).key).first()
    if reader is None:
        raise NotFound(f"Nobody here has the address {email}.")
    chosen = Sequence.objects.filter(slug=sequence).first() if sequence else None
    if sequence and chosen is None:
        raise NotFound(f"There is no sequence '{sequence}'. `keepshowingup sequence list` shows them.")
    for sentence in telling.explain(reader.pk, settings.CLOCK.now(), sequence_id=chosen.pk if chosen else None):
        click.echo(json.dumps({"sentence": sentence}) if as_json else sentence)


@click.command()
@click.option("--log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The mail server's log.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {id, message_id, state}.")
def reconcile(log: Path | None, as_json: bool) -> None:
    """Settle letters whose fate is unknown, from a mail server's log; without one, list them.

    Exit code 1 while some stay unknown.
    """
    with_django()
    from django.conf import settings

    from keepshowingup.delivery.reconciling import believe_log, unknown_letters

    if log is not None:
        with log.open(encoding="utf-8", errors="replace") as lines:
            settled = believe_log(lines, settings.CLOCK.now())
        click.echo(f"{settled} settled by the log.", err=True)
    left = 0
    for dispatch in unknown_letters():
        left += 1
        values = {"id": dispatch.pk, "message_id": dispatch.message_id, "state": dispatch.state}
        click.echo(json.dumps(values) if as_json else f"{dispatch.message_id}  {dispatch.reason}")
    if left:
        click.echo(f"{left} letters are unknown. Give the mail server's log with --log.", err=True)
        raise click.exceptions.Exit(1)
    click.echo("Nothing is unknown.", err=True)
