"""``python -m tests.chaos --seed 1-20 --database postgres``: play seeds, print a table, exit 1 if a promise was broken.

A seed replays the same plan: the same readers, doings, moods of the mail server and faults at the same seconds. What
was found wrong is said in sentences, and the folder of that run, with all records and logs, is kept.
"""

from __future__ import annotations

import sys

import click
from rich.console import Console

from tests.chaos.plan import Size
from tests.chaos.report import table_of
from tests.chaos.runs import PATIENCE, play_all

WIDTH = 140  # characters: a log file is as wide as the table


def _seeds(_context: click.Context, _parameter: click.Parameter, text: str) -> range:
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise click.BadParameter(f"'{text}' is no seed. Write 7, or 1-20.")
    return range(int(first), int(last or first) + 1)


@click.command()
@click.option("--seed", "seeds", default="1", show_default=True, callback=_seeds, help="One, or a span: 1-20.")
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--readers", type=click.IntRange(1, 5000), default=Size.readers, show_default=True)
@click.option("--steps", type=click.IntRange(1, 30), default=Size.steps, show_default=True)
@click.option("--seconds", type=click.FloatRange(5, 3600), default=Size.seconds, show_default=True, help="Of harm.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Seeds at the same time.")
@click.option("--keep", is_flag=True, help="Keep the folders of runs that went well, too.")
@click.option("--verbose", "-v", is_flag=True, help="Say what is done to whom, as it is done.")
def main(
    seeds: range, database: str, readers: int, steps: int, seconds: float, jobs: int, keep: bool, verbose: bool
) -> None:
    """Readers, workers, and everything that can go wrong between them."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    size = Size.fitting(readers, steps, seconds)
    rows = []
    for row in play_all(seeds, database, size, patience=PATIENCE, jobs=jobs, keep=keep, verbose=verbose):
        rows.append(row)
        verdict = "[red]a promise was broken[/]" if row.faults else "well"
        console.print(f"seed {row.seed} on {row.database}: {verdict}, {row.came} letters, {row.seconds:.0f} s")
        for sentence in row.faults:
            console.print(f"  [red]{sentence}[/]", soft_wrap=True)
        if row.kept_in:
            console.print(f"  its records and logs are in {row.kept_in}", soft_wrap=True)
    console.print(table_of(rows))
    sys.exit(1 if any(row.faults for row in rows) else 0)


if __name__ == "__main__":
    main()
