"""The processes of a run: who they are, whether they still are themselves, and what they have open."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Victim:
    """A process and when it began (the kernel's ticks): a number alone may be a stranger's by now."""

    pid: int
    began: str

    @classmethod
    def find(cls, pid: int) -> Victim | None:
        """The process that has this number now."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        return cls(pid, stat.rpartition(")")[2].split()[19])

    @property
    def is_there(self) -> bool:
        """Whether it has not ended."""
        return Victim.find(self.pid) == self

    def send(self, what: signal.Signals) -> None:
        """A signal, if it is still itself."""
        if self.is_there:
            with suppress(ProcessLookupError):
                os.kill(self.pid, what)

    def children(self) -> list[Victim]:
        """The processes it has started."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [found for child in listed.split() if (found := Victim.find(int(child)))]

    def ports_to(self, server_port: int) -> frozenset[int]:
        """Its own ports of the connections it has to a port on loopback."""
        inodes = {link.removeprefix("socket:[").removesuffix("]") for link in self._links()}
        ports = set()
        with suppress(OSError):
            for row in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]:
                fields = row.split()
                here, there = (int(end.partition(":")[2], 16) for end in fields[1:3])
                if there == server_port and fields[9] in inodes:
                    ports.add(here)
        return frozenset(ports)

    def _links(self) -> Iterator[str]:
        with suppress(OSError):
            for entry in Path(f"/proc/{self.pid}/fd").iterdir():
                with suppress(OSError):
                    yield os.readlink(entry)
