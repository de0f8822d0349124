"""``keepshowingup delivery``: what went out, what did not, and why."""

from __future__ import annotations

import getpass
import json

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import WrongUsage


@click.group(cls=Commands)
def delivery() -> None:
    """What went out, what did not, and why."""


@delivery.command("list")
@click.option("--sequence", metavar="SLUG", help="Only letters of this one.")
@click.option("--subscriber", metavar="EMAIL", help="Only letters to this reader.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(sequence: str | None, subscriber: str | None, as_json: bool) -> None:
    """Every letter, in the order they were due."""
    with_django()
    from keepshowingup.cli.sequence import find_sequence
    from keepshowingup.core.states import DispatchState
    from keepshowingup.delivery.telling import dispatches, row
    from keepshowingup.outcomes.readers import find

    # A name that is nobody's is not the same as no letters.
    if sequence:
        find_sequence(sequence)
    if subscriber:
        find(subscriber)
    found = dispatches(sequence=sequence, subscriber=subscriber)
    if as_json:
        for dispatch in found.iterator(chunk_size=2000):
            click.echo(json.dumps(row(dispatch)))
        return
    from rich.console import Console
    from rich.table import Column, Table

    # Two lines where the terminal is narrow, rather than words cut short.
    folded = (Column(name, overflow="fold") for name in ("id", "letter", "reader", "due (UTC)", "handed over", "state"))
    table = Table(*folded)
    for dispatch in found.iterator(chunk_size=2000):
        values = row(dispatch)
        # What the server said when it took a letter is for --json.
        why = "" if dispatch.state == DispatchState.ACCEPTED else dispatch.reason
        table.add_row(
            str(values["id"]),
            " ".join(filter(None, (values["sequence"], values["step"]))),
            values["subscriber"],
            f"{dispatch.due_at:%Y-%m-%d %H:%M}",
            f"{dispatch.handed_over_at:%Y-%m-%d %H:%M}" if dispatch.handed_over_at else "",
            ": ".join(filter(None, (dispatch.state, why))),
        )
    Console().print(table if table.row_count else "No letters yet.")


@delivery.command()
@click.argument("email")
@click.option("--sequence", metavar="SLUG", help="Only letters of this one.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object per line: {sentence, about, sequence, step, subject, moment}.",
)
def explain(email: str, sequence: str | None, as_json: bool) -> None:
    """Why this reader did or did not get each letter, in sentences."""
    with_django()
    from django.conf import settings

    from keepshowingup.cli.sequence import find_sequence
    from keepshowingup.delivery import telling
    from keepshowingup.outcomes.readers import find

    reader = find(email)
    chosen = find_sequence(sequence).pk if sequence else None
    for told in telling.explain(reader.pk, settings.CLOCK.now(), sequence_id=chosen):
        moment = told.moment.isoformat() if told.moment else None
        names = {"sequence": told.sequence, "step": told.step_key, "subject": told.subject, "moment": moment}
        click.echo(json.dumps({"sentence": told.sentence, "about": told.about} | names) if as_json else told.sentence)


@delivery.command()
@click.argument("letter_id", metavar="ID", type=int)
@click.option("--arrived", "what", flag_value="arrived", help="It arrived.")
@click.option("--send-again", "what", flag_value="send_again", help="Send it again, under the same Message-ID.")
@click.option("--let-be", "what", flag_value="let_be", help="Leave it as it is; nobody is reminded of it.")
def settle(letter_id: int, what: str | None) -> None:
    """Settle a letter in doubt by your word. `keepshowingup reconcile` lists them."""
    if what is None:
        raise WrongUsage("Say --arrived, --send-again or --let-be.")
    with_django()
    from django.conf import settings

    from keepshowingup.delivery.deciding import decide
    from keepshowingup.delivery.models import Decision

    decide(letter_id, Decision.What(what), getpass.getuser(), settings.CLOCK)
    click.echo(f"Letter {letter_id}: {Decision.What(what).label}.", err=True)
