"""The table: a line per seed, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tests.chaos.house import Row

# The column's name, the row's value, and whether it was promised to be zero.
COUNTS = (
    ("owed", "owed", False),
    ("came", "came", False),
    ("lost", "lost", True),
    ("twice", "twice", True),
    ("early", "early", True),
    ("left", "after_leaving", True),
    ("break", "in_a_break", True),
    ("bunch", "bunched", True),
    ("odd", "odd", True),
    ("unk", "unknown", False),
    ("of", "chances", False),
    ("off", "put_off", False),
    ("wait", "deferred", False),
    ("harm", "harm", False),
)
LONGEST = (("p50", "p50"), ("p99", "p99"), ("max", "latest"), ("stop", "slowest_stop"))
LEGEND = """\
left, break: DATA that began more than a second after the reader had left, or had begun a break.
bunch: letters that came closer to the one before than planned.
odd: what the product says does not fit the server's record.
unk: letters in doubt, of so many kills and cuts that could leave one.
off: put off by the server, a minute or so, and taken then. wait: put off for longer than the run.
p50, p99, max: seconds (real) after the moment, without those put off. stop: the slowest worker's end after SIGTERM.
The last line adds up the counts, and has the longest of the seconds.
"""


def table_of(rows: Sequence[Row]) -> Table:
    """What was promised to be zero is red where it is not."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=LEGEND, caption_justify="left")
    for name in ("seed", "on", *(name for name, *_ in COUNTS), *(name for name, _ in LONGEST), "s"):
        table.add_column(name, justify="left" if name == "on" else "right", no_wrap=True)
    for row in rows:
        table.add_row(str(row.seed), row.database, *_cells([row]))
    if len(rows) > 1:
        table.add_section()
        table.add_row("all", "", *_cells(rows))
    return table


def _cells(rows: Sequence[Row]) -> list[str]:
    cells = []
    for _, value, promised_zero in COUNTS:
        number = sum(getattr(row, value) for row in rows)
        cells.append(f"[red bold]{number}[/]" if promised_zero and number else str(number))
    cells += [f"{max(getattr(row, value) for row in rows):.1f}" for _, value in LONGEST]
    return [*cells, f"{sum(row.seconds for row in rows):.0f}"]
