"""A run with several hosts, in namespaces that are gone when it is."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.chaos.hosts.lan import UNSHARED
from tests.chaos.house import ROOT
from tests.chaos.report import Row
from tests.chaos.victims import Victim

PR_SET_PDEATHSIG = 1
ENDS_WITHIN = 120.0
_libc = ctypes.CDLL(None)


def play_hosts(seed: int, readers: int, steps: int, *, keep: bool = False) -> Row:
    """The row of one run. What is done to whom is said on standard error."""
    asked = json.dumps({"seed": seed, "readers": readers, "steps": steps, "keep": keep})
    python = Path(sys.executable)
    parent = os.getpid()

    def die_with_parent() -> None:
        # The run is in a process namespace below this one, and ends with it.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    run = subprocess.Popen(
        [*UNSHARED, str(python), "-m", "tests.chaos.hosts.play", asked],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    try:
        printed, _ = run.communicate()
    except BaseException:
        if outer := Victim.find(run.pid):
            for first in outer.children():
                first.send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            run.communicate(timeout=ENDS_WITHIN)
        run.kill()
        raise
    if run.returncode:
        return Row(seed, "postgres", broken=1, faults=[f"the run came to no end: exit {run.returncode}"])
    return Row(**json.loads(printed.splitlines()[-1]))
