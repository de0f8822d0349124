"""Celery's side of delivery: each task is a few lines that call a verb with ids."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from celery.signals import heartbeat_sent, worker_process_init, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import Error as DatabaseTrouble

from keepshowingup.cadence import replans
from keepshowingup.delivery.claiming import claim_letters, claim_notices
from keepshowingup.delivery.courier import Courier, new_courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.running import batches, drain
from keepshowingup.delivery.running import tick as run_tick
from keepshowingup.delivery.watching import beat_heart, stop_heart

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
# Servers answer within moments. One that takes its time must not keep a worker from its other tasks.
HEAR_OUT_SECONDS = 10.0

_stopping = threading.Event()
_last_beat = float("-inf")
_couriers: list[Courier] = []


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    # Between two letters the courier sees this and puts the rest of its batch back.
    _stopping.set()


def _courier() -> Courier:
    """This process's courier, made when the first batch arrives and kept: its connection outlives the batch."""
    if not _couriers:
        courier = new_courier(_stopping.is_set)
        atexit.register(courier.close)
        _couriers.append(courier)
    return _couriers[0]


@contextmanager
def _carrying() -> Iterator[Courier]:
    """This process's courier, for one task. A task that fails puts it down, and the next one makes another.

    Whatever it failed of (the database went away, the disk is full), letters may still be in its hand. While its
    journal is locked they are left to it; letting go of that tells the next sweep that they are in nobody's hand now.
    Before that it hears the servers out: a letter whose answer is on its way would be in doubt for no reason.
    """
    courier = _courier()
    try:
        yield courier
    except BaseException:
        _couriers.clear()
        atexit.unregister(courier.close)
        try:
            courier.hear_out(HEAR_OUT_SECONDS)
        finally:
            courier.close()  # whatever happens: a journal that stays locked keeps its letters from everybody
        raise


@worker_process_init.connect
def _forget_the_parents_courier(**_: Any) -> None:
    # A forked child must not share its parent's connection or journal.
    _couriers.clear()


@heartbeat_sent.connect
def _beat(sender: Any, **_: Any) -> None:
    """Celery's own sign of life, every two seconds while the broker answers, written down now and then."""
    global _last_beat
    if _stopping.is_set() or time.monotonic() - _last_beat < HEARTBEAT_SECONDS:
        return
    _last_beat = time.monotonic()
    try:
        beat_heart(sender.eventer.hostname, settings.CLOCK.real())
    except DatabaseTrouble as error:
        log.warning("no sign of life could be written: %s", type(error).__name__)


@worker_shutdown.connect
def _rest(sender: Any, **_: Any) -> None:
    # Who was told to stop is missed by nobody.
    try:
        stop_heart(sender.hostname)
    except DatabaseTrouble as error:
        log.warning("the last sign of life could not be removed: %s", type(error).__name__)


@shared_task(name="keepshowingup.tick")
def tick() -> None:
    """See what there is to do and ask for it. Two beats do no harm: the second drain finds nothing."""
    due = run_tick(settings.CLOCK)
    for queue, again in (("transactional", due.again.notices), ("bulk", due.again.letters)):
        for offers in batches(again):
            take_up.apply_async((offers,), queue=queue)
    if due.replans:
        replan.apply_async(queue="maintenance", expires=60)
    # A drain that waited for a minute has been overtaken by those of later ticks.
    for _ in range(due.notices):
        drain_notices.apply_async(expires=60)
    for _ in range(due.letters):
        drain_letters.apply_async(expires=60)


@shared_task(name="keepshowingup.drain_notices")
def drain_notices() -> None:
    """Confirmations and the like, on a queue where nothing bulky waits in front of them."""
    with _carrying() as courier:
        drain(claim_notices, courier)


@shared_task(name="keepshowingup.drain_letters")
def drain_letters() -> None:
    """Letters of sequences and newsletters, for a slice of time."""
    with _carrying() as courier:
        drain(claim_letters, courier)


@shared_task(name="keepshowingup.take_up")
def take_up(offers: list[tuple[int, int]]) -> None:
    """Dispatches offered again: retries, and what a dead worker had not begun."""
    with _carrying() as courier:
        hand_over([(pk, fence) for pk, fence in offers], courier)


@shared_task(name="keepshowingup.replan")
def replan() -> None:
    """Plans to be made anew, for a slice of time: a tick waits behind it. What is left, the next tick asks for."""
    replans.go_on(settings.CLOCK.now(), should_stop=_stopping.is_set)
