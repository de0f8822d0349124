"""Real processes in tests: the command line, what runs, and waiting for something to become true."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

PROGRAM = (sys.executable, "-m", "keepshowingup")
READY = ("init", "--email", "ruth@harbour.example", "--name", "Harbour letters", "--postal-address", "12 Quay Street")
OURS = ("KSU_", "DATABASE_URL", "REDIS_URL", "SMTP_URL", "DJANGO_SETTINGS_MODULE")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """This process's environment without a word about other data folders."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**plain, "KSU_DATA_DIR": str(folder), **more}


def keepshowingup(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def set_up(folder: Path) -> None:
    """A data folder as ``init`` leaves it, copied: its tables are made once."""
    shutil.copytree(_as_init_leaves_it(), folder, dirs_exist_ok=True)


@cache
def _as_init_leaves_it() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ksu-init-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    done = keepshowingup(folder, *READY)
    assert done.returncode == 0, done.stderr
    return folder


def eventually(becomes_true: Callable[[], object], what: str, within: float = 60.0, each: float = 0.05) -> None:
    """Wait for something; the limit is for what never comes, not for slow machines.

    ``each``: seconds between two looks. Who looks by starting a process takes the machine from those who are looked at.
    """
    until = time.monotonic() + within
    while not becomes_true():
        assert time.monotonic() < until, f"{what}: not after {within:.0f} seconds"
        time.sleep(each)


def processes_about(folder: Path) -> dict[int, str]:
    """The command lines of all processes that have this data folder in their environment or their title, by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            # Valkey writes its title over its environment.
            if os.fsencode(folder) in command + (entry / "environ").read_bytes():
                found[int(entry.name)] = command.replace(b"\0", b" ").decode().strip()
        except OSError:
            continue  # it has just ended
    return {pid: command for pid, command in found.items() if command}
