"""``python -m tests.chaos.hosts``: one run with three hosts, a table, and exit 1 if a promise was broken."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from tests.chaos.__main__ import WIDTH
from tests.chaos.hosts.lan import what_is_missing, what_the_kernel_refuses
from tests.chaos.hosts.runs import play_hosts
from tests.chaos.house import ROOT
from tests.chaos.report import save_report, table_of


@click.command()
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--readers", type=click.IntRange(20, 5000), default=120, show_default=True)
@click.option("--steps", type=click.IntRange(2, 10), default=3, show_default=True, help="Letters to each of them.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where the JSON goes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; the table on stderr.")
@click.option("--keep", is_flag=True, help="Keep the folder of a run that went well, too.")
def main(seed: int, readers: int, steps: int, report: Path | None, as_json: bool, keep: bool) -> None:
    """Three hosts, of which one is cut off, one dies, and one joins late."""
    console = Console(highlight=False, stderr=as_json)
    console.width = max(console.width, WIDTH)
    if missing := what_is_missing() or what_the_kernel_refuses():
        console.print(missing, soft_wrap=True)
        sys.exit(1)
    console.print(f"Three hosts, {readers} readers x {steps} letters each. Two or three minutes.")
    row = play_hosts(seed, readers, steps, keep=keep)
    if as_json:
        print(json.dumps(asdict(row)), flush=True)
    for sentence in row.faults:
        console.print(f"  [red]{sentence}[/]", soft_wrap=True)
    console.print(table_of([row]))
    console.print(f"{row.unknown_by_loss} letters are in doubt that went with a host and its journals.")
    if row.kept_in:
        console.print(f"Records and logs are in {row.kept_in}", soft_wrap=True)
    save_report(report or ROOT / "test-results" / "hosts.json", [row])
    sys.exit(0 if row.is_well else 1)


if __name__ == "__main__":
    main()
