"""``keepshowingup sequence validate | schema | plan | apply | export``: sequences as folders of Markdown."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli import weighing
from keepshowingup.cli.root import with_django
from keepshowingup.core.editions import Way, read_way

if TYPE_CHECKING:
    from datetime import datetime

    from keepshowingup.core.heads import Heads
    from keepshowingup.editorial.folders import FolderSequence
    from keepshowingup.editorial.planning import Plan, StepChange

COLOURS = {"+": "green", "-": "red", "~": "cyan", ">": "blue"}
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folders", metavar="DIR...", type=FOLDER, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="A JSON object per fault: {file, path, line, column, message}.")
def validate(folders: tuple[Path, ...], as_json: bool) -> int:
    """Say everything that is wrong in folders, by file, line and column. Needs no database, network or settings."""
    from keepshowingup.editorial.folders import validate as faults_of

    found = [(folder, faults_of(folder)) for folder in folders]
    for folder, faults in found:
        for fault in faults:
            path = str(folder / fault.file)
            row = {"file": fault.file, "path": path, "line": fault.line, "column": fault.column}
            click.echo(json.dumps(row | {"message": fault.sentence}) if as_json else str(replace(fault, file=path)))
        if not faults:
            click.echo(f"{folder} is in order.", err=True)
    return 1 if any(faults for _, faults in found) else 0


@click.command()
@click.argument("kind", metavar="[letter|sequence]", type=click.Choice(["letter", "sequence"]), default="letter")
def schema(kind: str) -> None:
    """Print the JSON Schema of a letter's front matter or of sequence.toml, for an editor or another checker."""
    from keepshowingup.editorial.folder_fields import schema as schema_of

    click.echo(json.dumps(schema_of(kind), indent=2))


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@weighing.FOR
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change.")
def plan(folder: Path, way: str | None, as_json: bool) -> None:
    """Show what applying a folder would change, and for how many readers. Changes nothing."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial import publishing

    wanted = _read(folder)
    now = settings.CLOCK.now()
    _show(publishing.plan(wanted, now), wanted, read_way(way or Way.NOW_ON), now, as_json)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@weighing.FOR
@click.option("--yes", is_flag=True, help="Don't ask before changing a live sequence.")
@weighing.MORE_THAN_ONE
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change.")
def apply(folder: Path, way: str | None, yes: bool, yes_more_than_one: bool, as_json: bool) -> None:
    """Make the sequence what the folder says, all of it or nothing. Changed words then wait for approval."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.places import house_pace
    from keepshowingup.cli.replanning import replan_here
    from keepshowingup.editorial import publishing
    from keepshowingup.editorial.foreseen import by_folder
    from keepshowingup.editorial.models import Sequence

    wanted = _read(folder)
    now = settings.CLOCK.now()
    changes = publishing.plan(wanted, now)
    is_live = Sequence.objects.filter(slug=wanted.slug, state=Sequence.State.LIVE).exists()
    chosen = weighing.choose(way, by_folder(changes, wanted), ask=is_live and not yes)
    heads = _show(changes, wanted, chosen, now, as_json)
    if changes.is_empty:
        return
    weighing.want_a_yes(heads, house_pace(), given=yes_more_than_one)
    if is_live and not yes and sys.stdin.isatty():
        click.confirm(f"Apply this {chosen.words}?", abort=True, err=True)
    publishing.apply(wanted, author="files", now=now, way=chosen, heads=heads.row() if heads else None)
    applied = Sequence.objects.get(slug=wanted.slug)
    if not changes.is_new:
        replan_here(applied.pk, now)
    click.echo("Applied.", err=True)
    if changes.needs_approval:
        click.echo(f"Its new words wait for approval: keepshowingup sequence approve {wanted.slug}", err=True)
    elif is_live:
        click.echo(f"Until its first letter goes: keepshowingup sequence undo {wanted.slug}", err=True)


@click.command()
@click.argument("slug")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def export(slug: str, folder: Path) -> None:
    """Write a sequence as a folder. Applying it again changes nothing; files that say the same are not touched."""
    with_django()
    from keepshowingup.editorial import publishing

    done = publishing.export(slug, folder)
    for name in done.written:
        click.echo(f"wrote {folder / name}", err=True)
    for name in done.removed:
        click.echo(f"removed {folder / name}: the sequence has this letter no more", err=True)
    click.echo(f"{len(done.written)} written, {len(done.removed)} removed, {len(done.kept)} as they were.", err=True)


@click.command()
@click.option("--language", default="en", show_default=True, help="en or es.")
def milestones(language: str) -> None:
    """Make the ten letters for marks of a reader's own date that are shipped; they wait to be read and approved."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial.starters import install_milestones

    made = install_milestones(settings.CLOCK.now(), language=language)
    click.echo(f"{made.title} ({made.slug}): {made.steps.count()} letters.", err=True)
    click.echo(f"Read them: keepshowingup sequence show {made.slug}", err=True)
    click.echo(f"Then: keepshowingup sequence approve {made.slug}, and activate {made.slug}", err=True)


def _read(folder: Path) -> FolderSequence:
    """The folder, when there is nothing wrong in it. Raises FolderFaulty with everything otherwise."""
    from keepshowingup.editorial.folders import FolderFaulty, read_folder, validate

    if faults := validate(folder):
        raise FolderFaulty(faults)
    return read_folder(folder)


def _show(changes: Plan, folder: FolderSequence, way: Way, now: datetime, as_json: bool) -> Heads | None:
    from keepshowingup.cadence.places import house_pace
    from keepshowingup.editorial.foreseen import by_folder
    from keepshowingup.editorial.models import Sequence
    from keepshowingup.editorial.planning import tell

    sequence = Sequence.objects.filter(slug=changes.slug).first()
    heads = weighing.weigh(sequence, by_folder(changes, folder), way, now)
    reaches = heads.letters if heads and (heads.readers or heads.letters) else {}

    def readers(step: StepChange) -> str:
        reach = reaches.get(step.key)
        return weighing.reach_words(step.kind, reach, way) if reach else ""

    if not as_json:
        for line in tell(changes, readers):
            click.echo(click.style(line, fg=COLOURS.get(line.lstrip()[:1])) if line.startswith(" ") else line)
        if heads is not None and heads.crowded:
            click.secho(f"  {weighing.crowd_words(heads, house_pace())}", fg="yellow", bold=True)
        return heads
    if changes.is_new:
        click.echo(json.dumps({"change": "created", "slug": changes.slug}))
    for field in changes.fields:
        click.echo(json.dumps({"change": "field", "field": field.name, "old": field.old, "new": field.new}))
    for step in changes.steps:
        row = {"change": step.kind, "step": step.key, "subject": step.subject, "when": step.timing}
        reach = reaches.get(step.key)
        people = {"readers_ahead": reach.ahead, "readers_past": reach.past} if reach else {}
        click.echo(json.dumps(row | {"diff": list(step.diff), "note": step.note} | people))
    if changes.renumbered:
        click.echo(json.dumps({"change": "renumbered", "letters": changes.renumbered}))
    if heads is not None and heads.crowded:
        last_on = heads.last_on.isoformat() if heads.last_on else None
        click.echo(json.dumps({"change": "crowded", "readers": heads.crowded, "last_on": last_on, "for": way}))
    return heads
