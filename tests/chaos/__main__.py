"""``python -m tests.chaos --seed 1-20 --database postgres``: play seeds, print a table, exit 1 if a promise was broken.

A seed replays the same plan: the same readers, doings, moods of the mail server and faults at the same seconds. What
was found wrong is said in sentences, and the folder of that run, with all records and logs, is kept.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from tests.chaos.house import ROOT
from tests.chaos.plan import Size
from tests.chaos.report import Row, save_report, table_of
from tests.chaos.runs import play_all

THIRTY = [(seed, "postgres" if seed <= 20 else "sqlite") for seed in range(1, 31)]
WIDTH = 150  # characters: a log file is as wide as the table


def _seeds(_context: click.Context, _parameter: click.Parameter, text: str) -> range:
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
        raise click.BadParameter(f"'{text}' is no seed. Write 7, or 1-20.")
    return range(int(first), int(last or first) + 1)


@click.command()
@click.option("--seed", "seeds", default="1", show_default=True, callback=_seeds, help="One, or a span: 1-20.")
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--thirty", is_flag=True, help="Seeds 1 to 20 on PostgreSQL and 21 to 30 on SQLite.")
@click.option("--readers", type=click.IntRange(1, 5000), default=Size.readers, show_default=True)
@click.option("--steps", type=click.IntRange(1, 30), default=Size.steps, show_default=True)
@click.option("--seconds", type=click.FloatRange(5, 3600), default=Size.seconds, show_default=True, help="Of harm.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Seeds at the same time.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where the JSON goes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per seed on stdout; the table on stderr.")
@click.option("--keep", is_flag=True, help="Keep the folders of runs that went well, too.")
@click.option("--verbose", "-v", is_flag=True, help="Say what is done to whom, as it is done.")
def main(
    seeds: range,
    database: str,
    thirty: bool,
    readers: int,
    steps: int,
    seconds: float,
    jobs: int,
    report: Path | None,
    as_json: bool,
    keep: bool,
    verbose: bool,
) -> None:
    """Readers, workers, and everything that can go wrong between them."""
    console = Console(highlight=False, stderr=as_json)
    console.width = max(console.width, WIDTH)
    size = Size.fitting(readers, steps, seconds)
    games = THIRTY if thirty else [(seed, database) for seed in seeds]
    console.print(f"{len(games)} seeds, {readers} readers x {steps} letters each: {seconds:g} s of harm, a day takes")
    console.print(f"{size.day:.2g} s; then calm, until all that is owed has come. Two or three minutes for each seed.")
    rows: list[Row] = []
    for row in play_all(games, size, jobs=jobs, keep=keep, verbose=verbose):
        rows.append(row)
        if as_json:
            print(json.dumps(asdict(row)), flush=True)
        _tell(row, console)
    console.print(table_of(rows))
    report = report or ROOT / "test-results" / "chaos.json"
    save_report(report, rows)
    console.print(f"The same as JSON is in {report}.", soft_wrap=True)
    sys.exit(0 if all(row.is_well for row in rows) else 1)


def _tell(row: Row, console: Console) -> None:
    """One seed's end, and where to look when it did not go well."""
    verdict = "well" if row.is_well else "[red]a promise was broken[/]" if not row.broken else "[red]no result[/]"
    console.print(f"seed {row.seed} on {row.database}: {verdict}, {row.came} letters, {row.seconds:.0f} s")
    for sentence in row.faults:
        console.print(f"  [red]{sentence}[/]", soft_wrap=True)
    if row.kept_in:
        console.print(f"  its records and logs are in {row.kept_in}", soft_wrap=True)
    if not row.is_well:
        console.print(f"  again: {row.replay}", soft_wrap=True)


if __name__ == "__main__":
    main()
