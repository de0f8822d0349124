"""The installation under its own supervisor, in a process that can be killed: ``python -m tests.chaos.keeper FOLDER``.

What the product is made of runs here. The readers and the mail server do not: they live on, whatever happens to it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from keepshowingup.ops.parts import beat_part, broker_part, worker_part
from keepshowingup.ops.supervisor import Part, Supervisor
from tests.chaos.plan import Plan

QUEUES = ("transactional", "bulk", "maintenance")


def parts(plan: Plan, data: Path) -> list[Part]:
    """Broker, workers and beats. PostgreSQL is told whose sessions are whose."""
    return [
        broker_part(data),
        *(
            replace(worker_part(name, QUEUES), env={"PGAPPNAME": name})
            for name in (f"worker-{number}" for number in range(plan.size.workers))
        ),
        *(replace(beat_part(), name=f"beat-{number}") for number in range(plan.beats)),
    ]


def teller(supervisor: Supervisor, path: Path) -> Callable[[], None]:
    """Keeps the file at ``path`` up to date: the parts that run now, and their process ids."""
    known: dict[str, int] | None = None

    def tell() -> None:
        nonlocal known
        if (now := supervisor.pids) != known:
            known = now
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(known))
            draft.replace(path)

    return tell


def main(folder: Path) -> None:
    """Run until SIGTERM."""
    logging.basicConfig(format="{asctime} {message}", style="{")
    plan, data = Plan.load(folder / "plan"), folder / "var"
    supervisor = Supervisor(parts(plan, data), data / "logs")
    tell = teller(supervisor, folder / "parts")
    supervisor.run(started=tell, each_turn=tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
