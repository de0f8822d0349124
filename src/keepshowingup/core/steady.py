"""Real time that does not believe a leap of the machine's clock until the leap has lasted.

Somebody sets the clock forward by a day, sees it, and sets it back: what is due tomorrow would have left in between,
and nothing calls it home. The kernel has another clock, the time since it was started (``CLOCK_BOOTTIME``): nobody can
set it, and it counts while the machine sleeps. A leap is a change of the difference between the two that is larger than
any correction by NTP. It is believed once it has lasted :data:`SETTLES`: a clock that was wrong and has been put right
stays right, and a virtual machine that was laid to rest for a week comes back into today.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

LEAP = timedelta(seconds=60)
SETTLES = timedelta(minutes=10)
# NTP moves the clock all the time, by little. What processes share is brought up to date when it is off by this much.
SHARED_WITHIN = 5.0  # seconds
# While in doubt, how often to ask whether another process knows more.
ASKS_EACH = 1.0  # seconds


@dataclass(frozen=True)
class Belief:
    """What is believed about the machine's clock in one boot. All values are in seconds.

    ``ahead``: of the time since boot. ``claimed``: what the machine says instead, and ``since`` when (since boot).
    """

    boot: str
    ahead: float
    claimed: float | None = None
    since: float = 0.0


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyTime:
    """The real time, aware, in UTC: call it. By the file at ``path`` all processes of a folder believe the same."""

    def __init__(
        self,
        path: Path,
        *,
        machine: Callable[[], float] = time.time,
        since_boot: Callable[[], float] = _since_boot,
        boot_id: Callable[[], str] = _boot_id,
    ) -> None:
        """``machine``: seconds since 1970 by the clock people set; ``since_boot``: by the one they can't."""
        self._path = path
        self._machine = machine
        self._since_boot = since_boot
        self._boot = boot_id()
        self._asked_at = float("-inf")
        kept = self._kept()
        if kept is None:
            self._believe(Belief(self._boot, machine() - since_boot()))
        else:
            self._belief, self._ahead = kept, kept.ahead

    def __call__(self) -> datetime:
        """What time it is."""
        since_boot = self._since_boot()
        ahead = self._machine() - since_boot
        if not _close(ahead, self._ahead):
            self._consider(ahead, since_boot)
        elif self._belief.claimed is not None:
            log.warning("the machine's clock is back where it was")
            self._believe(Belief(self._boot, ahead))
        else:
            self._ahead = ahead
            if abs(ahead - self._belief.ahead) > SHARED_WITHIN:
                self._believe(Belief(self._boot, ahead))
        return datetime.fromtimestamp(since_boot + self._ahead, UTC)

    @property
    def leap(self) -> timedelta | None:
        """How far the machine's clock has leapt, as long as that is not believed."""
        if self._belief.claimed is None:
            return None
        return timedelta(seconds=round(self._belief.claimed - self._ahead))

    def _consider(self, ahead: float, since_boot: float) -> None:
        if self._belief.claimed is not None and since_boot - self._asked_at < ASKS_EACH:
            return
        self._asked_at = since_boot
        kept = self._kept() or self._belief
        leapt = ahead - kept.ahead
        if _close(kept.ahead, ahead):  # another process has come to believe it
            self._believe(Belief(self._boot, ahead))
        elif kept.claimed is None or not _close(kept.claimed, ahead):
            log.error("the machine's clock leapt by %.0f seconds; that is believed if it lasts", leapt)
            self._believe(Belief(self._boot, self._ahead, claimed=ahead, since=since_boot))
        elif since_boot - kept.since >= SETTLES.total_seconds():
            log.error("the machine's clock leapt by %.0f seconds, and is believed now", leapt)
            self._believe(Belief(self._boot, ahead))
        else:
            self._belief, self._ahead = kept, kept.ahead

    def _believe(self, belief: Belief) -> None:
        self._belief, self._ahead = belief, belief.ahead
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(asdict(belief)))
            os.replace(draft, self._path)
        except OSError as error:  # time goes on where nothing can be written
            log.warning("what is believed of the machine's clock can't be shared: %s", error.strerror)

    def _kept(self) -> Belief | None:
        """What the processes of this boot have agreed on; None when that is not known."""
        try:
            kept = Belief(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return kept if kept.boot == self._boot else None


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= LEAP.total_seconds()
