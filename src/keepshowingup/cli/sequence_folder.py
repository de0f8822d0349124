"""``keepshowingup sequence validate | plan | apply | export``: sequences as folders of Markdown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.root import with_django

if TYPE_CHECKING:
    from keepshowingup.editorial.folders import FolderSequence
    from keepshowingup.editorial.planning import Plan, StepChange

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per fault: {file, line, message}.")
def validate(folder: Path, as_json: bool) -> int:
    """Say everything that is wrong in a folder, by file and line. Needs no database."""
    from keepshowingup.editorial.folders import validate as faults_of

    faults = faults_of(folder)
    for fault in faults:
        row = {"file": fault.file, "line": fault.line, "message": fault.sentence}
        click.echo(json.dumps(row) if as_json else str(fault))
    if not faults:
        click.echo(f"{folder} is in order.", err=True)
    return 1 if faults else 0


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change.")
def plan(folder: Path, as_json: bool) -> None:
    """Show what applying a folder would change, and for how many readers. Changes nothing."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial import publishing

    _show(publishing.plan(_read(folder), settings.CLOCK.now()), as_json)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--yes", is_flag=True, help="Don't ask before changing a live sequence.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change.")
def apply(folder: Path, yes: bool, as_json: bool) -> None:
    """Make the sequence what the folder says, all of it or nothing. Changed words then wait for approval."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.replanning import replan_sequence
    from keepshowingup.editorial import publishing
    from keepshowingup.editorial.models import Sequence

    wanted = _read(folder)
    now = settings.CLOCK.now()
    changes = publishing.plan(wanted, now)
    _show(changes, as_json)
    if changes.is_empty:
        return
    is_live = Sequence.objects.filter(slug=wanted.slug, state=Sequence.State.LIVE).exists()
    if is_live and not yes and sys.stdin.isatty():
        click.confirm("The sequence is live. Apply this from now on, for everyone?", abort=True, err=True)
    publishing.apply(wanted, author="files", now=now)
    applied = Sequence.objects.get(slug=wanted.slug)
    if not changes.is_new:
        replan_sequence(applied.pk, now)
    click.echo("Applied.", err=True)
    if changes.needs_approval:
        click.echo(f"Its new words wait for approval: keepshowingup sequence approve {wanted.slug}", err=True)


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
def milestones() -> None:
    """Make the ten letters for marks of a reader's own date that are shipped; they wait to be read and approved."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial.starters import install_milestones

    made = install_milestones(settings.CLOCK.now())
    click.echo(f"{made.title} ({made.slug}): {made.steps.count()} letters.", err=True)
    click.echo(f"Read them: keepshowingup sequence show {made.slug}", err=True)
    click.echo(f"Then: keepshowingup sequence approve {made.slug}, and activate {made.slug}", err=True)


def _read(folder: Path) -> FolderSequence:
    """The folder, when there is nothing wrong in it. Raises FolderFaulty with everything otherwise."""
    from keepshowingup.editorial.folders import FolderFaulty, read_folder, validate

    if faults := validate(folder):
        raise FolderFaulty(faults)
    return read_folder(folder)


def _show(changes: Plan, as_json: bool) -> None:
    from keepshowingup.cli.headcount import headcounts
    from keepshowingup.editorial.planning import tell

    counts = headcounts(changes.slug, changes.order, changes.steps)

    def readers(step: StepChange) -> str:
        heads = counts.get(step.key)
        if heads is None:
            return ""
        if step.kind == "deleted":
            return f"{heads.ahead} will not get it, {heads.past} had it"
        then = " then" if step.kind == "moved" else ""
        return f"{heads.ahead} will get it{then}, {heads.past} {'is' if heads.past == 1 else 'are'} past it"

    if not as_json:
        for line in tell(changes, readers):
            click.echo(line)
        return
    if changes.is_new:
        click.echo(json.dumps({"change": "created", "slug": changes.slug}))
    for field in changes.fields:
        click.echo(json.dumps({"change": "field", "field": field.name, "old": field.old, "new": field.new}))
    for step in changes.steps:
        row = {"change": step.kind, "step": step.key, "subject": step.subject, "when": step.timing}
        heads = counts.get(step.key)
        people = {"readers_ahead": heads.ahead, "readers_past": heads.past} if heads else {}
        click.echo(json.dumps(row | {"diff": list(step.diff), "note": step.note} | people))
    if changes.renumbered:
        click.echo(json.dumps({"change": "renumbered", "letters": changes.renumbered}))
