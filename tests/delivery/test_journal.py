"""What a worker's journal says after it was killed. The worker here is a real process and the kill is a real kill."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
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
    locked,
    read_entries,
)
from keepshowingup.delivery.own_record import put_away, read_own_record
from tests.factories import MONDAY

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


@given(cut=st.integers(min_value=0, max_value=60))
def test_a_torn_last_line_is_a_write_that_did_not_happen(cut: int) -> None:
    whole = b"D 1 1\nA 1 1 250 2.0.0 ok\nD 2 1\nA 2 1 451 4.3.0 later\n"
    torn = read_entries(whole[:cut])
    complete = read_entries(whole[: whole[:cut].rfind(b"\n") + 1])
    assert torn == complete


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from keepshowingup.delivery.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
journal.taken_up(1, 1)
journal.dot(1, 1, "<a@b.example>")
journal.answered(1, 1, 250, "2.0.0 a long answer for which there is no room any more")
journal.taken_up(2, 1)
try:
    journal.dot(2, 1, "<a long message id for which there is no room any more@b.example>")
except OSError as error:
    print(error.strerror)
"""


def test_on_a_full_disk_no_dot_is_sent_and_no_half_line_is_left(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip(), "the dot was refused"
    (journal,) = folder.iterdir()
    assert journal.read_bytes() == b"T 1 1\nD 1 1 0 <a@b.example>\n"


def test_a_new_journal_is_never_taken_for_a_dead_workers(folder: Path) -> None:
    folder.mkdir()
    over = threading.Event()

    def clear() -> None:
        while not over.is_set():
            for path in folder.iterdir():
                with suppress(FileNotFoundError), locked(path) as dead:
                    if dead:
                        path.unlink()

    sweeper = threading.Thread(target=clear)
    sweeper.start()
    try:
        for _ in range(200):
            with Journal(folder) as journal:
                journal.taken_up(1, 1)
                assert journal.path.exists()
    finally:
        over.set()
        sweeper.join()


def test_a_long_journal_is_turned_over_and_its_end_can_be_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepshowingup.delivery.journal.LONGEST", 50)
    with Journal(folder) as journal:
        before = journal.name
        journal.dot(1, 1, "<one@b.example>", MONDAY)
        journal.forget()
        assert journal.name == before
        journal.answered(1, 1, 250, "2.0.0 kept")
        journal.forget()
        assert journal.name != before
        assert examine(folder, before)[0] is Verdict.DEAD
        assert examine(folder, journal.name)[0] is Verdict.ALIVE


def test_what_left_is_remembered_when_its_journal_is_put_away(folder: Path) -> None:
    with Journal(folder) as journal:
        for pk, code in ((1, 250), (2, 451)):
            journal.dot(pk, 1, f"<{pk}@b.example>", MONDAY)
            journal.answered(pk, 1, code, "2.0.0 as it is")
        journal.dot(3, 1, "<3@b.example>", MONDAY)
        journal.dot(4, 1, "<4@b.example>", MONDAY)
        journal.put_down(4, 1)
        entries = read_entries(journal.path.read_bytes())
    expected = [("<1@b.example>", MONDAY, True), ("<3@b.example>", MONDAY, False)]
    assert [(line.message_id, line.at, line.sure) for line in read_own_record(folder.parent).lines] == expected
    for _ in range(2):
        put_away(journal.path, entries, MONDAY)
    journal.path.unlink()
    assert [(line.message_id, line.at, line.sure) for line in read_own_record(folder.parent).lines] == expected
    (kept,) = (folder.parent / "handed-over").iterdir()
    kept.write_bytes(kept.read_bytes()[:10])
    assert read_own_record(folder.parent).unread == (kept.name,)


def test_what_left_is_forgotten_after_a_month(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.dot(1, 1, "<1@b.example>", MONDAY)
    entries = read_entries(journal.path.read_bytes())
    os.utime(journal.path, (MONDAY.timestamp(), MONDAY.timestamp()))
    put_away(journal.path, entries, MONDAY + dt.timedelta(days=29))
    assert list((folder.parent / "handed-over").iterdir())
    put_away(journal.path, entries, MONDAY + dt.timedelta(days=31))
    assert not list((folder.parent / "handed-over").iterdir())
