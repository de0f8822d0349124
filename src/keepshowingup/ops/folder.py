"""Who has the data folder to themselves: one ``up`` or one ``restore`` at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keepshowingup.core.errors import PartMissing, Refused

# After a supervisor was killed its parts take a moment to end; the next start waits for that.
PATIENCE = 12.0


@contextmanager
def sole_use(data_dir: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the folder's lock. Raises :class:`Refused` when somebody else still holds it after ``patience`` seconds."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PartMissing(f"The data folder {data_dir} can't be used: {error.strerror}. Set KSU_DATA_DIR.") from error
    try:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    holder = os.pread(lock, 20, 0).decode() or "unknown"
                    raise Refused(
                        f"keepshowingup is running on {data_dir} already (process {holder}). Stop it first,"
                        " or set KSU_DATA_DIR to another folder."
                    ) from error
                time.sleep(0.1)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)
