"""The report: a line per seed, all of them together, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich import box
from rich.table import Table


@dataclass
class Row:
    """One seed's line in the report, and its faults in sentences. Lateness is in real seconds."""

    seed: int
    database: str
    replay: str = ""
    security: str = ""
    owed: int = 0
    came: int = 0
    lost: int = 0
    twice: int = 0
    early: int = 0
    after_leaving: int = 0
    in_a_break: int = 0
    bunched: int = 0
    odd: int = 0
    left_running: int = 0
    broken: int = 0  # the harness itself came to no end
    unknown: int = 0
    kills: int = 0  # of workers, or of a supervisor with all its workers
    unknown_by_kill: int = 0
    open_at_kills: int = 0  # connections, all kills together: as many letters could have come into doubt
    most_by_one_kill: int = 0
    cuts: int = 0  # connections the server cut when the client was free to send its dot
    unknown_by_cut: int = 0
    unknown_by_loss: int = 0  # of a host that was gone with its journals
    connections: int = 0
    put_off: int = 0  # letters the server refused for a while, and took later: their lateness is not counted below
    harm: int = 0
    p50: float = 0.0
    p99: float = 0.0
    latest: float = 0.0
    slowest_stop: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    kept_in: str = ""

    @property
    def is_well(self) -> bool:
        """Every promise was kept."""
        return not self.faults


PROMISED_ZERO = {
    "lost": "lost",
    "twice": "twice",
    "early": "early",
    "left": "after_leaving",
    "break": "in_a_break",
    "bunch": "bunched",
    "odd": "odd",
    "over": "left_running",
}
Cell = Callable[[Sequence[Row]], str]


def _sum(name: str) -> Cell:
    return lambda rows: str(sum(getattr(row, name) for row in rows))


def _share(name: str, of: str) -> Cell:
    return lambda rows: f"{_sum(name)(rows)}/{_sum(of)(rows)}"


def _zero(name: str) -> Cell:
    def cell(rows: Sequence[Row]) -> str:
        number = sum(getattr(row, name) for row in rows)
        if any(row.broken for row in rows):
            return "[red bold]?[/]" if not number else f"[red bold]{number}?[/]"
        return f"[red bold]{number}[/]" if number else "[green]0[/]"

    return cell


def _longest(name: str) -> Cell:
    return lambda rows: f"{max((getattr(row, name) for row in rows), default=0.0):.1f}"


CELLS: dict[str, Cell] = {
    "owed": _sum("owed"),
    "came": _sum("came"),
    **{head: _zero(name) for head, name in PROMISED_ZERO.items()},
    "killed": _share("unknown_by_kill", "open_at_kills"),
    "cut": _share("unknown_by_cut", "cuts"),
    "off": _sum("put_off"),
    "harm": _sum("harm"),
    "p50": _longest("p50"),
    "p99": _longest("p99"),
    "max": _longest("latest"),
    "stop": _longest("slowest_stop"),
    "s": lambda rows: f"{sum(row.seconds for row in rows):.0f}",
}
LEGEND = """\
Promised to be zero: lost; twice; early; left, break: DATA that began more than a second after the reader had left, or
had begun a break; bunch: letters closer together than planned; odd: what the product says does not fit the mail
server's record; over: processes left running.
killed: letters in doubt of connections that were open when a worker was killed; each can leave one.
cut: letters in doubt of connections that the server cut when the client was free to send its dot.
off: put off by the server, for a minute or so, and taken then. harm: how often somebody was killed, frozen, wiped.
p50, p99, max: seconds (real) a letter was late, without those put off. stop: the slowest worker's end after SIGTERM.
The last line adds up the counts, and has the longest of the seconds."""


def table_of(rows: Sequence[Row]) -> Table:
    """What was promised to be zero is green where it is, and red where it is not."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=LEGEND, caption_justify="left")
    for head in ("seed", "on", "relay", *CELLS):
        table.add_column(head, justify="left" if head in {"on", "relay"} else "right", no_wrap=True)
    for row in rows:
        table.add_row(str(row.seed), row.database, row.security or "plain", *(cell([row]) for cell in CELLS.values()))
    if len(rows) > 1:
        table.add_section()
        table.add_row("all", "", "", *(cell(rows) for cell in CELLS.values()))
    return table


def save_report(path: Path, rows: Sequence[Row]) -> None:
    """Everything the table is made of, as one JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    zeros = {name: sum(getattr(row, name) for row in rows) for name in (*PROMISED_ZERO.values(), "broken")}
    kept = {
        "is_well": all(row.is_well for row in rows),
        "promised_zero": zeros,
        "seeds": [asdict(row) for row in rows],
    }
    path.write_text(f"{json.dumps(kept, indent=1)}\n")
