"""Planning a sequence's readers anew in this process, with a bar that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keepshowingup.cadence.replans import Progress

FOR_AS_LONG_AS_IT_TAKES = float("inf")
WORTH_A_BAR = 20_000


def replan_here(sequence_id: int, now: datetime) -> None:
    """Plan everybody who waits in the sequence anew; progress goes to stderr."""
    from keepshowingup.cadence import replans

    with_bar(lambda say: replans.after_change(sequence_id, now, within=FOR_AS_LONG_AS_IT_TAKES, say=say))


def finish_here(now: datetime) -> None:
    """Go on with what was begun, to its end."""
    from keepshowingup.cadence import replans

    with_bar(lambda say: replans.go_on(now, within=FOR_AS_LONG_AS_IT_TAKES, say=say))


def with_bar(work: Callable[[Callable[[Progress], None]], object]) -> None:
    """Do it with a bar on stderr, where there are so many readers that somebody wonders."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Planning readers anew", total=None, visible=False)

        def say(progress: Progress) -> None:
            shown = progress.total >= WORTH_A_BAR
            bar.update(task, completed=progress.done, total=progress.total, visible=shown)

        work(say)
