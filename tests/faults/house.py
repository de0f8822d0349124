"""A whole installation in real processes, each of which a test starts, freezes and kills itself.

What a test has killed does not come back by itself here: that the supervisor brings it back is shown in tests/ops. So a
test decides who is there at each moment, and what it sees can have been done by nobody else. A part that ends of its
own accord (Celery's worker does when Redis is full) is started again while the test waits, as the supervisor would.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import redis

from keepshowingup.delivery.journal import Trace, read_entries
from keepshowingup.ops import broker
from keepshowingup.ops.leash import Leash
from keepshowingup.ops.parts import beat_part, broker_part, web_part, worker_part
from keepshowingup.ops.supervisor import Part
from tests.faults.records import Letter, Records
from tests.postgres import free_port
from tests.processes import environment, eventually
from tests.smtpd import Received, SmtpServer

ROOT = Path(__file__).parents[2]
QUEUES = ("transactional", "bulk", "maintenance")
TICK = 0.3
LEASE = 3.0
PATIENCE = 240.0  # seconds for what must come; for what never comes, not for slow machines


@dataclass
class Running:
    """One part of the house."""

    part: Part
    process: subprocess.Popen[bytes]
    log: Path
    ended_by_test: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def freeze(self) -> None:
        """It does nothing more, and nobody is told."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, with all it has started."""
        self.ended_by_test = True
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self.ended_by_test = True
        self.process.terminate()
        self.process.wait(60)


