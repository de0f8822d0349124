"""``keepshowingup sequence``: list, check, approve, start and pause sequences, and see what is to come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keepshowingup.cli import sequence_folder, weighing
from keepshowingup.cli.commands import Commands
from keepshowingup.cli.moments import read_moment
from keepshowingup.cli.root import at_terminal, with_django
from keepshowingup.core.counting import count_of
from keepshowingup.core.editions import read_way
from keepshowingup.core.errors import NotFound, Refused, WrongUsage

if TYPE_CHECKING:
    from keepshowingup.editorial.models import Sequence


@click.group(cls=Commands)
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
    """The letters of a sequence: days, approval, what the proofreader found, how often it helped, obstacles."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.helping import helped_by_step
    from keepshowingup.editorial.reviewing import obstacles
    from keepshowingup.editorial.standings import standings

    found = find_sequence(slug)
    letters, helped = standings(found), helped_by_step(found.pk)
    in_the_way = obstacles(found.pk, settings.CLOCK.now()) if found.state == found.State.DRAFT else []
    if as_json:
        for letter in letters:
            click.echo(json.dumps({**letter.row(), "helped": helped.get(letter.key, 0)}))
        summary = {"slug": found.slug, "title": found.title, "state": found.state, "letters": len(letters)}
        click.echo(json.dumps(summary | {"obstacles": in_the_way}))
        return
    from rich.console import Console
    from rich.table import Column, Table

    click.echo(f"{found.title} ({found.slug}), {found.state}")
    columns = ("when", "subject", "approval", "blocks", "warnings", "notes", "helped")
    table = Table(Column("key", overflow="fold"), *columns)
    for letter in letters:
        findings = letter.findings
        counts = (findings["block"], findings["warn"], findings["note"], helped.get(letter.key, 0))
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
@weighing.for_whom("as was said when it was written, or from now on, for everyone")
@weighing.MORE_THAN_ONE
def approve(
    slug: str, approver: str | None, override_reason: str | None, way: str | None, yes_more_than_one: bool
) -> None:
    """Say yes to the newest words of every letter, as a second person: not the one who wrote them.

    Letters that were sent back are left with their writers.
    """
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.places import house_pace
    from keepshowingup.cli.replanning import replan_here
    from keepshowingup.editorial import reviewing
    from keepshowingup.editorial.foreseen import by_approval

    found = find_sequence(slug)
    now = settings.CLOCK.now()
    overrides = [reviewing.Override(override_reason)] if override_reason is not None else []
    name = at_terminal() if approver is None else approver
    chosen = read_way(way) if way else None
    started = found.state != found.State.DRAFT
    likely = chosen or reviewing.proposed_way(found)
    heads = weighing.weigh(found, by_approval(found), likely, now) if started else None
    if heads is not None:
        for key, reach in heads.letters.items():
            click.echo(f"{key}: {weighing.reach_words('added', reach, likely)}", err=True)
    weighing.want_a_yes(heads, house_pace(), given=yes_more_than_one)
    counted = heads.row() if heads else None
    approved = reviewing.approve(found.pk, approver=name, now=now, overrides=overrides, way=chosen, heads=counted)
    if started:
        replan_here(found.pk, now)
    if not approved:
        click.echo(f"Every letter of {slug} is approved already.", err=True)
        return
    click.echo(f"{count_of(approved, 'letter')} of {slug} approved by {name}.", err=True)
    if found.state == found.State.DRAFT:
        click.echo(f"To start it: keepshowingup sequence activate {slug}", err=True)


