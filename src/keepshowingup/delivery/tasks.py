"""Celery's side of delivery: each task is a few lines that call a verb with ids."""

from __future__ import annotations

import atexit
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_shutting_down
from django.conf import settings

from keepshowingup.delivery.courier import Courier, new_courier
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.running import batches
from keepshowingup.delivery.running import tick as run_tick
from keepshowingup.delivery.tidying import forget_old

_stopping = threading.Event()
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


@worker_process_init.connect
def _forget_the_parents_courier(**_: Any) -> None:
    # A forked child must not share its parent's connection or journal.
    _couriers.clear()


@shared_task(name="keepshowingup.tick")
def tick() -> None:
    """Claim what is due and publish it in batches. Two beats do no harm: the second claim finds nothing."""
    for claimed in run_tick(settings.CLOCK):
        for offers in batches(claimed.notices):
            hand_over_notices.delay(list(offers))
        for offers in batches(claimed.letters):
            hand_over_letters.delay(list(offers))


@shared_task(name="keepshowingup.tidy")
def tidy() -> None:
    """Forget what was only kept for a while."""
    forget_old(settings.CLOCK.now())


@shared_task(name="keepshowingup.hand_over_notices")
def hand_over_notices(offers: list[tuple[int, int]]) -> None:
    """Confirmations and the like, on a queue where nothing bulky waits in front of them."""
    hand_over([(pk, fence) for pk, fence in offers], _courier())


@shared_task(name="keepshowingup.hand_over_letters")
def hand_over_letters(offers: list[tuple[int, int]]) -> None:
    """A batch of letters of sequences and newsletters."""
    hand_over([(pk, fence) for pk, fence in offers], _courier())
