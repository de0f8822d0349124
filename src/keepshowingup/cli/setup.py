"""Commands that set keepshowingup up and keep it safe: init, doctor, migrate, backup."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import WrongUsage

MARKS = {"well": ("green", "✓"), "note": ("yellow", "!"), "wrong": ("red", "✗")}


@click.command()
@click.option("--email", help="Who may sign in first, as an admin.")
@click.option("--password", envvar="KSU_STAFF_PASSWORD", help="Better given as KSU_STAFF_PASSWORD, or asked for.")
@click.option("--name", help="What the letters are called, such as 'Harbour letters'. Keep it neutral.")
@click.option("--from-address", help="Where letters come from.")
@click.option("--postal-address", help="Required by law in every letter.")
def init(
    email: str | None,
    password: str | None,
    name: str | None,
    from_address: str | None,
    postal_address: str | None,
) -> None:
    """Prepare the data folder: database, masthead, first staff user. Doing it again changes only what you give."""
    if password and not email:
        raise WrongUsage("Whose password is it? Give --email too.")
    with_django()
    from django.conf import settings
    from django.contrib.auth.models import User

    from keepshowingup.editorial.masthead import edit_masthead, masthead
    from keepshowingup.editorial.people import make_roles, make_staff
    from keepshowingup.ops.database import migrate as bring_up_to_date
    from keepshowingup.ops.first_start import FIRST_ADDRESS, new_password

    done = bring_up_to_date()
    click.echo(f"Database: {f'{len(done)} migrations run' if done else 'up to date'}.", err=True)
    make_roles()

    asking = sys.stdin.isatty()
    row = masthead()
    if asking:
        name = name or click.prompt("What are the letters called?", default=row.name, err=True)
        from_address = from_address or click.prompt("Where do they come from?", default=row.from_address, err=True)
        postal_address = postal_address or click.prompt(
            "Your postal address (needed before the first letter)", default=row.postal_address, err=True
        )
    # Who signs the letters follows the name, unless somebody chose it.
    from_name = name if row.from_name in {row.name, "Letters"} else None
    row = edit_masthead(name=name, from_name=from_name, from_address=from_address, postal_address=postal_address)
    click.echo(f"Masthead: {row.name}, from {row.from_address}.", err=True)
    if not row.postal_address:
        click.echo("Still missing: --postal-address. Without one no sequence can be started.", err=True)

    somebody = User.objects.filter(is_active=True).exists()
    if asking and not email and not somebody:
        email = click.prompt("Who may sign in? Email", default=FIRST_ADDRESS, err=True)
    if not email and not somebody:
        email = FIRST_ADDRESS
    if email and (password or not User.objects.filter(email__iexact=email).exists()):
        if asking and not password:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        made_up = password is None
        person = make_staff(email, password or (password := new_password()), "admin")
        click.echo(f"Staff: {person.email} may sign in at {settings.BASE_URL}/staff/", err=True)
        if made_up:
            click.echo(f"Password, shown once: {password}", err=True)
    click.echo(f"Ready in {settings.DATA_DIR}. Next: keepshowingup up", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {what, state, sentence, mend}.")
def doctor(as_json: bool) -> int:
    """Look for what is missing or wrong, and say how to mend it. Exits 1 when anything is wrong."""
    with_django()
    from django.conf import settings
    from rich.console import Console
    from rich.markup import escape

    from keepshowingup.ops.doctor import examine

    terminal = Console(highlight=False)
    wrong = 0
    for finding in examine(settings.CLOCK.now(), settings.CLOCK.real()):
        wrong += finding.state == "wrong"
        if as_json:
            click.echo(json.dumps(asdict(finding)))
            continue
        colour, mark = MARKS[finding.state]
        terminal.print(f"[{colour}]{mark}[/] [bold]{finding.what:<12}[/] {escape(finding.sentence)}", soft_wrap=True)
        if finding.mend and finding.state != "well":
            terminal.print(f"  {'':<12} {escape(finding.mend)}", style="dim", soft_wrap=True)
    return 1 if wrong else 0


@click.command()
def migrate() -> None:
    """Bring the database up to date. Safe to run again, and before every start."""
    with_django()
    from keepshowingup.ops.database import migrate as bring_up_to_date

    done = bring_up_to_date()
    for name in done:
        click.echo(name, err=True)
    click.echo(f"The database is up to date; {len(done)} migrations run.", err=True)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a copy of the database to FILE, also while everything runs."""
    with_django()
    from django.conf import settings

    from keepshowingup.ops.backup import backup as write_copy
    from keepshowingup.ops.database import need_database

    need_database()
    size = write_copy(file)
    click.echo(f"{file}: {size / 2**20:.1f} MB.", err=True)
    if (settings.DATA_DIR / "secret-key").exists():
        click.echo(
            f"Keep {settings.DATA_DIR / 'secret-key'} too: links in letters already sent are signed with it.", err=True
        )
