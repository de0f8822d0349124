"""Cutting off a letter that takes too long or too much: it fails, and the ones after it go on.

A worker makes one letter at a time. One whose template goes round for ever would hold up all others for ever, and one
that grows until the kernel kills the worker would take the batch with it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import signal
import threading
import time
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

    In the main thread, where signals arrive, both are of the whole process; SIGVTALRM and its timer must be nobody
    else's. Memory is limited on Linux, where the kernel says how much there is. In any other thread, such as one that
    serves pages, it is that thread's own time, and memory is not limited: the others need theirs.
    """
    if threading.current_thread() is not threading.main_thread():
        with _watched(seconds):
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


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """The same for a thread that gets no signals: another one looks at its clock and calls out to it."""
    thread, lock, done = threading.get_ident(), threading.Lock(), threading.Event()
    clock = time.pthread_getcpuclockid(thread)
    started = time.clock_gettime(clock)

    def watch() -> None:
        left = seconds
        while not done.wait(max(left, 0.01)):
            with lock:
                if done.is_set():
                    return
                left = seconds - (time.clock_gettime(clock) - started)
                if left <= 0:
                    _call_out(thread, ctypes.py_object(_Overdue))
                    return

    threading.Thread(target=watch, name="cut-off", daemon=True).start()
    try:
        try:
            yield
        finally:
            with lock:
                done.set()
            _call_out(thread, None)  # a call that has not been heard yet is meant for nobody
    except _Overdue:
        done.set()
        raise CutOff(f"It takes more than {seconds:g} seconds. Look for a loop that does not end.") from None


def _call_out(thread: int, word: object) -> None:
    """Raise in another thread, at its next step; None takes back what it has not heard."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), word)


def _limit_memory(statm: int, before: tuple[int, int]) -> None:
    soft, hard = before
    pages = int(os.pread(statm, 200, 0).split()[5])  # data and stack; see proc_pid_statm(5)
    wanted = pages * _PAGE + MEMORY
    if soft == resource.RLIM_INFINITY or wanted < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise _Overdue
