"""A whole installation in real processes, but for its web server: broker, workers, beat, and a hostile mail server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepshowingup.ops.parts import beat_part, broker_part, worker_part
from keepshowingup.ops.supervisor import Supervisor
from tests.databases import ON_POSTGRES, copied
from tests.faults.records import Letter, Records
from tests.smtpd import SmtpServer, running_smtp

if TYPE_CHECKING:
    from tests.acceptance.office import Office

PATIENCE = 300.0


@dataclass
class House:
    """An installation in a folder of its own."""

    folder: Path
    server: SmtpServer
    database: str
    environment: dict[str, str] = field(default_factory=dict)
    supervisor: Supervisor | None = None

    def scene(self, *arguments: object) -> list[str]:
        """Run the scene helper against this house's database."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.acceptance.scene", *map(str, arguments)],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def report(self) -> list[Letter]:
        """Every dispatch, read past the product: a process for each look would take a second of the machine."""
        records = Records(self.database)
        try:
            return records.letters()
        finally:
            records.close()

    @contextmanager
    def running(self, workers: int = 2, beats: int = 1, notices: bool = False) -> Iterator[Supervisor]:
        """``notices``: confirmations have a worker of their own, as ``keepshowingup up`` has it."""
        queues = ("bulk", "maintenance") if notices else ("transactional", "bulk", "maintenance")
        parts = [broker_part(self.folder)]
        parts += [worker_part(f"worker-{number}", queues) for number in range(workers)]
        parts += [worker_part("worker-notices", ("transactional", "maintenance"))] if notices else []
        parts += [self._renamed(beat_part(), f"beat-{number}") for number in range(beats)]
        before = os.environ.copy()
        os.environ.update(self.environment)  # the supervisor's children get what it has
        try:
            with Supervisor(parts, self.folder / "logs") as self.supervisor:
                yield self.supervisor
        finally:
            os.environ.clear()
            os.environ.update(before)

    @staticmethod
    def _renamed(part: Any, name: str) -> Any:
        from dataclasses import replace

        return replace(part, name=name)

    def kill(self, name: str) -> None:
        """End a part with SIGKILL; the supervisor starts it again."""
        assert self.supervisor is not None
        os.kill(self.supervisor.pids[name], signal.SIGKILL)

    def wait_until(self, true: Callable[[], object], what: str, each: float = 0.02) -> None:
        """Keep the house running until something is so; fails after five minutes without it.

        ``each``: seconds between two looks. Who looks by a process of its own takes the machine from the house.
        """
        assert self.supervisor is not None
        until = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < until, f"waited in vain for {what}\n{self.last_words()}"
            self.supervisor.turn()
            time.sleep(each)

    def wait_for_letters(self, number: int) -> None:
        """Wait until the mail server has so many."""
        self.wait_until(lambda: len(self.server.received) >= number, f"{number} letters")

    def kill_workers_at(self, *counts: int) -> int:
        """SIGKILL every worker each time the mail server has so many letters; how many died in all."""
        assert self.supervisor is not None
        kills = 0
        for number in counts:
            self.wait_for_letters(number)
            for name, pid in self.supervisor.pids.items():
                if name.startswith("worker"):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        return kills

    def last_words(self) -> str:
        """The end of every part's log."""
        logs = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in logs)


@pytest.fixture
def house(tmp_path: Path, migrated: str) -> Iterator[House]:
    folder = tmp_path / "var"
    with running_smtp() as server, copied(migrated, folder) as database:
        environment = {
            "KSU_DATA_DIR": str(folder),
            "SMTP_URL": server.url,
            "KSU_TICK": "0.5",
            "KSU_LEASE": "5",
            "KSU_BATCH": "40",
            "KSU_CONNECTIONS": "1",  # slow enough for things to happen in the middle
            "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
        }
        if ON_POSTGRES:
            environment["DATABASE_URL"] = database
        yield House(folder, server, database, environment)


@pytest.fixture
def office(house: House) -> Iterator[Office]:
    """A house that writes to a relay with moods; its letters and transports are the test's to set up."""
    from tests.acceptance.office import Office
    from tests.acceptance.relays import running_relay

    with running_relay() as relay:
        made = Office(house, relay)
        yield made
        made.close()
