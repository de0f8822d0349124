"""The demonstration itself: an article becomes letters, three readers live with them, the judge compares."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import time as time_of_day
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import PartMissing
from keepshowingup.ops.demo import lives
from keepshowingup.ops.demo.judge import Reader, Verdict, judge, promises
from keepshowingup.ops.demo.screen import Screen, table_of
from keepshowingup.ops.demo.stage import Stage, prepared_folder, rate_for, running, set_scene, write_sequence
from keepshowingup.ops.demo.visitor import Inbox

# Real seconds without anything new before the demonstration gives up, and how long the inbox is watched after the last
# letter to see that nothing else comes.
PATIENCE = 60.0
AFTERWARDS = 3.0


def run_demo(*, article: Path | None, keep: bool = False, rate: float | None = None) -> int:
    """Play the demonstration with ``article`` (or one of ours); 0 when every promise was kept, 1 when one was not."""
    console = Console(highlight=False)
    began = time.monotonic()
    article = article or _own_article()
    rate = rate or rate_for(article)
    with prepared_folder(keep) as folder:
        ports = set_scene(folder, rate)
        import django

        django.setup()
        from django.conf import settings

        from keepshowingup.ops.first_start import prepare

        prepare()
        plan = write_sequence(article, settings.CLOCK.now())
        console.print(f"“{article.name}” became {count_of(len(plan), 'letter')}, approved by a second person.")
        console.print("Starting the broker, the mailbox, two workers, the pages and the beat …")
        with running(folder, ports) as stage:
            console.print(f"Running after {time.monotonic() - began:.1f} s. A day lasts {86_400 / rate:.1f} s here.\n")
            verdict = _play(stage, plan, console)
        console.print("\n[bold]What was promised, and what came[/] (seconds are real ones)")
        console.print(table_of(verdict))
        for fault in verdict.faults:
            console.print(f"[red]{fault}[/]")
        if not verdict.due:
            console.print("[red]Nobody was owed a letter: that shows nothing.[/]")
        if keep:
            console.print(f"The letters are files in {folder / 'mailbox'}", soft_wrap=True)
    console.print(f"Done in {time.monotonic() - began:.0f} s, and nothing is left running.")
    console.print("To look around: [bold]make up[/] opens the pages, the editors' desk and the inbox.")
    return 1 if verdict.faults or not verdict.due else 0


def _own_article() -> Path:
    articles = resources.files("keepshowingup.editorial") / "articles"
    return min(Path(str(file)) for file in articles.iterdir() if file.name.endswith(".md"))


def _play(stage: Stage, plan: Sequence[tuple[int, str]], console: Console) -> Verdict:
    maya = Reader("Maya", "maya@example.org", ZoneInfo("America/Santiago"), "morning", time_of_day(8, 30))
    omar = Reader("Omar", "omar@example.org", ZoneInfo("Africa/Cairo"), "afternoon", time_of_day(14, 0))
    ines = Reader("Ines", "ines@example.org", ZoneInfo("Australia/Lord_Howe"), "morning", time_of_day(8, 30))
    readers = [maya, omar, ines]
    screen = Screen(console, readers, stage.clock)
    world = lives.World(stage, Inbox(stage.mailbox), screen)
    going = [
        lives.stay(world, maya, plan),
        lives.take_a_break(world, omar, plan),
        lives.leave(world, ines, plan),
    ]
    with screen.calendar(plan):
        quiet_since = time.monotonic()
        while going or not _all_has_come(world, readers, plan):
            before = len(world.letters), len(going)
            _turn(world, screen)
            going = [life for life in going if next(life, "over") != "over"]
            if before != (len(world.letters), len(going)):
                quiet_since = time.monotonic()
            if time.monotonic() > quiet_since + PATIENCE:
                if going:
                    raise PartMissing(
                        f"Nothing happened for {PATIENCE:.0f} s. Run it with --keep and look at the logs."
                    )
                break  # something is lost: the table says what
        until = time.monotonic() + AFTERWARDS
        while time.monotonic() < until:
            _turn(world, screen)
    return judge(readers, plan, world.arrivals(), stage.clock)


def _turn(world: lives.World, screen: Screen) -> None:
    world.stage.supervisor.turn()
    world.look()
    screen.update(world.arrivals())
    time.sleep(0.05)


def _all_has_come(world: lives.World, readers: Sequence[Reader], plan: Sequence[tuple[int, str]]) -> bool:
    came = {(arrival.recipient, arrival.subject) for arrival in world.arrivals()}
    return all((p.reader, p.subject) in came for reader in readers for p in promises(reader, plan))
