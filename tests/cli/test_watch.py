"""``status`` and ``health`` at a terminal, in a pipe, and in a script."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from keepshowingup.cli.screen import BLOCKS, draw, spark
from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.pulse import Pulse
from keepshowingup.delivery.traffic import Flow, Traffic
from keepshowingup.delivery.troubled import Resting, Troubled
from keepshowingup.delivery.watching import Database, Status
from keepshowingup.ops.lookout import View
from tests.processes import PROGRAM, environment, keepshowingup, set_up

BUSY = View(
    Status(
        due=12345,
        notices_due=3,
        handing_over=200,
        retry=17,
        unknown=2,
        accepted_today=1_088_123,
        oldest_due=4.2,
        heartbeats={"tick": 1.2, "worker-letters@a-machine-with-a-long-name": 3.0, "worker-notices@b": 95.0},
        breakers=Troubled(
            (
                Resting("mail.example.org:587", State.OPEN, "connection refused", 4.0),
                Resting("gmail.com", State.OPEN, "421 4.7.28 too many", 290.0, domain="gmail.com"),
            ),
            open_domains=3,
        ),
    ),
    {"transactional": 0, "bulk": 8, "maintenance": 1},
    Pulse(tuple(range(60)), {0.5: 900, 1.0: 4050}, {"spare": 54.5}),
    traffic=Traffic(
        (
            Flow("mail.example.org:587", State.OPEN, 4.0),
            Flow("spare", under_way=40, per_second=60.0, today=1234, allowance=20_000, queue_seconds=9.0),
        ),
        (Flow("gmail.com", State.OPEN, 290.0, per_second=0.5, today=17),),
    ),
)


def picture(view: View, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(draw(view))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 120, 40])
def test_a_busy_house_fits_the_terminal(width: int) -> None:
    lines = picture(BUSY, width)
    assert max(map(len, lines)) <= width
    shown = "\n".join(lines)
    for said in ("12,345", "bulk", "tick", "worker-notices@b", "gmail.com", "290 s", "4.2 s"):
        assert said in shown


def test_a_busy_house_fits_a_terminal_of_24_lines() -> None:
    assert len(picture(BUSY)) <= 24


def test_each_transport_has_a_line_with_its_breaker_its_load_and_its_limits() -> None:
    lines = [" ".join(line.split()) for line in picture(BUSY)]
    assert "mail.example.org:587 rests 4 s 0 0.0" in lines
    assert "spare takes letters 40 54.5 60 1,234/20,000" in lines
    assert "gmail.com rests 290 s 0 0.5 17" in lines


def test_domains_that_would_tell_who_reads_are_counted() -> None:
    assert "3 recipients' domains are resting. `keepshowingup status --domains` names them" in " ".join(picture(BUSY))


def test_the_last_minutes_are_told_in_words_and_drawn() -> None:
    shown = "\n".join(picture(BUSY))
    assert "54.5" in shown
    assert "half within 0.7 s, 99 % within 1.0 s, of 4,950 in 5 minutes" in shown
    assert BLOCKS[-1] in shown


def test_a_broker_that_does_not_answer_is_said_to_and_has_no_numbers() -> None:
    shown = "\n".join(picture(View(Status(heartbeats={"tick": 1.0}))))
    assert "does not answer" in shown
    assert "bulk" not in shown
    assert "All is well." in shown


def test_without_a_database_there_is_nothing_but_the_alarm() -> None:
    assert picture(View(Status(database=Database.EMPTY))) == [
        "The database is empty. Run `keepshowingup init` first.",
    ]


@given(st.lists(st.integers(min_value=0, max_value=10**6)))
def test_a_spark_is_as_long_as_its_numbers_and_shows_every_letter(numbers: list[int]) -> None:
    drawn = spark(numbers)
    assert len(drawn) == len(numbers)
    for sign, number in zip(drawn, numbers, strict=True):
        assert (sign == " ") == (number == 0)
        assert (sign == "█") or number < max(numbers) or number == 0


def test_a_terminal_without_blocks_gets_plain_signs() -> None:
    with open(os.devnull, "w", encoding="ascii") as plain:
        console = Console(file=plain, width=80)
        with console.capture() as captured:
            console.print(draw(BUSY))
    assert "█" not in captured.get()
    assert "#" in captured.get()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    set_up(tmp_path)
    return tmp_path


def test_in_a_script_all_of_it_is_one_object(house: Path) -> None:
    done = keepshowingup(house, "status", "--json")
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert done.returncode == 0
    assert (found["ok"], found["database"], found["queues"], found["rate"]) == (False, "well", None, 0.0)
    assert len(found["per_second"]) == 60
    assert found["late_p99"] is None
    assert found["sentences"] == ["No tick has run yet. Start `keepshowingup up`, or beat and worker."]


def test_without_a_terminal_watching_is_one_look(house: Path) -> None:
    done = keepshowingup(house, "status", "--watch")
    assert done.returncode == 0
    assert done.stdout.count("due now") == 2  # of letters, and of notices
    assert "\x1b" not in done.stdout


def test_watching_and_json_do_not_go_together(house: Path) -> None:
    assert keepshowingup(house, "status", "--watch", "--json").returncode == 2


@pytest.mark.acceptance
@pytest.mark.once
def test_at_a_terminal_it_looks_again_until_ctrl_c_and_leaves_it_as_it_was(house: Path) -> None:
    with terminal(house, "status", "--watch") as (shown, process):
        shown.wait_for("No tick has run yet")
        assert keepshowingup(house, "tick", "--once").returncode == 0
        shown.wait_for("All is well.")
        shown.type("\x03")
        assert process.wait(300) == 0
        shown.wait_for("\x1b[?25h")  # the cursor is back
    assert "Traceback" not in shown.text
    assert max(len(line) for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", shown.text))) <= 80


@dataclass
class Shown:
    """What a terminal of 80 by 24 shows."""

    descriptor: int
    text: str = field(default="")

    def wait_for(self, words: str, within: float = 120.0) -> None:
        until = time.monotonic() + within
        while words not in self.text:
            assert time.monotonic() < until, f"{words!r} is not in {self.text[-3000:]!r}"
            with suppress(BlockingIOError, OSError):
                self.text += os.read(self.descriptor, 65536).decode(errors="replace")
            time.sleep(0.02)

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())


@contextmanager
def terminal(folder: Path, *arguments: str) -> Iterator[tuple[Shown, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.set_blocking(ours, False)
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        env=environment(folder, TERM="xterm-256color"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        yield Shown(ours), process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        os.close(ours)
