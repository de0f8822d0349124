"""Several seeds, each in a process of its own, some of them at the same time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from types import FrameType

from tests.chaos.house import ROOT, Row
from tests.chaos.plan import Size

# Real seconds a run may take to come to rest: a minute for what a server has put off, and the letters after that.
PATIENCE = 150.0


def play_all(
    seeds: Iterable[int],
    database: str,
    size: Size,
    *,
    patience: float,
    jobs: int = 1,
    keep: bool = False,
    verbose: bool = False,
) -> Iterator[Row]:
    """The rows of these seeds, as they come to their ends. Whatever happens, no process is left."""
    waiting, running = list(seeds), dict[int, subprocess.Popen[str]]()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                seed = waiting.pop(0)
                asked = {"seed": seed, "database": database, "size": asdict(size), "patience": patience, "keep": keep}
                running[seed] = subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.house", json.dumps(asked)],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=None if verbose else subprocess.DEVNULL,
                    text=True,
                )
            time.sleep(0.1)
            for seed, process in [*running.items()]:
                if process.poll() is not None:
                    del running[seed]
                    said, _ = process.communicate()
                    if process.returncode:
                        yield Row(seed, database, faults=[f"it came to no end (exit {process.returncode}): use -v"])
                    else:
                        yield Row(**json.loads(said.splitlines()[-1]))
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in running.values():
            process.terminate()
        for process in running.values():
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)
            process.kill()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit("ended by SIGTERM")
