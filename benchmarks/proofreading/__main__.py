"""``python -m benchmarks.proofreading``: recall, precision and false flags on the labelled set, in seconds."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from benchmarks.proofreading.labelled import PARTS, labelled_texts
from benchmarks.proofreading.measure import Score, score


@click.command()
@click.option("--list", "listed", is_flag=True, help="Name every miss and every false flag of the tuned part.")
@click.option("--list-held", is_flag=True, help="The same of the held-out part; whoever tunes on it has none left.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a part on stdout.")
def main(listed: bool, list_held: bool, as_json: bool) -> None:
    """Measure the proofreader on the part it was tuned on and on the part it was not."""
    console = Console(highlight=False, width=None if Console().is_terminal else 120)
    for part in PARTS:
        result = score(labelled_texts(part))
        if as_json:
            click.echo(json.dumps({"part": part, **figures(result)}))
            continue
        console.print(_table(part, result))
        if (listed and part == "tuned") or (list_held and part == "held"):
            for line in result.missed:
                console.print(f"missed  {line}", markup=False)
            for line in result.wrong:
                console.print(f"false   {line}", markup=False)


def figures(result: Score) -> dict[str, object]:
    """The figures of a part, rounded, as JSON writes them."""
    kinds = sorted(result.labelled | result.flagged)
    return {
        "recall": round(result.recall(), 3),
        "precision": round(result.precision(), 3),
        "kinds": {kind: [round(result.recall(kind), 3), round(result.precision(kind), 3)] for kind in kinds},
        "good_words": result.good_words,
        "false_per_hundred": round(result.false_per_hundred, 3),
        "false_per_hundred_with_measures": round(result.all_per_hundred, 3),
        "spun": [result.spun_seen, result.spun],
        "good_called_spun": result.good_called_spun,
        "words_per_second": round(result.words / result.seconds),
    }


def _table(part: str, result: Score) -> Table:
    speed = result.words / result.seconds
    table = Table(
        title=f"{part}: {result.words:,} words",
        title_justify="left",
        caption=f"{result.false_per_hundred:.2f} false flags in 100 words of good prose ({result.good_words:,} words; "
        f"{result.all_per_hundred:.2f} with every long sentence and high grade) · {result.spun_seen} of {result.spun} "
        f"spun texts called spun, {result.good_called_spun} good ones · {speed:,.0f} words a second",
        caption_justify="left",
    )
    table.add_column("kind")
    for head in ("labelled", "found", "recall", "flagged", "right", "precision"):
        table.add_column(head, justify="right")
    for kind in (*sorted(result.labelled | result.flagged), ""):
        counters = (result.labelled, result.found, result.flagged, result.right)
        labelled, found, flagged, right = (one[kind] if kind else one.total() for one in counters)
        cells = (labelled, found, f"{result.recall(kind):.0%}", flagged, right, f"{result.precision(kind):.0%}")
        table.add_row(kind or "all", *(str(cell) for cell in cells), style="" if kind else "bold")
    return table


if __name__ == "__main__":
    main()
