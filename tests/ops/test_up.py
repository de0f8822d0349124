"""``keepshowingup up`` as a person runs it: it comes up from nothing, survives kills, and leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.postgres import free_port
from tests.processes import PROGRAM, environment, eventually, keepshowingup, processes_about

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("up")]
PARTS = {
    "broker": "valkey-server",
    "mailbox": "keepshowingup mailbox",
    "web": "granian",
    "worker-letters": "--name worker-letters",
    "worker-notices": "--name worker-notices",
    "beat": "keepshowingup beat",
}


class Up:
    """One running ``up`` and what it said."""

    def __init__(self, folder: Path, log: Path, **settings: str) -> None:
        self.folder = folder
        self.log = log
        self.settings = settings
        self.port, self.smtp, self.page = free_port(), free_port(), free_port()
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        ports = ("--port", str(self.port), "--smtp-port", str(self.smtp), "--mailbox-port", str(self.page))
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*PROGRAM, "up", *ports],
                env=environment(self.folder) | self.settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            eventually(lambda: self.is_up() or self.process.poll() is not None, "everything is up", within=240)
            assert self.is_up(), self.said
        except BaseException:
            self.process.kill()
            raise
        return self.process

    @property
    def said(self) -> str:
        return self.log.read_text()

    def is_up(self) -> bool:
        return "Ctrl-C stops everything" in self.said

    def pid_of(self, part: str) -> int | None:
        """The part itself, not what it has started: the process whose parent is the supervisor."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = processes_about(self.folder)
        return next((pid for pid in map(int, children) if PARTS[part] in commands.get(pid, "")), None)

    def has_another(self, part: str, before: int) -> bool:
        return self.pid_of(part) not in {None, before}

    def answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        else:
            return True
        finally:
            connection.close()

    def has_ticked_since(self, moment: float) -> bool:
        """Whether a tick went from the beat through the broker to a worker after ``moment`` (monotonic)."""
        status = json.loads(keepshowingup(self.folder, "status", "--json").stdout)
        return bool(status["heartbeats"].get("tick", math.inf) < time.monotonic() - moment - 2)

    def nobody_left(self) -> bool:
        return not processes_about(self.folder)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data", tmp_path / "up.log")
    yield running
    running.process.kill()
    running.process.wait()
    eventually(running.nobody_left, "nobody is left")


def test_it_comes_up_from_an_empty_folder_and_ctrl_c_leaves_nobody(up: Up) -> None:
    assert f"http://127.0.0.1:{up.port}/" in up.said
    assert f"http://127.0.0.1:{up.port}/staff/" in up.said
    assert f"http://127.0.0.1:{up.page}/" in up.said
    assert re.search(r"Sign in as admin@localhost with \S{12,}", up.said)
    assert up.answers(up.port)
    assert up.answers(up.page)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert up.nobody_left()
    assert "Nothing is left running" in up.said

    up.start()
    assert "Sign in as" not in up.said  # the password was shown once


def test_each_part_that_is_killed_comes_back(up: Up) -> None:
    for part in PARTS:
        before = up.pid_of(part)
        assert before, f"{part} is not there"
        os.kill(before, signal.SIGKILL)
        eventually(partial(up.has_another, part, before), f"{part} is back")
        assert up.process.poll() is None
    last_kill = time.monotonic()
    eventually(lambda: up.answers(up.port), "the pages are served again")
    eventually(lambda: up.answers(up.page), "the inbox is shown again")
    eventually(lambda: up.has_ticked_since(last_kill), "ticks go round again", within=120)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    assert up.nobody_left()


def test_a_killed_supervisor_leaves_nobody_and_the_next_start_works_at_once(up: Up) -> None:
    assert len(processes_about(up.folder)) > len(PARTS)
    up.process.kill()
    up.process.wait()
    up.start()  # does not wait for the old ones itself: the folder's lock and the broker's do
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    eventually(up.nobody_left, "nobody is left, neither old nor new")


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    ports = [word for option in ("--port", "--smtp-port", "--mailbox-port") for word in (option, str(free_port()))]
    done = keepshowingup(up.folder, "up", *ports)
    assert done.returncode == 1
    assert f"running on {up.folder} already (process {up.process.pid})" in " ".join(done.stderr.split())
    assert up.process.poll() is None


def test_a_backup_is_made_while_everything_runs_and_restored_only_after_it_stopped(up: Up, tmp_path: Path) -> None:
    copy = tmp_path / "copy.bak"
    assert keepshowingup(up.folder, "backup", str(copy)).returncode == 0
    refused = keepshowingup(up.folder, "restore", "--yes", str(copy))
    assert refused.returncode == 1
    assert "already" in refused.stderr
    assert up.process.poll() is None
