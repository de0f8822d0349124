"""What a line of our logs looks like: text for people, or JSON (``KSU_LOG=json``), and never an address in either.

Every part writes through :class:`Lines`: workers, beat, pages, supervisor, mailbox, and the libraries in them. Whatever
they were told to write, what looks like an address or a token is taken out last, tracebacks included.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType

from keepshowingup.core.redaction import redact

log = logging.getLogger(__name__)

IDS = {
    "dispatch": "dispatch",
    "letter": "dispatch",
    "enrolment": "enrolment",
    "subscriber": "subscriber",
    "reader": "subscriber",
    "sequence": "sequence",
    "step": "step",
    "event": "provider_event",
    "user": "user",
}
"""Words that name what the number after them is the id of, and the field it gets. ``extra`` may give them too."""

_PLACE = re.compile(r"(?:\b(?P<word>[a-z]+) )?%(?P<kind>%|[-+ #0]*\d*(?:\.\d+)?[srdixfg])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
LONGEST = 20_000

_part = ""


def speak_as(part: str) -> None:
    """From here on this process's lines name ``part``."""
    global _part
    _part = part


def be_a_part(name: str) -> None:
    """For a process that runs on: its lines name it, and a warning, or what nobody catches, is a line too."""
    speak_as(name)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("nobody caught this", exc_info=(kind, error, trace))


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None and not issubclass(caught.exc_type, SystemExit):
        _uncaught(caught.exc_type, caught.exc_value, caught.exc_traceback)


class TextLines(logging.Formatter):
    """``2026-11-22 16:23:48,999 ERROR name words``, in UTC. A traceback follows on lines of its own."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The first line of it."""
        # One line stays one line, whoever's words are in it.
        record.message = _CONTROL.sub(_escaped, record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """The whole of it."""
        return redact(super().format(record)[:LONGEST])


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, event; ids, part and task where they are known; error and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": redact(record.getMessage()[:LONGEST]),
        }
        if _part:
            line["part"] = _part
        line |= _task()
        line |= ids_of(record)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = redact(self.formatException(record.exc_info)[-LONGEST:])
        return json.dumps(line)


def chosen() -> logging.Formatter:
    """What ``KSU_LOG`` names, for a process that reads no settings; those refuse what is neither."""
    return JsonLines() if os.environ.get("KSU_LOG") == "json" else TextLines()


class Lines(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr. A line that can't be made is replaced by one that says so, without what was in it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say that a line could not be written, and of what kind the error was."""
        kind = sys.exc_info()[0] or Exception
        if issubclass(kind, OSError):
            return  # a full disk, or nobody at the other end: there is no one to tell
        # The standard library would print the values that did not fit.
        values = (record.name, logging.ERROR, record.pathname, record.lineno, _NO_LINE, (kind.__name__,), None)
        with suppress(OSError, ValueError):
            self.stream.write(self.format(logging.LogRecord(*values)) + self.terminator)
            self.flush()


_NO_LINE = "a line could not be written: %s"


def ids_of(record: logging.LogRecord) -> dict[str, object]:
    """The ids in a record: given with ``extra``, or read from its sentence, as in ``"dispatch %d is in doubt"``."""
    found: dict[str, object] = {}
    for word, value in (*_placed(record), *((word, getattr(record, word, None)) for word in IDS)):
        if word in IDS and isinstance(value, int | str):
            found.setdefault(IDS[word], redact(value) if isinstance(value, str) else value)
    return found


def _placed(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """The values of a sentence, each with the word before its place."""
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return
    places = [place for place in _PLACE.finditer(record.msg) if place["kind"] != "%"]
    for place, value in zip(places, record.args, strict=False):
        if place["word"]:
            yield place["word"], value


def _task() -> dict[str, object]:
    """The Celery task that is running in this thread, if Celery is here at all."""
    if (celery := sys.modules.get("celery")) is None or not (task := celery.current_task):
        return {}
    return {"task": task.name, "task_id": task.request.id}


def _escaped(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode()
