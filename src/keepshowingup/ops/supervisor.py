"""Starts the parts in order, keeps them running, stops them in order, and leaves nobody behind.

It has no threads: a child that is to die with its parent (Linux: ``PR_SET_PDEATHSIG``) dies with the *thread* that
started it. Children write to their log files themselves, so they never wait for the supervisor.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from keepshowingup.core.errors import PartMissing
from keepshowingup.ops.leash import Leash

log = logging.getLogger(__name__)

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before each further restart
STEADY_AFTER = 30.0  # seconds; who has run this long starts again at the first back-off
LARGEST_LOG = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Part:
    """One process: its command, what it finds in its environment, and how to see that it is ready.

    A ``foundation`` is waited for before the next part starts, and stopped after all others.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    foundation: bool = False
    start_within: float = 60.0
    stop_within: float = 10.0


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    falls: int = 0
    again_at: float = 0.0


class Supervisor:
    """The parts of one data folder. Use it from the main thread: ``run()``, or ``with`` and now and then ``turn()``."""

    def __init__(self, parts: Sequence[Part], logs: Path, grace: float = 10.0) -> None:
        """``grace``: seconds the parts have to end after this process was killed."""
        self._children = [_Child(part) for part in parts]
        self._logs = logs
        self._grace = grace
        self._leash: Leash | None = None
        self._asked = 0

    def __enter__(self) -> Supervisor:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The parts that run now."""
        return {child.part.name: child.process.pid for child in self._children if child.process}

    def log_of(self, name: str) -> Path:
        """Where a part's output goes."""
        return self._logs / f"{name}.log"

    def start(self) -> None:
        """Start every part and wait until all are ready; :class:`PartMissing` names the one that is not."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._leash = Leash(self._grace)
        for child in self._children:
            if self._asked:
                return
            self._launch(child)
            if child.part.foundation:
                self._wait_for(child)
        for child in self._children:
            if not child.part.foundation:
                self._wait_for(child)

    def turn(self) -> None:
        """Start again what has fallen, each after its back-off; keep the logs small."""
        now = time.monotonic()
        for child in self._children:
            if child.process and child.process.poll() is not None:
                self._has_fallen(child, now)
            if child.process is None and now >= child.again_at:
                self._launch(child)
            _trim(self.log_of(child.part.name))
        if self._leash and not self._leash.holds:
            self._leash.let_go()
            self._leash = Leash(self._grace, self.pids.values())

    def run(
        self,
        started: Callable[[], None] = lambda: None,
        each_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """Start, stay until SIGINT, SIGTERM or SIGHUP, and stop. A second signal does not wait for anybody."""
        with self._listening():
            try:
                self.start()
                if not self._asked:
                    started()
                while not self._asked:
                    self.turn()
                    each_turn()
                    time.sleep(0.2)
            finally:
                self.stop()
                each_turn()

    def stop(self) -> None:
        """Ask everybody to stop, foundations last and the first of them at the very end; then nobody is left."""
        self._end([child for child in self._children if not child.part.foundation])
        for child in reversed(self._children):
            if child.part.foundation:
                self._end([child])
        if self._leash:
            self._leash.let_go()
            self._leash = None

    def _launch(self, child: _Child) -> None:
        part = child.part
        with self.log_of(part.name).open("ab") as output:
            child.process = subprocess.Popen(
                part.command,
                env={**os.environ, **part.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # Safe here: this process has no other threads.
                preexec_fn=_die_with_parent(os.getpid()),
            )
        child.began = time.monotonic()
        if self._leash:
            self._leash.say("+", child.process.pid)

    def _wait_for(self, child: _Child) -> None:
        part = child.part
        while not self._asked:
            # The order matters: who answers in the place of a part that has ended is somebody else.
            ended = child.process is None or child.process.poll() is not None
            if not ended and part.ready():
                return
            if ended or time.monotonic() > child.began + part.start_within:
                where = self.log_of(part.name)
                said = where.read_text(errors="replace").strip().splitlines()[-1:] or ["It said nothing."]
                how = "ended at once" if ended else f"was not ready after {part.start_within:.0f} seconds"
                raise PartMissing(f"The {part.name} {how}: {said[0].strip()} More is in {where}")
            time.sleep(0.05)

    def _has_fallen(self, child: _Child, now: float) -> None:
        assert child.process is not None
        if now - child.began > STEADY_AFTER:
            child.falls = 0
        wait = BACK_OFF[min(child.falls, len(BACK_OFF) - 1)]
        child.falls += 1
        child.again_at = now + wait
        log.warning("%s ended with %d; again in %.1f s", child.part.name, child.process.returncode, wait)
        self._bury(child)

    def _end(self, children: Sequence[_Child]) -> None:
        running = [child for child in children if child.process]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        asked_at, signals = time.monotonic(), self._asked
        for child in running:
            assert child.process is not None
            until = asked_at + child.part.stop_within
            while child.process.poll() is None and time.monotonic() < until and self._asked <= max(signals, 1):
                time.sleep(0.02)
            self._bury(child)

    def _bury(self, child: _Child) -> None:
        assert child.process is not None
        # The whole group: a server's own children may have outlived it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        if self._leash:
            self._leash.say("-", child.process.pid)
        child.process = None

    @contextmanager
    def _listening(self) -> Iterator[None]:
        def ask(_signal: int, _frame: FrameType | None) -> None:
            self._asked += 1

        heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {name: signal.signal(name, ask) for name in heard}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """For a new child: SIGTERM when ``parent`` is gone. The leash follows with SIGKILL."""
    if _libc is None:
        return None
    libc = _libc

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it went before we asked
            os._exit(1)

    return ask_the_kernel


def _trim(path: Path) -> None:
    """Move a log that has grown too large to ``.1``. Its writer goes on in the same, now empty, file."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG:
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            os.truncate(path, 0)
