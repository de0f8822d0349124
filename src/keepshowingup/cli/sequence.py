"""``keepshowingup sequence``: list, check, approve, start and pause sequences, and see what is to come."""

from __future__ import annotations

import getpass
import json
import os
from typing import TYPE_CHECKING

import click

from keepshowingup.cli import sequence_folder
from keepshowingup.cli.moments import read_moment
from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import NotFound, WrongUsage

if TYPE_CHECKING:
    from keepshowingup.editorial.models import Sequence


@click.group()
def sequence() -> None:
    """List, check, approve, start and pause sequences; bring them in and out as folders of Markdown."""


@sequence.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(as_json: bool) -> None:
    """Every sequence and where it stands."""
    with_django()
    from keepshowingup.audience.models import Subscriber
    from keepshowingup.cadence.models import Enrolment
    from keepshowingup.core.states import EnrolmentState
    from keepshowingup.editorial.models import Sequence
    from keepshowingup.editorial.reviewing import with_newest

    rows = []
    readers = Enrolment.objects.filter(state=EnrolmentState.ACTIVE, subscriber__state=Subscriber.State.ACTIVE)
    for found in Sequence.objects.order_by("title", "pk"):
        letters = with_newest(found)
        rows.append(
            {
                "slug": found.slug,
                "title": found.title,
                "state": found.state,
                "letters": len(letters),
                "approved": sum(revision.is_approved for _, revision in letters),
                "readers": readers.filter(sequence=found).count(),
            }
        )
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("slug", overflow="fold"), "title", "state", "letters", "approved", "readers")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table if rows else "No sequences yet. Make one: keepshowingup sequence apply DIR")


@sequence.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="A JSON object per letter, then one of the sequence.")
def show(slug: str, as_json: bool) -> None:
    """The letters of a sequence: their days, their approval, what the proofreader found; and what is in the way."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial.reviewing import obstacles
    from keepshowingup.editorial.standings import standings

    found = find_sequence(slug)
    letters = standings(found)
    in_the_way = obstacles(found.pk, settings.CLOCK.now()) if found.state == found.State.DRAFT else []
    if as_json:
        for letter in letters:
            click.echo(json.dumps(letter.row()))
        summary = {"slug": found.slug, "title": found.title, "state": found.state, "letters": len(letters)}
        click.echo(json.dumps(summary | {"obstacles": in_the_way}))
        return
    from rich.console import Console
    from rich.table import Column, Table

    click.echo(f"{found.title} ({found.slug}), {found.state}")
    table = Table(Column("key", overflow="fold"), "when", "subject", "approval", "blocks", "warnings", "notes")
    for letter in letters:
        counts = (letter.findings["block"], letter.findings["warn"], letter.findings["note"])
        table.add_row(letter.key, letter.timing, letter.subject, letter.approval, *map(str, counts))
    Console().print(table if letters else "No letters yet.")
    if in_the_way:
        click.echo("Before it can start:")
        for sentence in in_the_way:
            click.echo(f"- {sentence}")


@sequence.command()
@click.argument("slug")
@click.option("--by", "approver", metavar="NAME", help="Who read the letters. Default: this system's user.")
@click.option("--override-reason", metavar="TEXT", help="Let blocking findings stand, for this reason; it is kept.")
def approve(slug: str, approver: str | None, override_reason: str | None) -> None:
    """Say yes to the newest words of every letter, as a second person: not the one who wrote them."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.replanning import replan_sequence
    from keepshowingup.editorial import reviewing

    found = find_sequence(slug)
    now = settings.CLOCK.now()
    overrides = [reviewing.Override(override_reason)] if override_reason is not None else []
    name = f"command line ({_system_user()})" if approver is None else approver
    approved = reviewing.approve(found.pk, approver=name, now=now, overrides=overrides)
    if found.state != found.State.DRAFT:
        replan_sequence(found.pk, now)
    if not approved:
        click.echo(f"Every letter of {slug} is approved already.", err=True)
        return
    click.echo(f"{_letters(approved)} of {slug} approved by {name}.", err=True)
    if found.state == found.State.DRAFT:
        click.echo(f"To start it: keepshowingup sequence activate {slug}", err=True)


@sequence.command()
@click.argument("slug")
def activate(slug: str) -> None:
    """Start a sequence: its letters go out on their days. Refused with everything that stands in the way."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting

    starting.activate(find_sequence(slug).pk, settings.CLOCK.now())
    click.echo(f"{slug} is live.", err=True)


@sequence.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Let a sequence rest: nothing of it goes out until it is resumed."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting

    starting.pause(find_sequence(slug).pk, settings.CLOCK.now())
    click.echo(f"{slug} is paused. To go on: keepshowingup sequence resume {slug}", err=True)


@sequence.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Go on after a pause: letters keep their spacing from now, never two at once."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting

    starting.resume(find_sequence(slug).pk, settings.CLOCK.now())
    click.echo(f"{slug} is live again.", err=True)


@sequence.command()
@click.argument("slug")
@click.option("--start", metavar="ISO", help="When the reader joins, local to the zone unless it says. Default: now.")
@click.option("--zone", default="UTC", show_default=True, help="The reader's time zone, such as Europe/London.")
@click.option("--hour", default="10:00", show_default=True, metavar="HH:MM", help="The reader's hour, local.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(0, 3660), help="How far to look.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {step, local, utc, reason}.")
def forecast(slug: str, start: str | None, zone: str, hour: str, days: int, as_json: bool) -> None:
    """What somebody who joins at START would get, and when: the sender's own planning, with the clock moved on."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.forecast import forecast as look_ahead
    from keepshowingup.editorial.fields import read_time

    at = read_time(hour)
    if at is None:
        raise WrongUsage(f"'{hour}' is not a time of day. Write it like --hour 09:30.")
    joins = settings.CLOCK.now() if start is None else read_moment(start, "--start", zone)
    letters = look_ahead(find_sequence(slug).pk, zone=zone, hour=at, start=joins, days=days)
    if as_json:
        for letter in letters:
            row = {"step": letter.step_key, "local": letter.local.isoformat(), "utc": letter.utc.isoformat()}
            click.echo(json.dumps(row | {"reason": letter.reason}))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("step", overflow="fold"), "local", "UTC", "why then")
    for letter in letters:
        table.add_row(
            letter.step_key, f"{letter.local:%a %Y-%m-%d %H:%M}", f"{letter.utc:%Y-%m-%d %H:%M}", letter.reason
        )
    Console().print(table if letters else f"No letters in {days} days.")


def find_sequence(slug: str) -> Sequence:
    """The sequence of that name. Raises :class:`NotFound`."""
    from keepshowingup.editorial.models import Sequence

    found = Sequence.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no sequence '{slug}'. `keepshowingup sequence list` shows them.")
    return found


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return f"user {os.getuid()}"


def _letters(count: int) -> str:
    return f"{count} letter{'' if count == 1 else 's'}"


for command in (
    sequence_folder.validate,
    sequence_folder.plan,
    sequence_folder.apply,
    sequence_folder.export,
    sequence_folder.milestones,
):
    sequence.add_command(command)
