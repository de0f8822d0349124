"""Cutting off a letter that takes too long or too much: it fails, and the ones after it go on.

A worker makes one letter at a time. One whose template goes round for ever would hold up all others for ever, and one
that grows until the kernel kills the worker would take the batch with it.
"""

from __future__ import annotations

import functools
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from keepshowingup.letters.errors import CutOff

SECONDS = 2.0
"""Of the processor's time. A letter takes a ten-thousandth of it, and how busy the machine is makes no difference."""
MEMORY = 256 * 1024 * 1024
"""Octets, beyond what the process has already. A letter of 2 MB takes a tenth of it."""


_PAGE = resource.getpagesize()


class _Overdue(BaseException):
    """Raised in the middle of whatever goes on; no template engine takes it for an error of its own."""


@contextmanager
def cut_off(seconds: float = SECONDS) -> Iterator[None]:
    """What is done inside may use so much processor time and memory; then it raises :class:`CutOff`.

    Both are of the whole process, and limited only in the main thread, where signals arrive. SIGVTALRM and its timer
    must be nobody else's. Memory is limited on Linux, where the kernel says how much there is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    statm = _ready(os.getpid())
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        try:
            if statm is not None:
                _limit_memory(statm, before)
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            resource.setrlimit(resource.RLIMIT_DATA, before)
    except _Overdue:
        raise CutOff(f"It takes more than {seconds:g} seconds. Look for a loop that does not end.") from None
    except MemoryError:
        raise CutOff("It takes more memory than a letter may. Look for values that double.") from None


@functools.cache
def _ready(_process: int) -> int | None:
    """Listen for the timer, once in each process; and the kernel's word on its memory, open for reading."""
    signal.signal(signal.SIGVTALRM, _ring)
    try:
        return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _limit_memory(statm: int, before: tuple[int, int]) -> None:
    soft, hard = before
    pages = int(os.pread(statm, 200, 0).split()[5])  # data and stack; see proc_pid_statm(5)
    wanted = pages * _PAGE + MEMORY
    if soft == resource.RLIM_INFINITY or wanted < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise _Overdue
