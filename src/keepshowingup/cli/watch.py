"""Commands that look: status and health."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import PartMissing

if TYPE_CHECKING:
    from keepshowingup.ops.lookout import View

EACH = 1.0  # seconds between two looks
PATIENCE = 10.0  # seconds; a person at a terminal waits longer than a monitor


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--watch", "-w", is_flag=True, help="Look again every second, until Ctrl-C.")
@click.option("--domains", is_flag=True, help="Name all domains that rest: for your eyes, not for a screen or a chat.")
def status(as_json: bool, watch: bool, domains: bool) -> int:
    """What is due, under way and done, and who is alive. Exits 3 when the database is not there."""
    if as_json and watch:
        raise click.UsageError("--json is one look. Leave out --watch.")
    with_django()
    if watch and sys.stdout.isatty():
        _keep_looking(all_names=domains)
        return 0
    seen = _look(all_names=domains)
    if as_json:
        click.echo(json.dumps(_as_json(seen)))
    else:
        _need_database(seen)
        from rich.console import Console

        from keepshowingup.cli.screen import draw

        Console().print(draw(seen))
    return _exit_code(seen)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: {ok, sentences, …}.")
def health(as_json: bool) -> int:
    """One answer for monitors: exit 0 when well, 1 when not, 3 when the database is not there."""
    with_django()
    seen = _look()
    if as_json:
        click.echo(json.dumps(_as_json(seen)))
    else:
        click.echo("well" if seen.status.ok else "not well")
        _need_database(seen)
        for sentence in seen.status.sentences:
            click.echo(sentence, err=True)
    return _exit_code(seen) or (0 if seen.status.ok else 1)


def _look(*, all_names: bool = False) -> View:
    from keepshowingup.ops.lookout import look

    return look(felt=True, all_names=all_names, within=PATIENCE)


def _keep_looking(*, all_names: bool) -> None:
    """Draw until Ctrl-C; the last picture stays."""
    from rich.live import Live

    from keepshowingup.cli.screen import draw

    over = threading.Event()
    # An exception out of nowhere may come where a library has no use for it, and be lost.
    before = signal.signal(signal.SIGINT, lambda *_: over.set())
    try:
        began = time.monotonic()
        with Live(draw(_look(all_names=all_names)), auto_refresh=False) as live:
            while not over.wait(_rest(time.monotonic() - began)):
                began = time.monotonic()
                live.update(draw(_look(all_names=all_names)), refresh=True)
    finally:
        signal.signal(signal.SIGINT, before)


def _rest(took: float) -> float:
    """Seconds until the next look: a question that takes long, of a large house at a busy hour, is asked less often."""
    return max(EACH - took, 4 * took if took > EACH / 5 else 0.0, 0.0)


def _need_database(seen: View) -> None:
    """Raise :class:`PartMissing` when there is nothing to show; the database's own words are the more exact ones."""
    from keepshowingup.delivery.watching import Database
    from keepshowingup.ops.database import need_database

    found = seen.status
    if found.database is not Database.WELL:
        need_database()
        raise PartMissing(found.sentences[0])


def _exit_code(seen: View) -> int:
    from keepshowingup.delivery.watching import Database

    return 0 if seen.status.database is Database.WELL else PartMissing.exit_code


def _as_json(seen: View) -> dict[str, object]:
    felt: dict[str, object] = {}
    if seen.pulse:
        felt = {
            "per_second": seen.pulse.per_second,
            "rate": seen.pulse.rate,
            "rates": dict(seen.pulse.rates),
            "late_p50": seen.pulse.late(0.5),
            "late_p99": seen.pulse.late(0.99),
        }
    if seen.traffic:
        felt |= asdict(seen.traffic)
    found = seen.status
    return {"ok": found.ok, "sentences": found.sentences, **asdict(found), "queues": seen.queues, **felt}
