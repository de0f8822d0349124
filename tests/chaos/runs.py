"""Several seeds, each in a process of its own, some of them at the same time."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from tests.chaos.house import ROOT
from tests.chaos.plan import Size
from tests.chaos.report import Row

# Seconds a run may take to end all it has started, when it is told to.
ENDS_WITHIN = 90.0


@dataclass
class _Run:
    seed: int
    database: str
    process: subprocess.Popen[str]
    said: IO[str]

    def last_words(self) -> str:
        self.said.seek(0)
        return " / ".join(self.said.read().strip().splitlines()[-3:])


def play_all(
    games: Iterable[tuple[int, str]],
    size: Size,
    *,
    jobs: int = 1,
    keep: bool = False,
    verbose: bool = False,
) -> Iterator[Row]:
    """The rows of these seeds, each on its database, as they come to their ends. No process is left behind."""
    waiting, running = list(games), list[_Run]()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_start(*waiting.pop(0), size, keep=keep, verbose=verbose))
            time.sleep(0.1)
            for run in [run for run in running if run.process.poll() is not None]:
                running.remove(run)
                row = _row_of(run)
                row.replay = replay(run.seed, run.database, size)
                yield row
    finally:
        signal.signal(signal.SIGTERM, before)
        for run in running:
            run.process.terminate()
        for run in running:
            with suppress(subprocess.TimeoutExpired):
                run.process.communicate(timeout=ENDS_WITHIN)
            run.process.kill()
            run.said.close()


def replay(seed: int, database: str, size: Size) -> str:
    """The command that plays a seed again: the same plan; what the machine makes of it is its own."""
    python = Path(sys.executable)
    words = [
        str(python.relative_to(ROOT) if python.is_relative_to(ROOT) else "python"),
        "-m",
        "tests.chaos",
        "--seed",
        str(seed),
        "--database",
        database,
    ]
    for option, value in ("readers", size.readers), ("steps", size.steps), ("seconds", size.seconds):
        if value != getattr(Size, option):
            words += [f"--{option}", f"{value:g}"]
    return shlex.join([*words, "-v", "--keep"])


def _start(seed: int, database: str, size: Size, *, keep: bool, verbose: bool) -> _Run:
    asked = json.dumps({"seed": seed, "database": database, "size": asdict(size), "keep": keep})
    said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the run
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.play", asked],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if verbose else said,
        text=True,
    )
    return _Run(seed, database, process, said)


def _row_of(run: _Run) -> Row:
    printed, _ = run.process.communicate()
    with run.said:
        if run.process.returncode == 0:
            return Row(**json.loads(printed.splitlines()[-1]))
        last_words = run.last_words()
    fault = f"the run came to no end (exit {run.process.returncode}): {last_words}"
    return Row(run.seed, run.database, broken=1, faults=[fault])


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit("ended by SIGTERM")
