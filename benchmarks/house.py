"""An installation in a temporary folder: database, sink, broker, and the workers and beat as the product runs them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.child import environment, run_child
from benchmarks.database import Database, PostgresDatabase, Shelf
from benchmarks.figures import NotMeasured
from benchmarks.machine import is_running
from benchmarks.sink import Sink, messages_of, new_sink
from keepshowingup.ops.parts import beat_part, broker_part, worker_part
from keepshowingup.ops.supervisor import Part, Supervisor

EVERY_QUEUE = ("transactional", "bulk", "maintenance")
ACCEPTED = "SELECT count(*) FROM delivery_dispatch WHERE state = 'accepted'"
# Letters whose reader's plan has been moved on as well: nothing is left to be written for them.
RECORDED = "SELECT count(*) FROM cadence_paststep"


@dataclass
class Bench:
    """One run: how much is measured, where, and with what."""

    folder: Path
    shelf: Shelf
    quick: bool = False
    sink_kind: str = ""
    wanted_letters: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None
    kept: dict[str, object] = field(default_factory=dict)

    def size(self, full: int, quick: int) -> int:
        """How many, by whether it is a quick run."""
        return quick if self.quick else full

    @property
    def letters(self) -> int:
        """How many letters a drain has."""
        return self.wanted_letters or self.size(100_000, 5_000)

    @contextmanager
    def house(self, kind: str = "postgres", **more: str) -> Iterator[House]:
        """A house on a fresh database of ``kind`` (postgres or sqlite), with ``more`` in its environment."""
        number = len(list(self.folder.glob("house-*")))
        folder = self.folder / f"house-{number}"
        folder.mkdir()
        sink = new_sink(self.sink_kind)
        with self.shelf.sqlite() if kind == "sqlite" else self.shelf.postgres() as database:
            settings = {"KSU_DATA_DIR": str(folder), "DATABASE_URL": database.url, "SMTP_URL": sink.url}
            yield House(folder, database, sink, environment(**(settings | more | dict(self.settings))), say=self.say)


@dataclass
class House:
    """One installation, for one figure."""

    folder: Path
    database: Database
    sink: Sink
    environment: dict[str, str]
    say: Callable[[str], None]
    supervisor: Supervisor | None = None

    @property
    def postgres(self) -> PostgresDatabase:
        """Its database, where it is PostgreSQL."""
        assert isinstance(self.database, PostgresDatabase)
        return self.database

    @contextmanager
    def running(self, parts: Sequence[Part]) -> Iterator[Supervisor]:
        """Broker, sink and these parts; the workers among them have said that they are ready."""
        before = os.environ.copy()
        os.environ.clear()
        os.environ.update(self.environment)  # the supervisor's children get what it has
        try:
            with Supervisor([broker_part(self.folder), self.sink.part, *parts], self.folder / "logs") as supervisor:
                self.supervisor = supervisor
                self.wait_until(self._workers_are_ready, "the workers", 60)
                yield supervisor
        finally:
            self.supervisor = None
            os.environ.clear()
            os.environ.update(before)

    @property
    def workers(self) -> dict[str, int]:
        """The workers' process ids; each leads a session of its own."""
        assert self.supervisor is not None
        return {name: pid for name, pid in self.supervisor.pids.items() if name.startswith("worker")}

    def add_readers(self, number: int, *, spacing: float = 0.0) -> float:
        """Readers whose letters are due a few seconds from now, ``spacing`` seconds apart; the first one's moment."""
        due = time.time() + 4 + number / (12_000 if number > 10_000 else 5_000)
        self.scene("readers", number, due, spacing)
        return due

    def scene(self, *arguments: object) -> object:
        """Run the scene helper against this house's database."""
        return run_child("benchmarks.scene", *arguments, **self._own())

    def child(self, module: str, *arguments: object) -> object:
        """Run a module with this house's settings; what it prints, read as JSON."""
        return run_child(module, *arguments, **self._own())

    def wait_until(self, true: Callable[[], object], what: str, within: float) -> None:
        """Wait for something. Raises :class:`NotMeasured` after ``within`` seconds, or when a part has ended."""
        until = time.monotonic() + within
        while not true():
            self.look_after()
            if time.monotonic() > until:
                raise NotMeasured(f"Waited {within:.0f} seconds in vain for {what}.")
            time.sleep(0.05)

    def look_after(self) -> None:
        """Raise :class:`NotMeasured` when a part has ended: what is measured then is something else."""
        assert self.supervisor is not None
        for name, pid in self.supervisor.pids.items():
            if not is_running(pid):
                raise NotMeasured(f"The {name} ended: {self.last_words(name)}")

    def taken(self) -> int:
        """How many messages the sink has."""
        return messages_of(self.folder / "logs" / "sink.log")

    def last_words(self, name: str) -> str:
        """The last line of a part's log."""
        said = (self.folder / "logs" / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return said[-1][:300] if said else "it said nothing"

    def _own(self) -> dict[str, str]:
        plain = environment()
        return {name: value for name, value in self.environment.items() if plain.get(name) != value}

    def _workers_are_ready(self) -> bool:
        logs = (self.folder / "logs" / f"{name}.log" for name in self.workers)
        return all(" ready." in log.read_text(errors="replace") for log in logs)


def product_parts(workers: int = 2) -> list[Part]:
    """So many workers for every queue, and beat."""
    return [*(worker_part(f"worker-{number}", EVERY_QUEUE) for number in range(1, workers + 1)), beat_part()]
