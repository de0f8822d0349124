"""``keepshowingup address``: check addresses."""

from __future__ import annotations

import json

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.core.address import check_address


@click.group(cls=Commands)
def address() -> None:
    """Check addresses."""


@address.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: {address, ok, normalised, reason}.")
def check(addresses: tuple[str, ...], as_json: bool) -> None:
    """Whether addresses can be written to, and the form they are kept in. Nothing is asked over the network.

    Exit code 1 when one of them can't.
    """
    refused = 0
    for written in addresses:
        checked = check_address(written)
        refused += not checked.ok
        if as_json:
            line = {"address": written, "ok": checked.ok, "normalised": checked.normalised, "reason": checked.reason}
            click.echo(json.dumps(line))
        else:
            # repr() keeps a line break or a control character in an address out of the terminal.
            click.echo(f"{written!r}: {checked.normalised or checked.reason}")
    if refused:
        raise click.exceptions.Exit(1)
