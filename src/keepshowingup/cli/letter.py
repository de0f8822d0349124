"""``keepshowingup letter``: see or send one letter exactly as a reader would get it."""

from __future__ import annotations

import sys

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.cli.root import with_django


@click.group(cls=Commands)
def letter() -> None:
    """See or send one letter exactly as a reader would get it."""


@letter.command()
@click.argument("slug")
@click.argument("step")
@click.option("--to", required=True, metavar="EMAIL", help="A reader's address, or any other.")
def render(slug: str, step: str, to: str) -> None:
    """The whole message on stdout, headers and all. STEP is a key or a position."""
    with_django()
    from django.conf import settings

    from keepshowingup.cli.sequence import find_sequence
    from keepshowingup.delivery.testing import find_step, render_for

    find_sequence(slug)
    prepared = render_for(find_step(slug, step), to, settings.CLOCK.now())
    sys.stdout.buffer.write(prepared.message)


@letter.command("send-test")
@click.argument("slug")
@click.argument("step")
@click.option("--to", required=True, metavar="EMAIL", help="Your own address.")
def send_test(slug: str, step: str, to: str) -> None:
    """Send one letter now, to you."""
    with_django()
    from django.conf import settings

    from keepshowingup.cli.sequence import find_sequence
    from keepshowingup.delivery import testing

    find_sequence(slug)
    testing.send_test(testing.find_step(slug, step).pk, to, settings.CLOCK.now())
    click.echo(f"Sent to {to}.", err=True)
