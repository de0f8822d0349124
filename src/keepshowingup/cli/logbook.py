"""``keepshowingup logbook``: who did what at the desk, and whether every line is as it was written."""

from __future__ import annotations

import json

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import Refused


@click.group(cls=Commands)
def logbook() -> None:
    """Who did what at the desk, when and why. Lines are added, never changed."""


@logbook.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="So many lines, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(limit: int, as_json: bool) -> None:
    """The newest lines. Times are UTC; readers stand there by their ids."""
    with_django()
    from keepshowingup.logbook.models import Entry

    for entry in Entry.objects.order_by("-pk")[:limit]:
        if as_json:
            row = {
                "line": entry.pk,
                "at": entry.at.isoformat(),
                "who": entry.who,
                "what": entry.what,
                "about": entry.about,
                "reason": entry.reason,
                "details": entry.details,
                "digest": entry.digest,
            }
            click.echo(json.dumps(row))
        else:
            why = f" Why: {entry.reason}" if entry.reason else ""
            click.echo(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.who}: {entry.get_what_display()} {entry.about}.{why}")


@logbook.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON object: {lines, broken, digest}.")
def check(as_json: bool) -> None:
    """Read every line and say whether it is as it was written; exits with 1 when one is not.

    The digest of the newest line, kept somewhere else, shows later whether lines at the end are gone.
    """
    with_django()
    from keepshowingup.logbook.models import Entry
    from keepshowingup.logbook.noting import BEGINNING, first_broken

    broken = first_broken()
    digest = Entry.objects.order_by("-pk").values_list("digest", flat=True).first() or BEGINNING
    lines = Entry.objects.count()
    if as_json:
        click.echo(json.dumps({"lines": lines, "broken": broken.pk if broken else None, "digest": digest}))
    if broken:
        raise Refused(
            f"Line {broken.pk} is not as it was written, or the line before it is gone. Compare it with a backup."
        )
    if not as_json:
        click.echo(f"All {lines} lines are as they were written. The newest digest: {digest}")
