"""Opening mail logs as operators have them: rotated, compressed, or coming in on standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import BinaryIO

from keepshowingup.delivery.maillog import moment_of

STANDARD_INPUT = "-"
Opener = Callable[[Path], io.BufferedIOBase]
COMPRESSED: dict[bytes, Opener] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
# A line longer than this is no line of a mail server.
LONGEST_LINE = 64 * 1024


@dataclass(frozen=True)
class LogFile:
    """One file, and when its first line with a moment was written (UTC); None when none has one."""

    path: Path
    begins: datetime | None

    def lines(self) -> Iterator[str]:
        """Its lines. Raises one of :data:`BROKEN` where it can't be read on."""
        if str(self.path) == STANDARD_INPUT:
            yield from _lines(sys.stdin.buffer)
            return
        with _open(self.path) as file:
            yield from _lines(file)


def in_order(paths: tuple[Path, ...], now: datetime, zone: tzinfo) -> tuple[list[LogFile], dict[Path, str]]:
    """The files in the order they were written, as far as they say, and why others can't be read.

    Standard input comes last: it can't be looked into beforehand.
    """
    files: list[LogFile] = []
    unread: dict[Path, str] = {}
    for path in dict.fromkeys(paths):
        if str(path) == STANDARD_INPUT:
            files.append(LogFile(path, None))
            continue
        try:
            with _open(path) as file:
                begins = next((at for line in _lines(file) if (at := moment_of(line, now, zone))), None)
        except BROKEN as error:
            unread[path] = why(error)
        else:
            files.append(LogFile(path, begins))
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(files, key=lambda file: file.begins or last), unread


def why(error: BaseException) -> str:
    """What is wrong with a file, in a few words."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        mark = file.read(6)
    for magic, opener in COMPRESSED.items():
        if mark.startswith(magic):
            return opener(path)
    return path.open("rb")


def _lines(file: io.BufferedIOBase | BinaryIO) -> Iterator[str]:
    # Bounded, so that a file without line ends does not fill the memory.
    while line := file.readline(LONGEST_LINE):
        yield line.decode("utf-8", "replace").rstrip("\r\n")
