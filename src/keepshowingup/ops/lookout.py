"""Looking at database and broker without waiting for them longer than was said.

A server that has been frozen takes a question and never answers, and no time-out of its own helps. So each question is
asked in a thread of its own that may be left behind; while many have been left behind, no further one is asked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connection

from keepshowingup.delivery.ledger import Totals, totals
from keepshowingup.delivery.pulse import Pulse, pulse
from keepshowingup.delivery.routing import transports
from keepshowingup.delivery.traffic import Traffic, traffic
from keepshowingup.delivery.watching import Database, Status, status
from keepshowingup.ops.broker import queue_lengths

log = logging.getLogger(__name__)

PATIENCE = 1.5
"""Seconds. A monitor that asks every few seconds must have its answer within two."""
MOST_LEFT_BEHIND = 8

Answer = TypeVar("Answer")
_places = threading.BoundedSemaphore(MOST_LEFT_BEHIND)


@dataclass(frozen=True)
class View:
    """What was seen. ``queues`` is None when the broker does not answer; the others when the database does not."""

    status: Status
    queues: Mapping[str, int] | None = None
    pulse: Pulse | None = None
    totals: Totals | None = None
    traffic: Traffic | None = None


def look(*, counted: bool = False, felt: bool = False, all_names: bool = False, within: float = PATIENCE) -> View:
    """How it stands now: ``counted`` with all totals, ``felt`` with the last minutes, both with the traffic.

    Answers ``within`` seconds. ``all_names``: see :func:`~keepshowingup.delivery.watching.status`.
    """

    def ask() -> View:
        found = status(settings.CLOCK.now(), settings.CLOCK.real(), all_names=all_names)
        if found.database is not Database.WELL:
            return View(found)
        return View(
            found,
            pulse=pulse(settings.CLOCK) if felt else None,
            totals=totals() if counted else None,
            traffic=traffic(transports(), found.breakers, settings.CLOCK.real()) if counted or felt else None,
        )

    broker_within = within / 3  # to connect, and again to answer
    queues = Question(lambda: queue_lengths(settings.REDIS_URL, settings.DATA_DIR, broker_within))
    house = Question(ask)
    until = time.monotonic() + within
    seen = house.answer(until) or View(Status(database=Database.AWAY))
    return replace(seen, queues=queues.answer(until))


class Question(Generic[Answer]):
    """Something that is being asked in a thread of its own, with a database connection of its own."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        """Begins to ask at once, unless too many before it still wait for their answer."""
        self._ask = ask
        self._found: Answer | None = None
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        if _places.acquire(blocking=False):
            self._thread.start()
        else:
            log.warning("%d questions wait for database and broker already; none is added", MOST_LEFT_BEHIND)

    def answer(self, until: float) -> Answer | None:
        """The answer, or None when there is none by ``until`` (monotonic), or it could not be asked."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, until - time.monotonic()))
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._ask()
        except Exception:
            log.exception("what stands how could not be found out")
        finally:
            _places.release()
            connection.close()
