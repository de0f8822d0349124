"""The Celery application and its timetable.

The database waits, Celery never does: no eta, no countdown, no Celery retry, no result backend. Redis re-delivers
a task it has not seen acknowledged within its visibility time-out, so a task that waits inside Redis is a task that
runs twice. Beat sends a short tick; what is due is a question to the database.
"""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")

import django

django.setup()

from celery import Celery  # noqa: E402
from celery.schedules import schedule  # noqa: E402
from celery.signals import beat_init, celeryd_init, setup_logging  # noqa: E402
from django.conf import settings  # noqa: E402
from kombu import Queue  # noqa: E402

from keepshowingup.ops import deliveries  # noqa: E402
from keepshowingup.ops.broker import QUEUES, broker_url  # noqa: E402
from keepshowingup.ops.chores import CHORES, Chore  # noqa: E402
from keepshowingup.ops.log_lines import be_a_part  # noqa: E402

#: What workers load. Beat knows tasks by their names, and has no use for all that they need.
TASKS = ("keepshowingup.delivery.tasks",)


def _every(seconds: float) -> schedule:
    """So many seconds after the last time, by a clock that nobody can set.

    By the machine's own, beat would rest for an hour when that is put back by one.
    """
    return schedule(seconds, nowfun=lambda: datetime.fromtimestamp(time.monotonic(), UTC))


deliveries.install()
app = Celery("keepshowingup")
app.conf.update(
    broker_url=broker_url(settings.REDIS_URL, settings.DATA_DIR),
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # Longer than any task may run: a task that is still running is never delivered again.
        "visibility_timeout": 3600,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "retry_on_timeout": True,
        "health_check_interval": 10,
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=60,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_default_queue="maintenance",
    task_queues=[Queue(name) for name in QUEUES],
    task_routes={
        "keepshowingup.tick": {"queue": "maintenance"},
        **{f"keepshowingup.{chore.name}": {"queue": "maintenance"} for chore in CHORES},
        "keepshowingup.drain_notices": {"queue": "transactional"},
        "keepshowingup.drain_letters": {"queue": "bulk"},
    },
    beat_schedule={
        # A tick that waited longer than a few of its kind has been overtaken: let it fall, the next one does its work.
        "tick": {
            "task": "keepshowingup.tick",
            "schedule": _every(settings.TICK_SECONDS),
            "options": {"expires": max(10.0, 5 * settings.TICK_SECONDS)},
        },
    }
    | {
        chore.name: {
            "task": f"keepshowingup.{chore.name}",
            "schedule": _every(chore.every),
            "options": {"expires": chore.every},
        }
        for chore in CHORES
    },
    timezone="UTC",
)


def _take_on(chore: Chore) -> None:
    """Make the chore a task."""

    @app.task(name=f"keepshowingup.{chore.name}")
    def do() -> None:
        chore.do(settings.CLOCK)


for chore in CHORES:
    _take_on(chore)


@setup_logging.connect
def _keep_our_log(**_: Any) -> None:
    # Celery's own handlers would write addresses. What anybody prints becomes a line too.
    app.log.redirect_stdouts(logging.WARNING)


@celeryd_init.connect
def _speak_as_worker(sender: str, **_: Any) -> None:
    be_a_part(sender.partition("@")[0])


@beat_init.connect
def _speak_as_beat(**_: Any) -> None:
    be_a_part("beat")
