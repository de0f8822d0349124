"""``python -m benchmarks``: measure, print one table, keep it in ``benchmarks/last.json``."""

from __future__ import annotations

import datetime as dt
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from benchmarks import claims, drain, importing, memory, naive, notices, relay, replanning, steady
from benchmarks.database import Shelf
from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import Bench
from benchmarks.machine import description
from benchmarks.sink import new_sink
from keepshowingup.core.errors import KeepShowingUpError
from tests.postgres import PostgresMissing, postgres_server

README = Path(__file__).with_name("README.md")
MARKS = ("<!-- table -->", "<!-- end of table -->")
LAST = Path(__file__).with_name("last.json")
FIGURES: dict[str, Callable[[Bench], list[Figure]]] = {
    "drain": drain.postgres,
    "naive": naive.ratio,
    "sqlite": drain.sqlite,
    "dkim": drain.dkim,
    "relay": relay.ten_milliseconds,
    "cpu": drain.cpu,
    "steady": steady.lateness,
    "claims": claims.growth,
    "memory": memory.workers,
    "notices": notices.under_load,
    "import": importing.rows,
    "replanning": replanning.crowds,
}


@click.command()
@click.option("--quick", is_flag=True, help="Smaller scenes: minutes instead of an hour, and rougher figures.")
@click.option("--only", multiple=True, type=click.Choice(list(FIGURES)), help="Just this figure; may be repeated.")
@click.option("--sink", type=click.Choice(["postfix", "ours"]), help="Which SMTP sink. Default: the lightest there is.")
@click.option(
    "--letters", type=click.IntRange(100), help="How many letters a drain has. Default: 100,000; quick 5,000."
)
@click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting for every process, as KSU_BATCH=200."
)
@click.option("--readme", is_flag=True, help="Put the table into benchmarks/README.md too.")
@click.option("--keep", is_flag=True, help="Leave the temporary folder, with the logs, in place.")
def main(
    quick: bool,
    only: tuple[str, ...],
    sink: str | None,
    letters: int | None,
    given: tuple[str, ...],
    readme: bool,
    keep: bool,
) -> None:
    """How fast it is, beside the usual way, on this machine. Builds its whole scene itself and takes it down again."""
    signal.signal(signal.SIGTERM, _leave)
    console = Console(stderr=True, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="ksu-bench-"))
    wanted = [name for name in FIGURES if not only or name in only]
    rows: list[tuple[Figure | None, str]] = []
    about = description() | {"measured": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"}
    about |= {"sink": new_sink(sink or "").kind, "size": "quick" if quick else "full"}
    try:
        with postgres_server(folder / "postgres", durable=True) as server, console.status("Starting …") as status:
            settings = dict(one.split("=", 1) for one in given)
            bench = Bench(folder, Shelf(folder, server), quick, sink or "", letters, settings)
            about["postgres"] = _version(server.url)
            for name in wanted:
                bench.say = lambda text, name=name: status.update(f"{name}: {text}")  # type: ignore[misc]
                rows += _measure(name, bench, console)
    except (PostgresMissing, KeepShowingUpError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        if keep:
            console.print(f"Everything is left in {folder}.")
        else:
            _remove(folder)
    _print(rows, about)
    _keep(rows, about)
    if readme:
        _put_into_readme(rows, about)
    sys.exit(0 if all(figure is not None for figure, _ in rows) else 1)


def _measure(name: str, bench: Bench, console: Console) -> list[tuple[Figure | None, str]]:
    began = time.monotonic()
    bench.say("setting the scene …")
    try:
        rows: list[tuple[Figure | None, str]] = [(figure, "") for figure in FIGURES[name](bench)]
    except (NotMeasured, KeepShowingUpError) as error:
        rows = [(None, f"{name}: {error}")]
    for figure, trouble in rows:
        said = " ".join(filter(None, (*figure.cells()[::2], figure.note))) if figure else trouble
        console.print(f"{said}  [dim]({time.monotonic() - began:.0f} s in all)[/]")
    return rows


def _print(rows: list[tuple[Figure | None, str]], about: dict[str, str]) -> None:
    table = Table(caption=" · ".join(about.values()), caption_justify="left")
    for head in ("Figure", "To reach", "Ours", "Naive way", "Ratio", "Verdict", "Measured"):
        table.add_column(head, justify="right" if head in {"Ours", "Naive way", "Ratio"} else "left")
    for figure, trouble in rows:
        if figure is None:
            table.add_row(trouble.partition(":")[0], "", "", "", "", "[red]not measured[/]", trouble)
        else:
            verdict = "" if not figure.target else "[green]reached[/]" if figure.reached else "[red]missed[/]"
            table.add_row(*figure.cells(), verdict, figure.note)
    width = None if sys.stdout.isatty() else 150
    Console(width=width).print(table)


def _keep(rows: list[tuple[Figure | None, str]], about: dict[str, str]) -> None:
    figures = [
        asdict(figure) | {"target": figure.target, "reached": figure.reached} if figure else {"trouble": trouble}
        for figure, trouble in rows
    ]
    LAST.write_text(json.dumps({"about": about, "figures": figures}, indent=2, ensure_ascii=False) + "\n")


def _put_into_readme(rows: list[tuple[Figure | None, str]], about: dict[str, str]) -> None:
    """Between the two marks of the README stands the last table that somebody found worth keeping."""
    lines = [" · ".join(about.values()), "", "| Figure | To reach | Ours | Naive way | Ratio | | Measured |"]
    lines.append("|---|---|--:|--:|--:|---|---|")
    for figure, trouble in rows:
        if figure is None:
            name, _, why = trouble.partition(": ")
            cells: tuple[str, ...] = (name, "", "", "", "", "not measured", why)
        else:
            verdict = "" if not figure.target else "reached" if figure.reached else "missed"
            cells = (*figure.cells(), verdict, figure.note)
        lines.append(f"| {' | '.join(cells)} |")
    before, mark, rest = README.read_text().partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    README.write_text("\n".join((f"{before}{mark}", *lines, f"{MARKS[1]}{after}")))


def _version(url: str) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        fsync, commit = (connection.execute(f"SHOW {name}".encode()).fetchone() for name in FLUSHES)
        assert fsync is not None
        assert commit is not None
        number = connection.info.server_version
        return f"PostgreSQL {number // 10000}.{number % 10000}, fsync {fsync[0]}, synchronous_commit {commit[0]}"


FLUSHES = ("fsync", "synchronous_commit")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)  # through every finally: nobody is left behind


if __name__ == "__main__":
    main()
