"""Looking at the feeds that are due, beside what else the process does."""

from __future__ import annotations

import logging
import threading

from django.db import Error as DatabaseTrouble
from django.db import connection

from keepshowingup.core.clock import Clock
from keepshowingup.editorial.feeding import due_feeds, look_at
from keepshowingup.editorial.issues import move_on

log = logging.getLogger(__name__)

_at_it = threading.Lock()


def go_round(clock: Clock) -> None:
    """Move issues on that nobody approved in time; see which feeds are due and ask them in a thread of their own.

    Another person's server may take ten seconds to say nothing, and a tick or a confirmation would wait behind it. A
    process that stops leaves them where they are: what was begun is due again after its lease.
    """
    move_on(clock.now())
    due = due_feeds(clock.real())
    if due and _at_it.acquire(blocking=False):
        threading.Thread(target=_ask, args=(due, clock), name="feeds", daemon=True).start()


def _ask(due: list[int], clock: Clock) -> None:
    """Ask these feeds, one after the other."""
    try:
        for feed_id in due:
            look_at(feed_id, now=clock.real(), today=clock.now())
    except DatabaseTrouble as error:
        log.warning("the feeds could not be looked at: %s", type(error).__name__)
    finally:
        connection.close()
        _at_it.release()
