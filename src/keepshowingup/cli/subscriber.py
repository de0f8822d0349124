"""``keepshowingup subscriber``: add, import, show, export, pause and erase readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.cli.root import at_terminal, with_django
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from keepshowingup.audience.importing import Chunk
    from keepshowingup.outcomes.readers import ReaderRow

sequence_option = click.option("--sequence", metavar="SLUG", help="Begin this sequence.")


@click.group(cls=Commands)
def subscriber() -> None:
    """Add, import, show, pause and erase readers."""


@subscriber.command()
@click.argument("email")
@click.option("--first-name", default="", metavar="NAME", help="What letters call them.")
@click.option("--zone", default="UTC", show_default=True, metavar="ZONE", help="Like Europe/London.")
@click.option("--hour", default="10:00", show_default=True, metavar="HH:MM", help="Local time of day.")
@click.option("--language", default="en", show_default=True, help="What they read, like es.")
@click.option("--country", default="", metavar="XX", help="For help lines, like GB.")
@sequence_option
@click.option("--confirmed", is_flag=True, help="They have agreed already; needs --consent-note.")
@click.option("--consent-note", default="", metavar="TEXT", help="How you know that they agreed. Kept as the proof.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object: {email, state}.")
def add(
    email: str,
    first_name: str,
    zone: str,
    hour: str,
    language: str,
    country: str,
    sequence: str | None,
    confirmed: bool,
    consent_note: str,
    as_json: bool,
) -> None:
    """Add a reader. Without --confirmed a letter asks them for their yes, and nothing else is sent."""
    if confirmed != bool(consent_note.strip()):
        raise WrongUsage("--confirmed and --consent-note belong together: say how you know that they agreed.")
    with_django()
    from django.conf import settings
    from django.db import transaction

    from keepshowingup.audience.details import read_country, read_hour, read_language
    from keepshowingup.audience.joining import JoinRequest, add_confirmed, ask_to_join
    from keepshowingup.cadence.enrolling import enrol
    from keepshowingup.core.timing import load_zone

    _check(email)
    load_zone(zone)
    now = settings.CLOCK.now()
    sequence_id = _sequence_id(sequence)
    time, tag, code = read_hour(hour), read_language(language), read_country(country)
    if confirmed:
        with transaction.atomic():
            reader = add_confirmed(
                email,
                first_name=first_name,
                zone=zone,
                hour=time,
                language=tag,
                country=code,
                consent_note=consent_note,
                now=now,
            )
            if sequence_id is not None:
                enrol(reader.pk, sequence_id, now)
    else:
        ask_to_join(
            JoinRequest(
                email,
                first_name=first_name,
                zone=zone,
                hour=time,
                language=tag,
                country=code,
                sequence_id=sequence_id,
                form="command line",
            ),
            now,
        )
    state = "active" if confirmed else "asked"
    if as_json:
        click.echo(json.dumps({"email": email, "state": state}))
    else:
        click.echo("Added." if confirmed else "A letter asks them for their yes.", err=True)


@subscriber.command("import")
@click.argument("file", metavar="CSV", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@sequence_option
@click.option("--consent-note", default="", metavar="TEXT", help="Covers rows that bring no proof of consent.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object: {rows, added, updated, refused, seconds}.")
def import_(file: Path, sequence: str | None, consent_note: str, as_json: bool) -> None:
    """Import readers from a CSV file.

    Columns: email (needed), first_name, zone, hour, language, country, consented_at, consent_source. Rows that are
    refused go to a file beside it, with the reason. Exit code 1 when every row was refused.

    Nobody is brought back who left or must not be written to. An import that was interrupted goes on with the same
    file: rows that are there already change nothing.
    """
    with_django()
    from django.conf import settings
    from rich.console import Console
    from rich.progress import Progress

    from keepshowingup.audience.importing import import_readers
    from keepshowingup.cadence.enrolling import enrol_many
    from keepshowingup.cadence.replanning import replan_reader

    now = settings.CLOCK.now()
    sequence_id = _sequence_id(sequence)

    def begin_letters(chunk: Chunk) -> None:
        for reader in chunk.moved:
            replan_reader(reader, now)
        if sequence_id is not None:
            enrol_many(chunk.readers, sequence_id, now)

    try:
        terminal = Console(stderr=True)
        with Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
            task = bar.add_task("Importing", total=file.stat().st_size)
            done = import_readers(
                file,
                now=now,
                consent_note=consent_note,
                on_chunk=begin_letters,
                progress=lambda read: bar.update(task, completed=read),
            )
    except PermissionError as error:
        raise Refused(f"{file} can't be read: {error.strerror}.") from error
    if as_json:
        click.echo(json.dumps(done.row()))
    else:
        click.echo(f"{count_of(done.rows, 'row')}: {done.added} added, {done.updated} updated, {done.refused} refused.")
    if done.refused_file:
        click.echo(f"The refused rows are in {done.refused_file}, each with its reason.", err=True)
    if done.refused and not done.added + done.updated:
        raise click.exceptions.Exit(1)


@subscriber.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="A JSON object with everything that is kept.")
def show(email: str, as_json: bool) -> None:
    """Everything that is kept about a reader, and what comes next."""
    with_django()
    from keepshowingup.outcomes.readers import describe, find

    row = describe(find(email))
    if as_json:
        click.echo(json.dumps(row))
    else:
        _print(row)


@subscriber.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(file: Path) -> None:
    """Write all readers to a CSV file that `subscriber import` reads back."""
    with_django()
    from django.conf import settings

    from keepshowingup.audience.exporting_csv import export_readers
    from keepshowingup.logbook.models import Entry
    from keepshowingup.logbook.noting import note

    count = export_readers(file)
    readers = count_of(count, "reader")
    about = f"{readers} to a file"
    note(Entry.What.EXPORTED, who=at_terminal(), about=about, now=settings.CLOCK.now(), details={"readers": count})
    click.echo(f"{readers} written to {file}.", err=True)


@subscriber.command()
@click.argument("email")
@click.argument("days", type=int)
def pause(email: str, days: int) -> None:
    """Rest a reader's letters for so many days, in their own zone."""
    with_django()
    from django.conf import settings

    from keepshowingup.audience import preferences
    from keepshowingup.outcomes.readers import find

    until = preferences.pause(find(email).pk, settings.CLOCK.now(), days)
    click.echo(f"Letters rest until {until:%Y-%m-%d %H:%M} UTC.", err=True)


