"""The monkey: does the harm that the plan says to processes of this run, and to nobody else's."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.chaos.plan import Fault
from tests.chaos.record import Kill
from tests.chaos.trouble import PostgresTrouble
from tests.chaos.victims import Victim

# Seconds a supervisor's children have to end when it was killed; then its leash kills them.
LEASH = 10.0
# Seconds that no busy machine makes of one. A client that is frozen for ten minutes gives up an answer.
STANDSTILL = 120.0


@dataclass
class Monkey:
    """Harms the parts of one house. ``parts`` says which processes those are at this moment."""

    parts: Callable[[], Mapping[str, Victim]]
    smtp_port: int
    data: Path
    broker_url: str
    postgres: PostgresTrouble | None = None
    tell: Callable[[str], None] = lambda _: None
    done: int = 0
    kills: list[Kill] = field(default_factory=list)
    stop_times: list[float] = field(default_factory=list)  # seconds from SIGTERM to the end, for each worker
    _frozen: list[tuple[float, Victim]] = field(default_factory=list)
    _asked: list[tuple[float, Victim]] = field(default_factory=list)
    _held: list[tuple[float, sqlite3.Connection]] = field(default_factory=list)

    def harm(self, fault: Fault) -> None:
        """Do one fault. A target that is gone at this moment is left alone, and not counted."""
        lasting = fault.what in {"freeze", "hold"} or fault.target == "postgres"
        done = self._do(fault)
        self.done += done
        how_long = f" for {fault.lasts:.1f} s" if lasting else ""
        self.tell(f"{fault.what} {fault.target}{how_long if done else ': not there'}")

    def _do(self, fault: Fault) -> bool:
        match fault.what, fault.target.partition("-")[0]:
            case what, "postgres" if self.postgres:
                return self.postgres.harm(what, fault.lasts)
            case _, "backend" if self.postgres:
                return self.postgres.kill_backend_of(fault.target.replace("backend", "worker"))
            case "hold", _:
                return self._hold(fault.lasts)
            case "flush", _:
                return self._flush()
            case what, kind:
                return self._harm_part(what, kind, fault)

    def turn(self) -> None:
        """Wake up what has been frozen, held or down for long enough."""
        now = time.monotonic()
        for until, victim in [*self._frozen]:
            if now >= until:
                self._frozen.remove((until, victim))
                victim.send(signal.SIGCONT)
        for until, connection in [*self._held]:
            if now >= until:
                self._held.remove((until, connection))
                connection.close()
        for since, victim in [*self._asked]:
            if not victim.is_there:
                self._asked.remove((since, victim))
                self.stop_times.append(now - since)
        if self.postgres:
            self.postgres.turn()

    def stood_still(self, seconds: float) -> None:
        """A look took so long that the machine must have stood still: connections may break of that, too."""
        if seconds > STANDSTILL:
            self.tell(f"the machine stood still for {seconds:.0f} s")
            self.kills.append(Kill(time.time() - seconds, "everybody", frozenset(), lingers=seconds))

    def make_good(self) -> None:
        """Wake up everything at once."""
        self._frozen = [(0.0, victim) for _, victim in self._frozen]
        self._held = [(0.0, connection) for _, connection in self._held]
        if self.postgres:
            self.postgres.make_good()
        self.turn()

    def _flush(self) -> bool:
        try:
            with redis.Redis.from_url(self.broker_url, socket_timeout=2) as connection:
                return bool(connection.flushall())
        except redis.RedisError:
            return False

    def _harm_part(self, what: str, kind: str, fault: Fault) -> bool:
        part = fault.target.replace("child", "worker")
        if (victim := self.parts().get(part)) is None:
            return False
        match what:
            case "kill" | "wipe":
                self._kill(victim, part, a_child=kind == "child")
                if what == "wipe":
                    shutil.rmtree(self.data / "broker" / "appendonlydir", ignore_errors=True)
            case "stop":
                victim.send(signal.SIGTERM)
                if kind == "worker":
                    self._asked.append((time.monotonic(), victim))
            case "freeze":
                victim.send(signal.SIGSTOP)
                self._frozen.append((time.monotonic() + fault.lasts, victim))
        return True

    def _kill(self, victim: Victim, part: str, *, a_child: bool) -> None:
        """SIGKILL; of workers it is noted which connections they had. Frozen first, so that this stays true."""
        victim.send(signal.SIGSTOP)
        workers = [who for name, who in self.parts().items() if name.startswith("worker")]
        if part == "supervisor":
            ports = frozenset[int]().union(*(who.ports_to(self.smtp_port) for who in workers))
            self.kills.append(Kill(time.time(), part, ports, lingers=LEASH))
        elif part.startswith("worker"):
            dying = [victim, *victim.children()]
            ports = frozenset[int]().union(*(who.ports_to(self.smtp_port) for who in dying))
            self.kills.append(Kill(time.time(), part, ports))
        children = victim.children()
        if a_child and children:
            children[0].send(signal.SIGKILL)
            victim.send(signal.SIGCONT)
        else:
            victim.send(signal.SIGKILL)

    def _hold(self, seconds: float) -> bool:
        """Keep everybody else from writing to SQLite."""
        connection = sqlite3.connect(self.data / "keepshowingup.sqlite3", timeout=1, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # somebody frozen holds it
            connection.close()
            return False
        self._held.append((time.monotonic() + seconds, connection))
        return True
