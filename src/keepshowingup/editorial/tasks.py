"""Celery's side of the editors' room."""

from __future__ import annotations

import logging
import threading

from celery import shared_task
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection

from keepshowingup.editorial.feeding import due_feeds, look_at
from keepshowingup.editorial.issues import move_on

log = logging.getLogger(__name__)

_at_it = threading.Lock()


@shared_task(name="keepshowingup.feeds")
def feeds() -> None:
    """Move issues on that nobody approved in time; see which feeds are due and ask them beside the worker's own thread.

    Another person's server may take ten seconds to say nothing, and a tick or a confirmation would wait behind it. A
    worker that stops leaves them where they are: what was begun is due again after its lease.
    """
    move_on(settings.CLOCK.now())
    due = due_feeds(settings.CLOCK.real())
    if due and _at_it.acquire(blocking=False):
        threading.Thread(target=ask, args=(due,), name="feeds", daemon=True).start()


def ask(due: list[int]) -> None:
    """Ask these feeds, one after the other."""
    try:
        for feed_id in due:
            look_at(feed_id, now=settings.CLOCK.real(), today=settings.CLOCK.now())
    except DatabaseTrouble as error:
        log.warning("the feeds could not be looked at: %s", type(error).__name__)
    finally:
        connection.close()
        _at_it.release()
