"""What is done besides sending, and how often: beat asks workers for it, ``tick --loop`` does it in its own process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from keepshowingup.core.clock import Clock
from keepshowingup.delivery.staff_notices import tell_of_stop_requests
from keepshowingup.delivery.tidying import tidy
from keepshowingup.editorial.feed_rounds import go_round
from keepshowingup.outcomes.recording import forget_old

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """``name`` is the Celery task's, without our own before it; ``every`` so many seconds it is done."""

    name: str
    every: float
    do: Callable[[Clock], object]


CHORES = (
    Chore("tidy", 3600, tidy),
    Chore("tell_staff", 600, lambda clock: tell_of_stop_requests(clock.now())),
    Chore("tidy_outcomes", 3600, lambda clock: forget_old(clock.now())),
    Chore("feeds", 300, go_round),
)


class Rounds:
    """The chores of one process, each at its interval from when this was made, as a beat counts.

    ``seconds`` is a clock nobody can set.
    """

    def __init__(
        self, clock: Clock, *, seconds: Callable[[], float] = time.monotonic, chores: tuple[Chore, ...] = CHORES
    ) -> None:
        self._clock, self._seconds, self._chores = clock, seconds, chores
        self._last = dict.fromkeys(chores, seconds())

    def do_due(self) -> None:
        """Do what is due, in the order of the timetable. What fails is logged and comes again: letters go on."""
        for chore in self._chores:
            if self._seconds() - self._last[chore] < chore.every:
                continue
            self._last[chore] = self._seconds()
            try:
                chore.do(self._clock)
            except Exception:
                log.exception("the chore %s failed", chore.name)
