"""Parts start in order, come back when they fall, stop in order, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from keepshowingup.core.errors import PartMissing
from keepshowingup.ops.supervisor import BACK_OFF, LARGEST_LOG, Part, Supervisor
from tests.processes import eventually

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")
# Ignores SIGTERM, and has a child of its own, as a server with workers has.
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)'], stdout=subprocess.PIPE);"
    "child.stdout.readline(); print('child', child.pid, flush=True); time.sleep(600)",
)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def is_gone(pid: int) -> bool:
    return not lives(pid)


def turning(supervisor: Supervisor, becomes_true: Callable[[], bool]) -> Callable[[], bool]:
    """The question, with the supervisor taking a turn before each asking."""

    def ask() -> bool:
        supervisor.turn()
        return becomes_true()

    return ask


def child_of(log: Path) -> int:
    eventually(lambda: log.exists() and b"child" in log.read_bytes(), "it has a child")
    return int(log.read_text().split()[-1])


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def test_a_foundation_is_ready_before_the_next_part_starts(tmp_path: Path, logs: Path) -> None:
    sign = tmp_path / "sign"
    slow = (sys.executable, "-c", f"import time; time.sleep(.3); open({str(sign)!r}, 'w'); time.sleep(600)")
    sees = (sys.executable, "-c", f"import os, time; print(os.path.exists({str(sign)!r}), flush=True); time.sleep(600)")
    parts = [Part("first", slow, ready=sign.exists, foundation=True), Part("second", sees)]
    with Supervisor(parts, logs) as supervisor:
        eventually(lambda: supervisor.log_of("second").read_text(), "the second has looked")
        assert supervisor.log_of("second").read_text() == "True\n"


def test_a_part_that_ends_at_once_is_named_with_its_last_words_and_nothing_is_left(logs: Path) -> None:
    dies = (sys.executable, "-c", "raise SystemExit('The port is taken.')")
    supervisor = Supervisor([Part("steady", SLEEPS), Part("hasty", dies, ready=lambda: False)], logs)
    with (
        pytest.raises(PartMissing, match=r"The hasty ended at once: The port is taken\. More is in .*hasty\.log"),
        supervisor,
    ):
        pass
    assert supervisor.pids == {}


def test_somebody_else_answering_does_not_make_a_dead_part_ready(logs: Path) -> None:
    dies = (sys.executable, "-c", "")
    seen: list[int] = []

    def answers() -> bool:
        seen.append(1)
        return len(seen) > 60  # long after the part has ended

    with pytest.raises(PartMissing, match="ended at once: It said nothing"):
        Supervisor([Part("hasty", dies, ready=answers)], logs).__enter__()


def test_a_part_that_is_never_ready_is_given_up(logs: Path) -> None:
    with pytest.raises(PartMissing, match="not ready after 0 seconds"):
        Supervisor([Part("slow", SLEEPS, ready=lambda: False, start_within=0.2)], logs).__enter__()


def test_a_part_that_is_killed_comes_back(logs: Path) -> None:
    with Supervisor([Part("part", SLEEPS)], logs) as supervisor:
        before = supervisor.pids["part"]
        os.kill(before, signal.SIGKILL)
        is_back = turning(supervisor, lambda: supervisor.pids.get("part") not in {None, before})
        eventually(is_back, "it is back")


def test_what_a_killed_part_had_started_is_ended_before_it_comes_back(logs: Path) -> None:
    with Supervisor([Part("part", STUBBORN, stop_within=0.2)], logs) as supervisor:
        child = child_of(supervisor.log_of("part"))
        os.kill(supervisor.pids["part"], signal.SIGKILL)
        eventually(turning(supervisor, partial(is_gone, child)), "its child has ended")


def test_one_that_falls_again_and_again_waits_longer_each_time(logs: Path) -> None:
    dies = (sys.executable, "-c", "import time; print(time.monotonic(), flush=True)")
    with Supervisor([Part("part", dies)], logs) as supervisor:
        log = supervisor.log_of("part")
        eventually(turning(supervisor, lambda: log.read_text().count("\n") >= 4), "four starts")
        starts = [float(line) for line in log.read_text().split()]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert all(gap >= wait for gap, wait in zip(gaps, BACK_OFF, strict=False)), gaps


def test_who_does_not_stop_when_asked_is_killed_with_all_it_started(logs: Path) -> None:
    with Supervisor([Part("part", STUBBORN, stop_within=0.2)], logs) as supervisor:
        child, parent = child_of(supervisor.log_of("part")), supervisor.pids["part"]
    assert not lives(parent)
    eventually(lambda: not lives(child), "its child has ended")


def test_a_log_that_grew_large_is_moved_aside_and_written_on(logs: Path) -> None:
    with Supervisor([Part("part", SLEEPS)], logs) as supervisor:
        log = supervisor.log_of("part")
        with log.open("ab") as file:
            file.truncate(LARGEST_LOG + 1)
        supervisor.turn()
        assert log.stat().st_size == 0
        assert log.with_name("part.log.1").stat().st_size == LARGEST_LOG + 1


RUNS = """
import sys
from pathlib import Path
from keepshowingup.ops.supervisor import Part, Supervisor
parts = [Part("gentle", (sys.executable, "-c", "import time; time.sleep(600)")), Part("stubborn", eval(sys.argv[2]))]
supervisor = Supervisor(parts, Path(sys.argv[1]), grace=0.5)
supervisor.run(lambda: print(*supervisor.pids.values(), flush=True))
"""


@pytest.fixture
def running(logs: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own; its leash waits half a second."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNS, str(logs), repr(STUBBORN)], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def pids_of(running: subprocess.Popen[str], logs: Path) -> list[int]:
    assert running.stdout
    pids = [int(word) for word in running.stdout.readline().split()]
    return [*pids, child_of(logs / "stubborn.log")]


def test_nobody_is_left_when_the_supervisor_is_killed(running: subprocess.Popen[str], logs: Path) -> None:
    pids = pids_of(running, logs)
    assert len(pids) == 3
    running.kill()
    running.wait()
    for pid in pids:
        eventually(partial(is_gone, pid), f"{pid} has ended")


def test_nobody_is_left_when_supervisor_and_leash_are_both_killed(running: subprocess.Popen[str], logs: Path) -> None:
    gentle = pids_of(running, logs)[0]
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    leash = next(pid for pid in children if b"leash" in Path(f"/proc/{pid}/cmdline").read_bytes())
    others = [int(pid) for pid in children if pid != leash]
    running.send_signal(signal.SIGSTOP)  # it must not take a new leash in between
    os.kill(int(leash), signal.SIGKILL)
    running.kill()
    running.wait()
    # The kernel's own note reaches those who listen to SIGTERM; the others are ours to clean up here.
    eventually(lambda: not lives(gentle), "the gentle one has ended")
    for pid in others:
        if lives(pid):
            os.killpg(pid, signal.SIGKILL)


def test_a_killed_leash_is_replaced(running: subprocess.Popen[str], logs: Path) -> None:
    pids = pids_of(running, logs)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")

    def leash() -> int | None:
        found = [
            int(pid) for pid in children.read_text().split() if b"leash" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return found[0] if found else None

    first = leash()
    assert first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: leash() not in {None, first}, "there is a new leash")
    running.kill()
    running.wait()
    for pid in pids:
        eventually(partial(is_gone, pid), f"{pid} has ended")


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everybody_and_a_second_one_does_not_wait(
    running: subprocess.Popen[str], logs: Path, word: signal.Signals
) -> None:
    pids = pids_of(running, logs)
    running.send_signal(word)
    eventually(lambda: not lives(pids[0]), "the gentle one has ended")
    assert lives(pids[1])  # the stubborn one is waited for
    running.send_signal(word)
    assert running.wait(30) == 0
    assert not any(lives(pid) for pid in pids[:2])