@sequence.command()
@click.argument("slug")
def activate(slug: str) -> None:
    """Start a sequence: its letters go out on their days. Refused with everything that stands in the way."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting
    from keepshowingup.cli.replanning import finish_here

    now = settings.CLOCK.now()
    starting.activate(find_sequence(slug).pk, now, by=at_terminal())
    finish_here(now)
    click.echo(f"{slug} is live.", err=True)


@sequence.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Let a sequence rest: nothing of it goes out until it is resumed."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting

    starting.pause(find_sequence(slug).pk, settings.CLOCK.now(), by=at_terminal())
    click.echo(f"{slug} is paused. To go on: keepshowingup sequence resume {slug}", err=True)


@sequence.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Go on after a pause: letters keep their spacing from now, never two at once."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence import starting
    from keepshowingup.cli.replanning import finish_here

    now = settings.CLOCK.now()
    starting.resume(find_sequence(slug).pk, now, by=at_terminal())
    finish_here(now)
    click.echo(f"{slug} is live again.", err=True)


@sequence.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change, the newest first.")
def changes(slug: str, as_json: bool) -> None:
    """What was changed while readers were on it: when, by whom, for whom, and whether it can be undone."""
    with_django()
    from keepshowingup.delivery.undoing import why_not

    found = find_sequence(slug).edits.all()
    for edit in found:
        in_the_way = why_not(edit)
        if as_json:
            row = {"id": edit.pk, "made_at": edit.made_at.isoformat(), "by": edit.made_by, "for": edit.way}
            row |= {"changes": edit.changes, "heads": edit.heads, "undone": edit.undone_at is not None}
            click.echo(json.dumps(row | {"may_undo": not in_the_way, "why_not": in_the_way}))
            continue
        said = ", ".join(f"{change['kind']} {change['key']}" for change in edit.changes) or "other hours"
        click.echo(f"{edit.made_at:%Y-%m-%d %H:%M} UTC, {edit.made_by}, {edit.way}: {said}")
        click.echo(f"  {in_the_way or f'It can be undone: keepshowingup sequence undo {slug}'}")
    if not (found or as_json):
        click.echo("Nothing has been changed since it was started.")


@sequence.command()
@click.argument("slug")
@click.option("--by", metavar="NAME", help="Who undoes it. Default: this system's user.")
def undo(slug: str, by: str | None) -> None:
    """Undo the newest change, until its first letter has gone. New words wait for approval again."""
    with_django()
    from django.conf import settings

    from keepshowingup.cli.replanning import finish_here
    from keepshowingup.delivery import undoing
    from keepshowingup.editorial.editing import newest_edit

    found = find_sequence(slug)
    edit = newest_edit(found.pk)
    if edit is None:
        raise Refused(f"There is no change of {slug} to undo.")
    now = settings.CLOCK.now()
    undoing.undo(edit.pk, by=by or at_terminal(), now=now)
    finish_here(now)
    click.echo(f"{slug} is as it was before {edit.made_at:%Y-%m-%d %H:%M} UTC.", err=True)


@sequence.command()
@click.argument("slug")
@click.option("--start", metavar="ISO", help="When the reader joins, local to the zone unless it says. Default: now.")
@click.option("--zone", default="UTC", show_default=True, help="The reader's time zone, such as Europe/London.")
@click.option("--hour", default="10:00", show_default=True, metavar="HH:MM", help="The reader's hour, local.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(0, 3660), help="How far to look.")
@click.option("--everyone", is_flag=True, help="Its readers instead: letters on each day, {date, letters} in --json.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {step, local, utc, reason}.")
def forecast(slug: str, start: str | None, zone: str, hour: str, days: int, everyone: bool, as_json: bool) -> None:
    """What somebody who joins at START would get, and when: the sender's own planning, with the clock moved on."""
    with_django()
    from django.conf import settings

    if everyone:
        _forecast_everyone(find_sequence(slug), days, as_json)
        return
    from keepshowingup.cadence.forecast import forecast as look_ahead
    from keepshowingup.cadence.forecast import left_out
    from keepshowingup.editorial.fields import read_time

    at = read_time(hour)
    if at is None:
        raise WrongUsage(f"'{hour}' is not a time of day. Write it like --hour 09:30.")
    joins = settings.CLOCK.now() if start is None else read_moment(start, "--start", zone)
    found = find_sequence(slug)
    letters = look_ahead(found.pk, zone=zone, hour=at, start=joins, days=days)
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
    Console().print(table if letters else f"No letters in {count_of(days, 'day')}.")
    for key, why in left_out(found.pk):
        click.echo(f"{key} is not in it: {why}.", err=True)


def _forecast_everyone(found: Sequence, days: int, as_json: bool) -> None:
    from django.conf import settings

    from keepshowingup.cadence.ahead import letters_ahead

    ahead = letters_ahead(settings.CLOCK.now(), days, found.pk)
    for day, letters in sorted(ahead.on_days(found.pk).items()):
        click.echo(json.dumps({"date": day.isoformat(), "letters": letters}) if as_json else f"{day}  {letters:,}")
    click.echo(f"{count_of(ahead.readers, 'reader')}. A day is the reader's own.", err=True)


def find_sequence(slug: str) -> Sequence:
    """The sequence of that name. Raises :class:`NotFound`."""
    from keepshowingup.editorial.models import Sequence

    found = Sequence.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no sequence '{slug}'. `keepshowingup sequence list` shows them.")
    return found


for command in (
    sequence_folder.validate,
    sequence_folder.schema,
    sequence_folder.plan,
    sequence_folder.apply,
    sequence_folder.export,
    sequence_folder.milestones,
):
    sequence.add_command(command)
