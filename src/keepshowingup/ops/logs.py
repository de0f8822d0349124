"""Following the parts' logs on a terminal, and choosing the lines a person wants to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# How the parts mark a line: Django and Celery, granian, Valkey (" # " is a warning there, " * " is not).
_ALARMING = re.compile(r"\b(WARNING|WARN|ERROR|CRITICAL)\b|^\d+:[MSCX] .+ # ")
_MARKED = re.compile(r"\b(DEBUG|INFO|NOTICE)\b|^\d+:[MSCX] ")
_TRACEBACK = "Traceback (most recent call last)"


class Tail:
    """The lines that are new in a file since it was last asked. A file that was emptied is read from its start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        """Whole lines only; one that is still being written waits."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._at:
                    self._at, self._rest = 0, b""
                file.seek(self._at)
                self._rest += file.read()
                self._at = file.tell()
        except FileNotFoundError:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip()


class Noteworthy:
    """Whether a line is worth a look: warnings and worse, and tracebacks to their end."""

    def __init__(self) -> None:
        self._telling = False

    def __call__(self, line: str) -> bool:
        """The lines of one log, in order."""
        if _ALARMING.search(line) or _TRACEBACK in line:
            self._telling = True
        elif _MARKED.search(line) or not line:
            self._telling = False
        return self._telling
