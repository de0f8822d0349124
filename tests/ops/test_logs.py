"""What of the parts' logs reaches a person's terminal."""

from __future__ import annotations

import os
from pathlib import Path

from keepshowingup.ops.logs import Noteworthy, Tail


def test_only_what_was_written_since_is_told_and_only_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("before\n")
    tail = Tail(log)
    assert list(tail.new_lines()) == []
    with log.open("a") as file:
        file.write("one\ntwo\nthr")
        file.flush()
        assert list(tail.new_lines()) == ["one", "two"]
        file.write("ee\n")
    assert list(tail.new_lines()) == ["three"]


def test_a_log_that_was_emptied_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("a long first line\n")
    tail = Tail(log)
    os.truncate(log, 0)
    with log.open("a") as file:
        file.write("new\n")
    assert list(tail.new_lines()) == ["new"]


def test_a_log_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "web.log")
    assert list(tail.new_lines()) == []
    (tmp_path / "web.log").write_text("now\n")
    assert list(tail.new_lines()) == ["now"]


def test_the_terminal_shows_warnings_and_whole_tracebacks_and_nothing_of_the_daily_round() -> None:
    lines = [
        ("2026-11-22 16:23:48,999 INFO celery.worker Task keepshowingup.tick received", False),
        ("15921:M 22 Nov 2026 16:23:46.804 * Ready to accept connections unix", False),
        ("15921:M 22 Nov 2026 16:23:46.769 # Can't save: no space left", True),
        ("[INFO] Started worker-1", False),
        ("2026-11-22 16:23:48,999 ERROR django.request Internal Server Error: /", True),
        ("Traceback (most recent call last):", True),
        ('  File "x.py", line 1, in <module>', True),
        ("ValueError: no", True),
        ("[INFO] Started worker-1", False),
        ("[WARNING] slow", True),
        ('{"time": "2026-11-22T16:23:48.999+00:00", "level": "INFO", "event": "Started"}', False),
        ('{"time": "2026-11-22T16:23:48.999+00:00", "level": "ERROR", "event": "no"}', True),
        ("", False),
        ("plain words", False),
    ]
    noteworthy = Noteworthy()
    assert [(line, noteworthy(line)) for line, _ in lines] == lines
