"""One worker host, as it is seen from outside: started, plugged in, cut off, killed."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.hosts import lan
from tests.chaos.hosts.lan import Network
from tests.chaos.house import LAST_WORDS, HarnessBroken
from tests.chaos.patience import wait_for
from tests.chaos.victims import Victim

STARTS_WITHIN = 60.0


@dataclass
class Machine:
    """``folder`` is its disk: the data folder of the product is in it, with the journals."""

    name: str
    number: int
    folder: Path
    _outer: subprocess.Popen[bytes] | None = None
    _first: Victim | None = None
    boot_id: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def data(self) -> Path:
        """The product's own folder on this machine."""
        return self.folder / "var"

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self._first is not None and self._first.is_there

    def start(self, clock: Path) -> None:
        """Switch it on. All machines go by one calendar, whose file is copied."""
        self.data.mkdir(parents=True)
        shutil.copy(clock, self.data / clock.name)
        command = [*lan.UNSHARED, sys.executable, "-m", "tests.chaos.hosts.inside"]
        with (self.folder / "log").open("ab") as log:
            self._outer = subprocess.Popen(
                [*command, self.name, self.boot_id, str(self.folder)],
                env={**os.environ, "KSU_DATA_DIR": str(self.data)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        outer = Victim.find(self._outer.pid)
        if outer is None or not wait_for(outer.children, within=STARTS_WITHIN):
            raise HarnessBroken(f"{self.name} does not start: {(self.folder / 'log').read_text()[-500:]}")
        (self._first,) = outer.children()
        lan.plug_in(self.number, self._first.pid)
        assert self._outer.stdin is not None
        self._outer.stdin.write(b"plugged in\n")
        self._outer.stdin.flush()

    def cut_off(self, *networks: Network) -> None:
        """Pull out its cables."""
        lan.pull_out(self.number, *networks)

    def reconnect(self, *networks: Network) -> None:
        """Put them back."""
        lan.put_back(self.number, *networks)

    def die(self) -> None:
        """At once, with everything on it and its disk. Nobody it spoke to hears of it."""
        self.cut_off(*Network)
        if self._first:
            # With the first process of a process namespace the kernel ends all others in it.
            self._first.send(signal.SIGKILL)
        self._bury()
        shutil.rmtree(self.folder)

    def stop(self) -> None:
        """In good order."""
        if self._first:
            self._first.send(signal.SIGTERM)
        self._bury()

    def kill(self) -> None:
        """If it still runs: for when the run ends otherwise than it should."""
        if self._first:
            self._first.send(signal.SIGKILL)
            self._bury()

    def _bury(self) -> None:
        if self._outer:
            self._outer.communicate(timeout=2 * LAST_WORDS)
        self._outer = self._first = None
