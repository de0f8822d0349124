"""Putting a backup in place, and sending again afterwards."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.moments import read_moment
from keepshowingup.cli.root import with_django
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import Refused

if TYPE_CHECKING:
    from keepshowingup.ops.resuming import Prospect


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Put the backup FILE in the place of the database. Nothing is sent until you say so."""
    if not yes:
        if not sys.stdin.isatty():
            raise Refused("This replaces the database. Say --yes if that is what you want.")
        click.confirm("This replaces the database. Go on?", abort=True, err=True)
    with_django()
    from django.conf import settings

    from keepshowingup.ops.backup import restore as put_in_place
    from keepshowingup.ops.resuming import look_ahead

    put_in_place(file, settings.CLOCK.real())
    click.echo("Restored, in safe mode: nothing is sent.", err=True)
    _tell(look_ahead(settings.CLOCK))
    click.echo("Readers who left, joined or were stopped since the backup are as they were then.", err=True)
    click.echo("Next: `keepshowingup reconcile`, then `keepshowingup resume-sending`.", err=True)


@click.command("resume-sending")
@click.option("--skip-until", metavar="ISO", help="Pass over what fell due up to then: it may have left already.")
@click.option("--send-all", is_flag=True, help="Send everything that is due, also what may have left already.")
@click.option("--dry-run", is_flag=True, help="Only count the letters at stake.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the counts, and what was done.")
def resume_sending(skip_until: str | None, send_all: bool, dry_run: bool, as_json: bool) -> None:
    """End the safe mode after a restore.

    While letters may have left that the database does not know of, say what to do about them: give evidence with
    `keepshowingup reconcile` first, or --skip-until, or --send-all.
    """
    skip = None if skip_until is None else read_moment(skip_until, "--skip-until")
    with_django()
    from django.conf import settings

    from keepshowingup.ops.resuming import look_ahead
    from keepshowingup.ops.resuming import resume_sending as end_safe_mode

    prospect = look_ahead(settings.CLOCK)
    _tell(prospect)
    how, passed_over = (
        ("", 0) if dry_run else end_safe_mode(settings.CLOCK, getpass.getuser(), skip=skip, send_all=send_all)
    )
    if as_json:
        click.echo(json.dumps({**_counts(prospect), "how": how, "passed_over": passed_over}))
    if not dry_run:
        done = f"{count_of(passed_over, 'letter was', 'letters were')} passed over. " if passed_over else ""
        click.echo(f"{done}Letters are sent again from the next tick.", err=True)


def _counts(prospect: Prospect) -> dict[str, object]:
    gap, stake = prospect.gap, prospect.stake
    return {
        "missing_from": gap.begins.isoformat() if gap.begins else None,
        "missing_until": gap.ends.isoformat(),
        "fell_due": stake.fell_due,
        "under_way": stake.under_way,
        "due_since": stake.due_since,
    }


def _tell(prospect: Prospect) -> None:
    gap, stake = prospect.gap, prospect.stake
    since = f"from {gap.begins:%Y-%m-%d %H:%M} " if gap.begins else ""
    click.echo(
        f"This database knows nothing of the time {since}to {gap.ends:%Y-%m-%d %H:%M} UTC."
        f" {count_of(stake.fell_due, 'letter')} fell due then, and"
        f" {stake.under_way:,} {'was' if stake.under_way == 1 else 'were'} under way: they may have left."
        f" {stake.due_since} fell due since.",
        err=True,
    )
