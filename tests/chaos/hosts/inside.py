"""The first process of a worker host: ``python -m tests.chaos.hosts.inside NAME BOOT_ID FOLDER``.

Takes the name, waits on standard input until the cables are there, and runs workers and a beat under the product's own
supervisor until SIGTERM. When it dies, everything on the host does.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from keepshowingup.ops.parts import beat_part, worker_part
from keepshowingup.ops.supervisor import Supervisor
from tests.chaos.keeper import QUEUES

WORKERS = 2
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def main(name: str, boot_id: str, folder: str) -> None:
    """Be a machine of that name."""
    logging.basicConfig(format="{asctime} {message}", style="{")
    socket.sethostname(name)
    mine = Path(folder) / "boot_id"
    mine.write_text(f"{boot_id}\n")
    subprocess.run(["mount", "--bind", mine, BOOT_ID], check=True)
    sys.stdin.readline()
    workers = [f"worker-{number}" for number in range(WORKERS)]
    parts = [
        *(replace(worker_part(each, QUEUES), env={"PGAPPNAME": f"{name} {each}"}) for each in workers),
        beat_part(),
    ]
    Supervisor(parts, Path(folder) / "logs").run()


if __name__ == "__main__":
    main(*sys.argv[1:])
