"""Run, back up, send more, put the backup in place, resume: nobody gets a letter twice. By the mail server's record."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.conftest import House
from tests.postgres import find_binaries
from tests.processes import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("restore"), pytest.mark.timeout(1200)]

# A day of the calendar in two seconds: the letters, three days apart, come every six. However slow the machine is, some
# are left when the database is put back.
READERS, STEPS = 25, 15
CALENDAR = "rate=43200"


@pytest.fixture
def running_house(house: House) -> House:
    house.environment["KSU_CLOCK"] = CALENDAR
    if "DATABASE_URL" in house.environment:
        house.environment["PATH"] = f"{find_binaries()}:{os.environ['PATH']}"
    house.scene("set", READERS, STEPS)
    return house


def command(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keepshowingup", *arguments],
        env=os.environ | house.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def notes_by_reader(house: House) -> dict[str, list[str]]:
    """The subjects of what each reader got, in the order they came."""
    notes: defaultdict[str, list[str]] = defaultdict(list)
    for received in house.server.received:
        notes[received.recipient].append(str(received.message["Subject"]))
    return notes


def nothing_came_twice_and_nothing_was_left_out(house: House) -> None:
    for reader, notes in notes_by_reader(house).items():
        assert notes == [f"Note {number}" for number in range(len(notes))], reader


def write_log(house: House, path: Path) -> None:
    """What the server took, as Postfix would have written it."""
    ago = time.time() - time.monotonic()
    lines = []
    for number, received in enumerate(house.server.received):
        at = dt.datetime.fromtimestamp(ago + received.at, dt.UTC).isoformat()
        for said in (
            f"postfix/cleanup[7]: {0xA0000 + number:X}: message-id={received.message['Message-ID']}",
            f"postfix/qmgr[8]: {0xA0000 + number:X}: from=<{received.sender}>, size=9, nrcpt=1 (queue active)",
            f"postfix/smtp[9]: {0xA0000 + number:X}: to=<{received.recipient}>, dsn=2.0.0, status=sent (250 ok)",
        ):
            lines.append(f"{at} mail {said}\n")
    path.write_text("".join(lines))


def sent_before_and_after_a_backup(house: House, backup: Path) -> None:
    """The first letter to all, a backup while others flow, and after it a letter and more for each reader."""
    house.server.answer_after = 0.02
    with house.running():
        house.wait_for_letters(READERS + 5)
        done = command(house, "backup", str(backup))
        assert done.returncode == 0, done.stderr
        for _ in range(READERS + 10):
            house.wait_for_letters(len(house.server.received) + 1)
    nothing_came_twice_and_nothing_was_left_out(house)


def everything_goes_on_and_nothing_comes_twice(house: House) -> None:
    house.server.answer_after = 0
    wanted = {reader: min(STEPS, len(notes) + 2) for reader, notes in notes_by_reader(house).items()}
    with house.running():
        house.wait_until(
            lambda: all(len(notes) >= wanted[reader] for reader, notes in notes_by_reader(house).items()),
            "two more letters to each reader",
        )
        house.wait_until(lambda: {letter.state for letter in house.report()} <= {"accepted", "unknown"}, "the records")
    nothing_came_twice_and_nothing_was_left_out(house)


def nothing_leaves(house: House) -> None:
    """The house runs for several ticks and sends nothing."""
    before = len(house.server.received)
    with house.running():
        house.wait_until(lambda: "Nothing is sent" in command(house, "status").stdout, "the status to say so", each=0.5)
        until = time.monotonic() + 5
        house.wait_until(lambda: time.monotonic() > until, "five seconds to pass")
    assert len(house.server.received) == before


def test_after_a_restore_the_mail_log_says_what_left_and_nobody_gets_a_letter_twice(
    running_house: House, tmp_path: Path
) -> None:
    house, backup, log = running_house, tmp_path / "backup", tmp_path / "mail.log"
    sent_before_and_after_a_backup(house, backup)
    # Half a minute after the last sign of life.
    eventually(lambda: command(house, "restore", "--yes", str(backup)).returncode == 0, "a restore", within=90, each=3)
    nothing_leaves(house)

    refused = command(house, "resume-sending")
    assert refused.returncode == 1
    assert "may have left already" in refused.stderr

    write_log(house, log)
    tried = command(house, "reconcile", "--log", str(log), "--dry-run", "--json")
    done = command(house, "reconcile", "--log", str(log), "--json")
    assert tried.stdout == done.stdout != "", done.stderr
    assert command(house, "reconcile", "--log", str(log), "--json").stdout == ""

    resumed = command(house, "resume-sending")
    assert resumed.returncode == 0, resumed.stderr
    everything_goes_on_and_nothing_comes_twice(house)


def test_a_database_put_back_by_hand_is_found_out_and_our_own_record_says_what_left(
    running_house: House, tmp_path: Path
) -> None:
    house, backup = running_house, tmp_path / "backup"
    sent_before_and_after_a_backup(house, backup)
    put_back_by_hand(house, backup)
    nothing_leaves(house)

    assert command(house, "doctor").returncode == 1
    assert command(house, "resume-sending").returncode == 1
    done = command(house, "reconcile", "--record")
    assert "that left while nobody looked written down" in done.stderr
    resumed = command(house, "resume-sending")
    assert resumed.returncode == 0, resumed.stderr
    everything_goes_on_and_nothing_comes_twice(house)


def put_back_by_hand(house: House, backup: Path) -> None:
    """As somebody would who does not know of our own command."""
    if url := house.environment.get("DATABASE_URL"):
        binaries = find_binaries()
        wipe = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        subprocess.run([binaries / "psql", url, "--quiet", "--command", wipe], check=True, capture_output=True)
        subprocess.run(
            [binaries / "pg_restore", "--no-owner", f"--dbname={url}", backup], check=True, capture_output=True
        )
        return
    database = house.folder / "keepshowingup.sqlite3"
    with closing(sqlite3.connect(database)) as live:
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for leftover in ("-wal", "-shm"):
        database.with_name(database.name + leftover).unlink(missing_ok=True)
    shutil.copy(backup, database)
