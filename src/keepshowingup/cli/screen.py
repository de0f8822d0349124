"""How it stands, drawn for a terminal of 80 columns or more; narrower ones get the same below each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.pulse import Pulse
from keepshowingup.delivery.traffic import Flow, Traffic
from keepshowingup.delivery.watching import SILENT_AFTER, Database, Status
from keepshowingup.ops.lookout import View

MOST_ALARMS, MOST_FLOWS = 6, 6
ALL_COLUMNS = 72
BLOCKS, PLAIN = " ▁▂▃▄▅▆▇█", " .:-=+*#@"


def draw(view: View) -> RenderableType:
    """One picture."""
    status = view.status
    if status.database is not Database.WELL:
        return _verdict(status)
    right = [_queues(view), _parts(status.heartbeats)]
    stacked = Group(*(Padding(table, (1, 0, 0, 0)) for table in right))
    # Side by side where there is room, else below each other.
    tables = Columns([Padding(_letters(status), (1, 0, 0, 0)), stacked], padding=(0, 3, 0, 0))
    below: list[RenderableType] = []
    if view.traffic:
        below += ["", Flows(view.traffic, view.pulse.rates if view.pulse else {})]
    if view.pulse:
        below += ["", _pulse(view.pulse, status)]
    return Group(_verdict(status), tables, *below)


def _verdict(status: Status) -> RenderableType:
    sentences = status.sentences
    if not sentences:
        return Text("All is well.", style="green")
    shown = [Text(sentence, style="yellow" if status.ok else "red") for sentence in sentences[:MOST_ALARMS]]
    if more := len(sentences) - MOST_ALARMS:
        shown += [Text(f"… and {more} more.", style="dim")] if more > 0 else []
    return Group(*shown)


def _letters(status: Status) -> Table:
    counts = (
        ("due now", status.due),
        ("notices due now", status.notices_due),
        ("more than 5 minutes late", status.overdue),
        ("claimed", status.claimed),
        ("being handed over", status.handing_over),
        ("to be tried again", status.retry),
        ("may or may not have arrived", status.unknown),
        ("accepted in 24 hours", status.accepted_today),
    )
    return _table("letters", [(what, f"{number:,}", "" if number else "dim") for what, number in counts])


def _queues(view: View) -> Table:
    if view.queues is None:
        return _table("broker", [("does not answer", "", "red")])
    lengths = [(queue, f"{length:,}", "" if length else "dim") for queue, length in view.queues.items()]
    return _table("waiting in the broker", lengths)


def _parts(heartbeats: dict[str, float]) -> Table:
    if not heartbeats:
        return _table("last heard of", [("nobody yet", "", "red")])
    silent = SILENT_AFTER.total_seconds()
    ages = [(part, f"{max(age, 0.0):.0f} s ago", "red" if age > silent else "dim") for part, age in heartbeats.items()]
    return _table("last heard of", ages)


STATES = {
    State.CLOSED: ("takes letters", "dim"),
    State.HALF_OPEN: ("is tried again", "yellow"),
    State.OPEN: ("rests {:,.0f} s", "red"),
}


class Flows:
    """A line for each transport and each domain that may be named; narrow terminals get the first two columns."""

    def __init__(self, traffic: Traffic, rates: Mapping[str, float]) -> None:
        self._traffic, self._rates = traffic, rates

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = 6 if options.max_width >= ALL_COLUMNS else 2
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(max_width=22, overflow="ellipsis", no_wrap=True)
        table.add_column(no_wrap=True)
        for _ in range(columns - 2):
            table.add_column(justify="right", no_wrap=True)
        head = ("transport", "", "under way", "per s", "limit", "today")
        table.add_row(*(Text(word, style="bold") for word in head[:columns]))
        self._add(table, self._traffic.transports, columns, self._rates)
        # The ledger tells transports apart, not domains.
        self._add(table, self._traffic.domains, columns, None)
        yield table

    def _add(self, table: Table, flows: Sequence[Flow], columns: int, rates: Mapping[str, float] | None) -> None:
        for flow in flows[:MOST_FLOWS]:
            words, style = STATES[flow.state]
            rate = "" if rates is None else _rate(rates.get(flow.name, 0.0))
            limit = "" if flow.per_second is None else f"{flow.per_second:,.3g}"
            figures = (Text(f"{flow.under_way:,}"), Text(rate), Text(limit), Text(_today(flow)))
            table.add_row(Text(flow.name), Text(words.format(flow.seconds), style=style), *figures[: columns - 2])
        if more := len(flows[MOST_FLOWS:]):
            table.add_row(Text(f"… and {more} more", style="dim"))


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _today(flow: Flow) -> str:
    if flow.today is None:
        return ""
    return f"{flow.today:,}" if flow.allowance is None else f"{flow.today:,}/{flow.allowance:,}"


def _table(name: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    """Words, a number, and a style."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=27, overflow="ellipsis", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(name, style="bold"), "")
    for what, number, style in rows:
        table.add_row(Text(what), Text(number), style=style)
    return table


def _pulse(pulse: Pulse, status: Status) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    waiting = f"; the longest waiting: {_for_long(status.oldest_due)}"
    table.add_row(Text("per second", style="bold"), Text(f"{pulse.rate:,.1f}; above, the last minute{waiting}"))
    table.add_row(Text("lateness", style="bold"), _lateness(pulse))
    return Group(Spark(pulse.per_second), table)


def _lateness(pulse: Pulse) -> Text:
    median, most = pulse.late(0.5), pulse.late(0.99)
    if median is None or most is None:
        return Text("no letter in the last 5 minutes", style="dim")
    return Text(f"half within {_for_long(median)}, 99 % within {_for_long(most)}, of {pulse.letters:,} in 5 minutes")


def _for_long(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


class Spark:
    """Numbers as a row of blocks, the largest as high as the line; as plain signs where blocks can't be shown."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        levels = PLAIN if options.ascii_only else BLOCKS
        shown = self._numbers[-options.max_width :]
        yield Text("".join(spark(shown, levels)), style="green", no_wrap=True)


def spark(numbers: Sequence[int], levels: str = BLOCKS) -> str:
    """One sign for each number: the lowest for nothing, and never that one for something."""
    largest = max(numbers, default=0)
    steps = len(levels) - 1
    return "".join(levels[-(-number * steps // largest)] if number > 0 else levels[0] for number in numbers)
