"""Commands that look: status and health."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import PartMissing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from keepshowingup.delivery.watching import Status

EACH = 2.0  # seconds between two looks


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--watch", "-w", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
def status(as_json: bool, watch: bool) -> int:
    """What is due, under way and done, and who is alive. Exits 3 when the database is not there."""
    with_django()
    from rich.console import Console
    from rich.live import Live

    if not watch:
        found = _look()
        if as_json:
            click.echo(json.dumps(_as_json(found)))
        else:
            _need_database(found)
            Console().print(_draw(found))
        return 0 if found.database_ok else PartMissing.exit_code
    if not sys.stdout.isatty():
        raise click.UsageError("--watch needs a terminal. Use --json in scripts.")
    with Live(_draw(_look()), screen=False, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(EACH)
                live.update(_draw(_look()), refresh=True)
        except KeyboardInterrupt:
            return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: {ok, sentences, …}.")
def health(as_json: bool) -> int:
    """One answer for monitors: exit 0 when well, 1 when not, 3 when the database is not there."""
    with_django()
    found = _look()
    if as_json:
        click.echo(json.dumps(_as_json(found)))
    else:
        click.echo("well" if found.ok else "not well")
        _need_database(found)
        for sentence in found.sentences:
            click.echo(sentence, err=True)
    if not found.database_ok:
        return PartMissing.exit_code
    return 0 if found.ok else 1


def _look() -> Status:
    from django.conf import settings

    from keepshowingup.delivery.watching import status as ask

    return ask(settings.CLOCK.now(), settings.CLOCK.real())


def _need_database(found: Status) -> None:
    """Say more exactly what is the matter with the database: away, or only empty."""
    if not found.database_ok:
        from keepshowingup.ops.database import need_database

        need_database()


def _as_json(found: Status) -> dict[str, object]:
    return {"ok": found.ok, "sentences": found.sentences, **asdict(found)}


def _draw(found: Status) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines: list[RenderableType] = [
        Text(sentence, style="yellow" if found.ok else "red") for sentence in found.sentences
    ]
    if not lines:
        lines.append(Text("All is well.", style="green"))
    if not found.database_ok:
        return Group(*lines)
    letters = Table("letters", "", box=box.SIMPLE, show_header=False)
    for what, count in (
        ("due now", found.due),
        ("more than 5 minutes late", found.overdue),
        ("claimed", found.claimed),
        ("being handed over", found.handing_over),
        ("to be tried again", found.retry),
        ("may or may not have arrived", found.unknown),
        ("accepted in the last 24 hours", found.accepted_today),
    ):
        letters.add_row(what, f"{count:,}", style=None if count else "dim")
    lines.append(letters)
    if found.heartbeats:
        alive = Table("part", "last heard of", box=box.SIMPLE, show_header=False)
        for part, age in found.heartbeats.items():
            alive.add_row(part, f"{age:.0f} s ago")
        lines.append(alive)
    return Group(*lines)
