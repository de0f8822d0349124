"""Python imports this when it starts, where this folder is on its path: the machine's clock is then what a file says.

The file that ``FAULTS_CLOCK`` names holds by how many seconds the clock is wrong. It may change at any moment, in all
processes at once, as when somebody sets the clock. Clocks that nobody can set (monotonic, since boot) go as they go.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from pathlib import Path

import time_machine


def _follow(file: Path) -> None:
    clock = time_machine.travel(dt.datetime.now(dt.UTC)).start()
    wrong_by = 0.0
    while True:
        said = float(file.read_text())
        if said != wrong_by:
            clock.shift(said - wrong_by)
            wrong_by = said
        time.sleep(0.02)


if named := os.environ.get("FAULTS_CLOCK"):
    threading.Thread(target=_follow, args=(Path(named),), daemon=True).start()
