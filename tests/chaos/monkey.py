"""The monkey: does the harm that the plan says to processes of this run, and to nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from tests.chaos.plan import Fault
from tests.postgres import Postgres, PostgresMissing

# Seconds PostgreSQL has to end in good order: a frozen client can keep it waiting.
ORDERLY = 5.0


@dataclass
class Monkey:
    """Harms the parts of one house. ``pids`` says which processes those are at this moment."""

    pids: Callable[[], Mapping[str, int]]
    broker_url: str
    postgres: Postgres | None = None
    tell: Callable[[str], None] = lambda _: None
    workers_killed: int = 0
    stop_times: list[float] = field(default_factory=list)  # seconds from SIGTERM to the end, for each worker
    _frozen: list[tuple[float, int]] = field(default_factory=list)
    _asked: list[tuple[float, int]] = field(default_factory=list)
    _postgres_again: float | None = None

    def harm(self, fault: Fault) -> None:
        """Do one fault. A target that is gone at this moment is left alone."""
        self.tell(f"{fault.what} {fault.target}" + (f" for {fault.lasts:.1f} s" if fault.what == "freeze" else ""))
        if fault.target in {"postgres", "backend"}:
            self._harm_postgres(fault)
        elif fault.what == "flush":
            with suppress(redis.RedisError), redis.Redis.from_url(self.broker_url, socket_timeout=2) as connection:
                connection.flushall()
        else:
            self._signal(fault)

    def turn(self) -> None:
        """Wake up what has been frozen, or down, for long enough."""
        now = time.monotonic()
        for until, pid in [*self._frozen]:
            if now >= until:
                self._frozen.remove((until, pid))
                self._send(pid, signal.SIGCONT)
        for since, pid in [*self._asked]:
            if pid not in self.pids().values():
                self._asked.remove((since, pid))
                self.stop_times.append(now - since)
        if self._postgres_again is not None and now >= self._postgres_again:
            self._postgres_again = None
            self._start_postgres()

    def make_good(self) -> None:
        """Wake up everything at once."""
        self._frozen = [(0.0, pid) for _, pid in self._frozen]
        if self._postgres_again is not None:
            self._postgres_again = 0.0
        self.turn()

    def _signal(self, fault: Fault) -> None:
        part = fault.target.replace("child", "worker")
        if (pid := self.pids().get(part)) is None:
            return
        if fault.target.startswith("child"):
            pid = next(iter(children_of(pid)), pid)
        match fault.what:
            case "kill":
                self.workers_killed += part.startswith("worker")
                self._send(pid, signal.SIGKILL)
            case "stop":
                self._send(pid, signal.SIGTERM)
                if part.startswith("worker"):
                    self._asked.append((time.monotonic(), pid))
            case "freeze":
                self._send(pid, signal.SIGSTOP)
                self._frozen.append((time.monotonic() + fault.lasts, pid))

    def _send(self, pid: int, what: signal.Signals) -> None:
        # A pid that is no part's any more, nor a part's child, may be a stranger's by now.
        ours = {*self.pids().values(), *(child for part in self.pids().values() for child in children_of(part))}
        if pid in ours:
            with suppress(ProcessLookupError):
                os.kill(pid, what)

    def _harm_postgres(self, fault: Fault) -> None:
        if self.postgres is None or self.postgres.process is None:
            return
        if fault.target == "backend":
            self._kill_backend(self.postgres)
            return
        if fault.what == "restart":
            self.postgres.process.send_signal(signal.SIGINT)
            try:
                self.postgres.process.wait(ORDERLY)
            except subprocess.TimeoutExpired:
                self.tell("postgres does not end in good order; it crashes")
        self.postgres.stop(signal.SIGKILL if fault.what == "kill" else signal.SIGQUIT)
        self._postgres_again = time.monotonic() + fault.lasts

    @staticmethod
    def _kill_backend(server: Postgres) -> None:
        """SIGKILL one session's process: PostgreSQL then throws everybody out and recovers as after a crash."""
        with suppress(psycopg.Error), psycopg.connect(server.url, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " ORDER BY state = 'active' DESC, query_start DESC LIMIT 1"
            ).fetchone()
            if found:
                with suppress(ProcessLookupError):
                    os.kill(found[0], signal.SIGKILL)

    def _start_postgres(self) -> None:
        assert self.postgres is not None
        for _ in range(20):  # killed servers leave children, which hold its memory for a moment
            try:
                self.postgres.start()
            except PostgresMissing:
                time.sleep(0.2)
            else:
                return
        raise PostgresMissing("PostgreSQL did not come back")


def children_of(pid: int) -> list[int]:
    """The processes a process has started, where the system tells."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
