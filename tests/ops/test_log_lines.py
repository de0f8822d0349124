"""Our log lines: one each, readable by people or machines, with ids, and never with an address."""

from __future__ import annotations

import errno
import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keepshowingup.ops import log_lines
from keepshowingup.ops.log_lines import JsonLines, Lines, TextLines, ids_of
from tests.processes import environment

ADDRESS = "maya.jones+letters@mail.example.org"
TOKEN = "4fJq8ZkT1pWcXy7Lm2RbN5sVd9GhQ3uEa"
addresses = st.emails().filter(lambda address: len(address.split("@")[0]) > 3)


def written(formatter: logging.Formatter, *what: Any, level: int = logging.ERROR, **more: Any) -> str:
    """What one call to a logger writes."""
    stream = io.StringIO()
    handler = Lines(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("somebody.elses")
    logger.addHandler(handler)
    logger.log(level, *what, **more)
    return stream.getvalue()


def as_json(*what: Any, **more: Any) -> dict[str, Any]:
    line = written(JsonLines(), *what, **more)
    assert line.count("\n") == 1
    assert line.endswith("\n")
    read: dict[str, Any] = json.loads(line)
    return read


def raised(error: ValueError | OSError) -> ValueError | OSError:
    try:
        raise error
    except (ValueError, OSError) as caught:
        return caught


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Reader:
    """Somebody else's object, whose words name an address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __repr__(self) -> str:
        return f"<Reader {self.address}>"


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
@hypothesis_settings(max_examples=40)
@given(address=addresses, noise=st.text(max_size=20))
def test_no_address_leaves_however_it_got_into_the_line(formatter: logging.Formatter, address: str, noise: str) -> None:
    error = raised(ValueError(f"Key (email)=({address}) already exists. {noise}"))
    error.__cause__ = raised(OSError(address))
    ways: list[tuple[Any, ...]] = [
        (f"to {address} {noise}",),
        ("to %s", address),
        ("to %r: %s", Reader(address), noise),
        ("to %(who)s", {"who": address}),
        ("reader %s", address),
        (Reader(address),),
    ]
    for what in ways:
        for more in ({}, {"exc_info": error}, {"extra": {"dispatch": address}}):
            line = written(formatter, *what, **more)
            assert "@" not in line
            assert address.split("@")[0] not in line.replace(noise, "")


@given(st.text())
def test_one_call_is_one_line_whatever_words_are_in_it(words: str) -> None:
    assert as_json("%s", words)
    text = written(TextLines(), "%s", words)
    assert len(text.splitlines()) == 1
    assert " ERROR somebody.elses " in text


def test_an_object_says_when_where_and_how_bad() -> None:
    line = as_json("breaker open", level=logging.WARNING)
    assert line.keys() == {"time", "level", "logger", "event"}
    assert (line["level"], line["logger"], line["event"]) == ("WARNING", "somebody.elses", "breaker open")
    assert line["time"].endswith("+00:00")


def test_ids_in_a_sentence_become_fields() -> None:
    assert as_json("dispatch %d is in doubt", 7)["dispatch"] == 7
    assert as_json("event %d: %s about letter %s", 3, "hard", 9).items() >= {"provider_event": 3, "dispatch": 9}.items()
    line = as_json("100 %% sure: sequence %d: %d complaints, user %s paused reader %s", 4, 2, 8, "3f2a5b6c7d8e9f01")
    assert line.items() >= {"sequence": 4, "user": 8, "subscriber": "3f2a5b6c7d8e9f01"}.items()
    assert "letter" not in as_json("about letter %s", None)


def test_ids_may_be_given_beside_the_sentence() -> None:
    assert as_json("given up", extra={"dispatch": 5, "enrolment": 6}).items() >= {"dispatch": 5, "enrolment": 6}.items()


def test_a_word_that_names_no_id_is_no_field() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "about %s and %s", ("dispatch", 5), None)
    assert ids_of(record) == {}


def test_an_error_has_its_kind_and_its_traceback_as_fields() -> None:
    line = as_json("no luck", exc_info=raised(ValueError("of what kind")))
    assert line["error"] == "ValueError"
    assert "of what kind" in line["traceback"]


def test_a_part_and_its_task_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from celery import Celery

    app = Celery(set_as_current=False)
    lines: list[dict[str, Any]] = []

    @app.task(name="keepshowingup.sample")
    def sample() -> None:
        lines.append(as_json("at work"))

    monkeypatch.setattr(log_lines, "_part", "worker-letters")
    sample.apply(task_id="an id")
    (line,) = lines
    assert line.items() >= {"part": "worker-letters", "task": "keepshowingup.sample", "task_id": "an id"}.items()
    assert "task" not in as_json("at rest")


def test_a_line_that_cannot_be_made_is_replaced_without_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    line = written(TextLines(), "%d letters", ADDRESS)
    assert "a line could not be written: TypeError" in line
    assert "maya" not in line + capsys.readouterr().err


def test_a_full_disk_raises_nothing() -> None:
    Lines(Full()).emit(logging.LogRecord("x", logging.ERROR, "", 0, "a line", None, None))


def test_every_handler_of_the_settings_is_ours_also_for_libraries() -> None:
    script = (
        "import django, logging; django.setup()\n"
        "loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]\n"
        "print({type(each).__name__ for logger in loggers for each in logger.handlers} - {'NullHandler'})\n"
    )
    assert run(script) == "{'Lines'}"


def test_what_nobody_catches_is_a_line_too(tmp_path: Path) -> None:
    script = (
        "import django, threading, warnings; django.setup()\n"
        "from keepshowingup.ops.log_lines import be_a_part\n"
        "be_a_part('worker')\n"
        f"warnings.warn('of {ADDRESS}')\n"
        f"def fail(): raise ValueError('{ADDRESS}')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "fail()\n"
    )
    done = started(script, KSU_LOG="json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["level"], line.get("error")) for line in lines] == [
        ("WARNING", None),
        ("CRITICAL", "ValueError"),
        ("CRITICAL", "ValueError"),
    ]
    assert {line["part"] for line in lines} == {"worker"}
    assert "maya" not in done.stderr


def test_granians_own_log_goes_the_same_way() -> None:
    with (Path(log_lines.__file__).parent / "granian.json").open() as file:
        asked_for = json.load(file)
    script = (
        "import json, logging\n"
        "from granian.log import LogLevels, access_logger, configure_logging\n"
        f"configure_logging(LogLevels.info, {asked_for!r})\n"
        f"access_logger.info('%(path)s', {{'path': '/unsubscribe/{TOKEN}'}})\n"
        f"logging.getLogger('_granian').info('to {ADDRESS}')\n"
    )
    lines = [json.loads(line) for line in started(script, KSU_LOG="json").stderr.splitlines()]
    assert [line["event"] for line in lines] == ["/unsubscribe/[token]", "to [address]"]


def started(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    variables = environment(settings.DATA_DIR / "logs-test", DJANGO_SETTINGS_MODULE="keepshowingup.settings", **more)
    return subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, timeout=120)


def run(script: str) -> str:
    done = started(script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
