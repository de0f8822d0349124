"""Draft articles of any make and look at what comes of them: ``python -m benchmarks.drafting FILE…``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from keepshowingup.core.drafting import DraftStep, draft
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.core.prose import count_words
from keepshowingup.core.subjects import spare_lines
from keepshowingup.editorial.manuscripts import text_of


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--subjects", is_flag=True, help="Show each letter's day, subject and preheader too.")
def main(files: tuple[Path, ...], subjects: bool) -> None:
    """A row for each file: its words, its letters, their lengths, and how many subjects are the article's own words."""
    console = Console(highlight=False, width=None if Console().is_terminal else 120)
    table = Table("article", "words", "letters", "words a letter", "days", "own subjects", "own preheaders")
    for path in files:
        try:
            text = text_of(path.read_bytes(), path.name)
        except KeepShowingUpError as refusal:
            console.print(f"{path.name}: {refusal}")
            continue
        steps = draft(text)
        table.add_row(path.name, f"{count_words(text):,}", *_figures(steps))
        for step in steps if subjects else ():
            console.print(f"{path.name} day {step.day}: {step.subject} | {step.preheader}", markup=False)
    console.print(table)


def _figures(steps: list[DraftStep]) -> tuple[str, ...]:
    if not steps:
        return ("0", "", "", "", "")
    subjects, preheaders = spare_lines()
    lengths = sorted(step.words for step in steps)
    return (
        str(len(steps)),
        f"{lengths[0]} to {lengths[-1]}, mostly {lengths[len(lengths) // 2]}",
        f"{steps[0].day} to {steps[-1].day}",
        str(sum(step.subject not in subjects for step in steps)),
        str(sum(step.preheader not in preheaders for step in steps)),
    )


if __name__ == "__main__":
    main()