@subscriber.command()
@click.argument("email")
def resume(email: str) -> None:
    """End a reader's break; their letters go on, moved by the days it lasted."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.replanning import resume_reader
    from keepshowingup.outcomes.readers import find

    reader = find(email)
    if reader.state != reader.State.ACTIVE:
        raise Refused("No letters are coming, so there is no break to end.")
    resume_reader(reader.pk, settings.CLOCK.now())
    click.echo("Letters go on.", err=True)


@subscriber.command()
@click.argument("email")
@click.argument("letters", type=click.Choice(["1", "2", "any"]))
def often(email: str, letters: str) -> None:
    """At most so many letters in 7 days for a reader, or any number: as they come."""
    with_django()
    from django.conf import settings

    from keepshowingup.cadence.replanning import choose_pace
    from keepshowingup.outcomes.readers import find

    choose_pace(find(email).pk, None if letters == "any" else int(letters), settings.CLOCK.now())
    click.echo("Letters come as they come." if letters == "any" else f"At most {letters} in 7 days.", err=True)


@subscriber.command()
@click.argument("email")
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take them away instead.")
def tag(email: str, tags: tuple[str, ...], remove: bool) -> None:
    """Give a reader tags: neutral labels that letters and sequences may ask for."""
    with_django()
    from django.conf import settings

    from keepshowingup.audience.tagging import tags_of
    from keepshowingup.cadence.tagging import retag
    from keepshowingup.outcomes.readers import find

    reader = find(email)
    retag(reader.pk, settings.CLOCK.now(), give=() if remove else tags, take=tags if remove else ())
    click.echo(f"Tags: {', '.join(tags_of(reader.pk)) or 'none'}.", err=True)


@subscriber.command()
@click.argument("email")
def leave(email: str) -> None:
    """Stop all letters to a reader, beginning now."""
    with_django()
    from django.conf import settings
    from django.db import transaction

    from keepshowingup.audience import leaving
    from keepshowingup.logbook.models import Entry
    from keepshowingup.logbook.noting import note
    from keepshowingup.outcomes.readers import find

    reader, now = find(email), settings.CLOCK.now()
    with transaction.atomic():
        leaving.leave(reader.pk, now)
        note(Entry.What.STOPPED_READER, who=at_terminal(), about=f"reader {reader.opaque}", now=now)
    click.echo("No more letters.", err=True)


@subscriber.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Don't ask.")
def erase(email: str, yes: bool) -> None:
    """Forget a reader for good. Only a keyed hash stays, so that nobody signs them up again."""
    with_django()
    from django.conf import settings
    from django.db import transaction

    from keepshowingup.audience import leaving
    from keepshowingup.logbook.models import Entry
    from keepshowingup.logbook.noting import note
    from keepshowingup.outcomes.readers import find

    reader = find(email)
    if not yes:
        click.confirm("Everything about this reader is deleted and can't be brought back. Go on?", abort=True, err=True)
    now = settings.CLOCK.now()
    with transaction.atomic():
        leaving.erase(reader.pk, now)
        note(Entry.What.ERASED_READER, who=at_terminal(), about=f"reader {reader.opaque}", now=now)
    click.echo("Erased.", err=True)


def _check(email: str) -> None:
    """A malformed address is a refusal, not a wrong command."""
    from keepshowingup.core.address import check_address

    if not (checked := check_address(email)).ok:
        raise Refused(checked.reason)


def _sequence_id(slug: str | None) -> int | None:
    if slug is None:
        return None
    from keepshowingup.cli.sequence import find_sequence

    return find_sequence(slug).pk


def _print(row: ReaderRow) -> None:
    for name, value in row.items():
        if name not in {"consents", "sequences", "tags"} and value not in {"", None}:
            click.echo(f"{name.replace('_', ' ')}: {value}")
    if row["tags"]:
        click.echo(f"tags: {', '.join(row['tags'])}")
    for proof in row["consents"]:
        click.echo(f"agreed: {proof['given_at']}, {proof['source']}")
    for place in row["sequences"]:
        will_come = place["due_local"] and row["state"] == "active"
        comes = f", next {place['next_step']} at {place['due_local']}" if will_come else ""
        click.echo(f"sequence {place['sequence']}: {place['state']}{comes}")
