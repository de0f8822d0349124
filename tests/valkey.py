"""A real broker for tests: the product's own embedded Valkey in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from keepshowingup.ops import broker


@dataclass
class Valkey:
    """A broker that tests may kill, freeze and start again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For ``REDIS_URL``."""
        return broker.redis_url("", self.folder)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keepshowingup.ops.broker", str(self.folder)],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while not broker.answers("", self.folder):
            assert self.process.poll() is None, "the broker ended at once"
            assert time.monotonic() < until, "the broker does not answer"
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, or with SIGKILL: let it crash."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            self.process.wait(30)
            self.process = None


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    """A broker that is there; raises ``PartMissing`` with the reason when there is none to be had."""
    broker.find_server()
    valkey = Valkey(folder)
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.stop(signal.SIGKILL)
