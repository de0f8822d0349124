"""The last one standing: ends a supervisor's children when the supervisor itself is gone, however it went.

The supervisor holds the other end of this process's standard input and says ``+PID`` and ``-PID`` as its children
come and go. When that pipe closes with children left, they are asked to stop, and killed if they do not.
Run as ``python -m keepshowingup.ops.leash SECONDS [PID …]``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class Leash:
    """The supervisor's end of it."""

    def __init__(self, grace: float, holding: Iterable[int] = ()) -> None:
        """``grace``: seconds between SIGTERM and SIGKILL; ``holding``: children that run already."""
        # A session of its own: neither Ctrl-C nor a closed terminal reaches it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "keepshowingup.ops.leash", str(grace), *map(str, holding)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )

    @property
    def holds(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def say(self, sign: str, pid: int) -> None:
        """``+``: this process group is ours to end; ``-``: it has ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it was killed; the supervisor sees that and takes a new one
            self._process.stdin.write(f"{sign}{pid}\n".encode())
            self._process.stdin.flush()

    def let_go(self) -> None:
        """Close the pipe and wait. Whoever is still on the leash is ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


def end_groups(groups: dict[int, str], grace: float) -> None:
    """SIGTERM to each group, SIGKILL to those still there after ``grace`` seconds. Values: when each leader began."""
    _signal(groups, signal.SIGTERM)
    until = time.monotonic() + grace
    while time.monotonic() < until and any(_is_there(group) for group in groups):
        time.sleep(0.05)
    _signal(groups, signal.SIGKILL)


def _signal(groups: dict[int, str], what: signal.Signals) -> None:
    for group, began in groups.items():
        if born(group) in {began, ""}:  # else the number belongs to a stranger by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, what)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def born(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty when it is gone or the system has no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def watch(lines: Iterable[str], grace: float, holding: Iterable[int]) -> None:
    """Listen until the pipe closes, then end who is left."""
    groups = {pid: born(pid) for pid in holding}
    for line in lines:
        sign, pid = line[0], int(line[1:])
        if sign == "+":
            groups[pid] = born(pid)
        else:
            groups.pop(pid, None)
    end_groups(groups, grace)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin, float(sys.argv[1]), map(int, sys.argv[2:]))