@dataclass
class House:
    """An installation in a folder of its own, and the mail server it hands its letters to."""

    folder: Path
    server: SmtpServer
    records: Records
    settings: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Running] = field(default_factory=dict)
    web_port: int = 0
    _leash: Leash | None = None
    _scene: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this house is given."""
        given = {
            "SMTP_URL": self.server.url,
            "DATABASE_URL": self.records.url,
            "KSU_TICK": str(TICK),
            "KSU_LEASE": str(LEASE),
            "KSU_BATCH": "40",
            "KSU_SECRET_KEY": "a key for tests, of more than enough length",
        }
        return environment(self.folder, **(given | self.settings))

    # --- the parts ---

    def broker(self) -> Running:
        """The embedded broker, ready."""
        part = self._start(broker_part(self.folder))
        eventually(lambda: broker.answers("", self.folder), "the broker answers")
        return part

    def worker(self, name: str = "worker", queues: tuple[str, ...] = QUEUES) -> Running:
        """A worker; it is ready when it does something."""
        return self._start(worker_part(name, queues))

    def a_worker(self) -> Running:
        """The worker that is there, or a new one: starting one takes longer than most of what it then does."""
        there = self.parts.get("worker")
        return there if there and there.lives else self.worker()

    def beat(self, name: str = "beat") -> Running:
        """A beat."""
        return self._start(replace(beat_part(), name=name))

    def web(self) -> Running:
        """The pages, ready."""
        self.web_port = self.web_port or free_port()
        part = web_part(self.web_port)
        running = self._start(part)
        eventually(lambda: running.process.poll() is not None or part.ready(), "the pages are served")
        assert running.process.poll() is None, self.last_words()
        return running

    def up(self) -> Running:
        """Broker, beat and one worker; the worker."""
        self.broker()
        self.beat()
        return self.worker()

    def _bring_back(self) -> None:
        for running in [*self.parts.values()]:
            if not running.lives and not running.ended_by_test:
                self._start(running.part)

    def _start(self, part: Part) -> Running:
        self._leash = self._leash or Leash(1.0)
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{part.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                part.command,
                env={**self.environment, **part.env},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._leash.say("+", process.pid)
        self.parts[part.name] = Running(part, process, log)
        return self.parts[part.name]

    def end(self) -> None:
        """Kill everybody at once: a power cut, or the end of a test."""
        for part in self.parts.values():
            with suppress(ProcessLookupError):
                os.killpg(part.pid, signal.SIGKILL)
        for part in self.parts.values():
            part.process.wait(30)
        self.parts.clear()
        self.records.close()
        self.leave_the_scene()
        if self._leash:
            self._leash.let_go()
            self._leash = None

    # --- what is done in it ---

    def scene(self, verb: str, **values: object) -> Any:
        """Do something as the product's own code would, in a process of its own that stays for the next question."""
        if self._scene is None:
            self._scene = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.scene"],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._scene.stdin
        assert self._scene.stdout
        self._scene.stdin.write(json.dumps({"verb": verb, **values}) + "\n")
        self._scene.stdin.flush()
        answer = json.loads(self._scene.stdout.readline() or '{"error": "the scene has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def leave_the_scene(self) -> None:
        """End the process in which things are done; the next one is done in another."""
        if self._scene:
            self._scene.kill()
            self._scene.communicate()
            self._scene = None

    def fetch(self, method: str, path: str, body: str = "", within: float = 20.0) -> http.client.HTTPResponse:
        """One request to the pages, as a browser or a mail provider would make it; raises OSError when cut off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=within)
        with closing(connection):
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            return answer

    def join(self, slug: str, email: str) -> int:
        """Somebody fills in the form of a sequence; the answer's status."""
        return self.fetch("POST", f"/s/{slug}", f"email={email}&consent=on&zone=UTC").status

    def one_click(self, path: str, within: float = 20.0) -> http.client.HTTPResponse:
        """What a mail provider posts when a reader presses its unsubscribe button (RFC 8058)."""
        return self.fetch("POST", path, "List-Unsubscribe=One-Click", within)

    def tasks_in_hand(self) -> int:
        """How many tasks workers, dead ones too, have taken from the broker and not finished."""
        with self._redis() as client:
            return int(client.hlen("unacked"))

    def is_idle(self) -> bool:
        """Whether no task waits or is under way, for half a second: taking one up is two steps."""
        with self._redis() as client:
            for _ in range(10):
                if client.hlen("unacked") or any(client.llen(queue) for queue in QUEUES):
                    return False
                time.sleep(0.05)
        return True

    def unread_answers(self, worker: Running) -> int:
        """For how many letters a worker waits, as its journal says, since it sent their dots."""
        entries = [read_entries(path.read_bytes()) for path in (self.folder / "journal").glob(f"*.{worker.pid}.*")]
        return sum(each.trace is Trace.IN_DOUBT for mine in entries for each in mine.values())

    def offers_waiting(self) -> int:
        """How many messages with letters offered again lie in the broker, for whoever comes for them."""
        with self._redis() as client:
            waiting: Any = client.lrange("bulk", 0, -1)
        return sum(json.loads(message)["headers"]["task"] == "keepshowingup.take_up" for message in waiting)

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(broker.redis_url("", self.folder), socket_timeout=10)

    def flush_broker(self) -> None:
        """Redis forgets everything."""
        with self._redis() as client:
            client.flushall()

    # --- what is seen ---

    def wait_until(self, true: Callable[[], object], what: str, within: float = PATIENCE) -> None:
        """Wait for something; says what the parts wrote last when it never comes."""
        until = time.monotonic() + within
        while not true():
            self._bring_back()
            assert time.monotonic() < until, f"waited in vain for {what}: {self.records.states()}\n{self.last_words()}"
            time.sleep(0.05)

    def wait_for_states(self, prefix: str, wanted: dict[str, int]) -> None:
        """Until the letters to these readers stand exactly so."""
        self.wait_until(lambda: self.records.states(prefix) == wanted, f"{prefix}: {wanted}")

    def wait_for_ticks(self, number: int) -> None:
        """Until so many more ticks have begun: a measure of time that is as slow as the machine."""
        for _ in range(number):
            before = self.records.last_tick()
            self.wait_until(lambda before=before: self.records.last_tick() != before, "a tick")  # type: ignore[misc]

    def wait_until_quiet(self) -> None:
        """Until no letter has come for a second: whoever is not held up has done what they could."""
        seen, since = -1, 0.0
        while time.monotonic() - since < 1:
            if len(self.server.received) != seen:
                seen, since = len(self.server.received), time.monotonic()
            time.sleep(0.05)

    def wait_for_letters(self, prefix: str, number: int) -> None:
        """Until the mail server has so many."""
        self.wait_until(lambda: len(self.received(prefix)) >= number, f"{number} letters to {prefix}")

    def received(self, prefix: str = "") -> list[Received]:
        """What the mail server took for these readers, in order."""
        return [letter for letter in self.server.received if letter.recipient.startswith(prefix)]

    def copies(self, prefix: str = "") -> Counter[tuple[str, str]]:
        """How often each reader was sent each subject, by the mail server's record."""
        return Counter((each.recipient, str(each.message["Subject"])) for each in self.received(prefix))

    def stop_link(self, recipient: str) -> str:
        """The path in the List-Unsubscribe of the last letter to somebody."""
        header = str(self.server.to(recipient)[-1].message["List-Unsubscribe"])
        found = re.search(r"<https?://[^/]+(/unsubscribe/[^>]+)>", header)
        assert found, header
        return found[1]

    def last_words(self) -> str:
        """The end of every part's log."""
        logs = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


def judge(house: House, prefix: str, owed: Collection[str], *, in_doubt_at_most: int = 0) -> list[Letter]:
    """Nobody twice, nobody lost, nobody who was not owed; returns the letters whose fate is not known.

    The mail server's record is what counts. A letter in doubt may or may not be there: that is what doubt means.
    """
    copies = Counter(each.recipient for each in house.received(prefix))
    letters = house.records.letters(prefix)
    doubt = [letter for letter in letters if letter.state == "unknown"]
    assert [who for who, number in copies.items() if number > 1] == [], "sent twice"
    assert set(owed) - set(copies) - {letter.email for letter in doubt} == set(), "lost"
    assert set(copies) - set(owed) == set(), "not owed"
    claimed = {letter.email for letter in letters if letter.state == "accepted"}
    assert claimed - set(copies) == set(), "said to be accepted, and the mail server has nothing"
    assert len(doubt) <= in_doubt_at_most, "more in doubt than connections that were cut"
    return doubt


@contextmanager
def ending(house: House) -> Iterator[House]:
    """The house, and nobody left of it afterwards."""
    try:
        yield house
    finally:
        house.end()
