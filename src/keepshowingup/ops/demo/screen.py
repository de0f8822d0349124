"""What the demonstration shows: a calendar that fills as letters fall due and arrive, and the table at the end.

On a terminal the calendar is drawn in place; piped, each thing that happens is a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.table import Table

from keepshowingup.core.clock import Clock
from keepshowingup.ops.demo.judge import Arrival, Reader, Verdict, promises


class Screen:
    """Tells the story of one demonstration on one console."""

    def __init__(self, console: Console, readers: Sequence[Reader], clock: Clock) -> None:
        self._console = console
        self._readers = readers
        self._clock = clock
        self._plan: Sequence[tuple[int, str]] = ()
        self._arrivals: Sequence[Arrival] = ()
        self._told = 0
        self._live: Live | None = None

    def say(self, sentence: str) -> None:
        """A step of the story."""
        self._console.print(f"[dim]{self._clock.now():%a %d %b %H:%M}[/]  {sentence}", soft_wrap=True)

    @contextmanager
    def calendar(self, plan: Sequence[tuple[int, str]]) -> Iterator[None]:
        """Draw the calendar while the block runs."""
        self._plan = plan
        if not self._console.is_terminal:
            yield
            return
        with Live(self._drawn(), console=self._console, refresh_per_second=8) as self._live:
            yield
            self._live.update(self._drawn())
        self._live = None

    def update(self, arrivals: Sequence[Arrival]) -> None:
        """Show what has arrived by now."""
        self._arrivals = arrivals
        if self._live is not None:
            self._live.update(self._drawn())
            return
        for arrival in arrivals[self._told :]:
            reader = next(r for r in self._readers if r.address == arrival.recipient)
            due = next((p.due for p in promises(reader, self._plan) if p.subject == arrival.subject), None)
            moment = f"due {reader.local(due):%a %d %b %H:%M} there" if due else "not owed!"
            self.say(f"{reader.name:<6} got “{arrival.subject}” ({moment})")
        self._told = len(arrivals)

    def _drawn(self) -> Table:
        now = self._clock.now()
        table = Table(title=f"{now:%A %d %B, %H:%M} UTC", title_justify="left", title_style="bold", expand=False)
        table.add_column("Day", justify="right")
        table.add_column("Letter", overflow="ellipsis", max_width=42, no_wrap=True)
        for reader in self._readers:
            table.add_column(f"{reader.name}\n[dim]{reader.zone.key.rpartition('/')[2]} {reader.hour:%H:%M}[/]")
        for day, subject in self._plan:
            cells = [self._cell(reader, subject, now) for reader in self._readers]
            table.add_row(str(day), subject, *cells)
        return table

    def _cell(self, reader: Reader, subject: str, now: datetime) -> str:
        due = next((p.due for p in promises(reader, self._plan) if p.subject == subject), None)
        came = sum(a.recipient == reader.address and a.subject == subject for a in self._arrivals)
        if due is None:
            if came:
                return "[red]● not owed[/]"
            if reader.left_at:
                return "[dim]left[/]"
            return "[yellow]pausing[/]" if reader.paused_at and not reader.resumed_at else ""
        moment = f"{reader.local(due):%a %d %b %H:%M}"
        if came > 1:
            return f"[red]● {moment} twice[/]"
        if came:
            return f"[green]● {moment}[/]"
        return f"[yellow]◐ {moment}[/]" if due <= now else f"[dim]○ {moment}[/]"


def table_of(verdict: Verdict) -> Table:
    """The end of the story in numbers."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows: list[tuple[str, str, bool]] = [
        ("letters due", str(verdict.due), True),
        ("delivered", str(verdict.delivered), verdict.delivered == verdict.due),
        ("early", str(len(verdict.early)), not verdict.early),
        ("late, p50", f"{verdict.late_quantile(50):.2f} s", True),
        ("late, p99", f"{verdict.late_quantile(99):.2f} s", True),
        ("lost", str(len(verdict.lost)), not verdict.lost),
        ("twice", str(len(verdict.twice)), not verdict.twice),
        ("after leaving", str(len(verdict.after_leaving)), not verdict.after_leaving),
        ("not owed", str(len(verdict.unpromised)), not verdict.unpromised),
    ]
    for what, number, good in rows:
        table.add_row(what, number if good else f"[red bold]{number}[/]")
    return table
