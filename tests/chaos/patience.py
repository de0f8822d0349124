"""Waiting on a machine that may stand still: time counts only while we ourselves are running."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_AT_ONCE = 1.0


class Patience:
    """So many seconds, of which a look counts one at most: whoever was frozen has not been waiting."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._seconds = seconds
        self._looked_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Ask often."""
        now = time.monotonic()
        self._left -= min(now - self._looked_at, MOST_AT_ONCE)
        self._looked_at = now
        return self._left <= 0

    def renew(self) -> None:
        """From the beginning."""
        self._left, self._looked_at = self._seconds, time.monotonic()


def wait_for(becomes_true: Callable[[], object], within: float) -> bool:
    """Whether something became true before patience (seconds) was over."""
    patience = Patience(within)
    while not becomes_true():
        if patience.is_over:
            return False
        time.sleep(0.05)
    return True
