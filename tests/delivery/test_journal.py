"""What a worker's journal says after it was killed. The worker here is a real process and the kill is a real kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.delivery.journal import (
    Entry,
    Journal,
    Trace,
    Verdict,
    examine,
    read_entries,
    sweep_journals,
)

WORKER = """
import sys, time
from pathlib import Path
from keepshowingup.delivery.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.dot(1, 1)
journal.answered(1, 1, 250, "2.0.0 kept\\r\\nas 42")
journal.dot(2, 3)
print(journal.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_a_killed_workers_journal_tells_answered_from_in_doubt(folder: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    owner = worker.stdout.readline().strip()
    assert examine(folder, owner)[0] is Verdict.ALIVE

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    verdict, entries = examine(folder, owner)
    assert verdict is Verdict.DEAD
    assert entries == {(1, 1): Entry(Trace.ANSWERED, 250, "2.0.0 kept as 42"), (2, 3): Entry(Trace.IN_DOUBT)}


def test_a_frozen_worker_is_alive(folder: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    owner = worker.stdout.readline().strip()
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        assert examine(folder, owner)[0] is Verdict.ALIVE
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()


def test_a_journal_of_another_boot_or_machine_is_silent(folder: Path) -> None:
    with Journal(folder) as journal:
        host, boot, rest = journal.name.split(".", 2)
    assert examine(folder, f"{host}.{'0' * len(boot)}.{rest}")[0] is Verdict.SILENT
    assert examine(folder, f"elsewhere.{boot}.1.abcd")[0] is Verdict.SILENT


def test_a_name_that_climbs_out_of_the_folder_finds_nothing(folder: Path) -> None:
    assert examine(folder, "../../etc/passwd") == (Verdict.SILENT, {})


def test_dead_workers_journals_go_when_nothing_names_them(folder: Path) -> None:
    dead = Journal(folder)
    dead.close()
    with Journal(folder) as living:
        assert sweep_journals(folder, {dead.name}) == 0
        assert sweep_journals(folder, set()) == 1
        assert living.path.exists()
        assert not dead.path.exists()


@given(cut=st.integers(min_value=0, max_value=60))
def test_a_torn_last_line_is_a_write_that_did_not_happen(cut: int) -> None:
    whole = b"D 1 1\nA 1 1 250 2.0.0 ok\nD 2 1\nA 2 1 451 4.3.0 later\n"
    torn = read_entries(whole[:cut])
    complete = read_entries(whole[: whole[:cut].rfind(b"\n") + 1])
    assert torn == complete
