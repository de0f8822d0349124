"""A worker whose broker was away for a moment takes tasks again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer, Producer, Queue

from keepshowingup.core.errors import PartMissing
from keepshowingup.ops import broker, deliveries
from tests.conftest import missing
from tests.processes import environment
from tests.valkey import running_valkey

pytestmark = [pytest.mark.acceptance, pytest.mark.once]


@pytest.mark.parametrize("put_down", [lambda task: task.ack, lambda task: task.requeue], ids=["done", "given back"])
def test_a_task_that_could_not_be_put_down_does_not_keep_the_worker_from_the_next(
    tmp_path: Path, put_down: Callable[[Any], Callable[[], None]]
) -> None:
    try:
        with running_valkey(tmp_path) as valkey:
            assert valkey.process is not None
            _take_one_freeze_and_take_another(valkey.process.pid, broker.broker_url("", tmp_path), put_down)
    except PartMissing as nowhere:
        missing(nowhere.message)


def _take_one_freeze_and_take_another(pid: int, url: str, put_down: Callable[[Any], Callable[[], None]]) -> None:
    deliveries.install()
    impatient = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    in_hand: list[Any] = []
    with (
        Connection(url) as sending,
        Connection(url, transport_options=impatient) as taking,
        Consumer(taking.channel(), [Queue("tasks")], callbacks=[lambda _, task: in_hand.append(task)]) as consumer,
    ):
        consumer.qos(prefetch_count=1)
        producer = Producer(sending.channel())
        producer.publish("one", routing_key="tasks", declare=[Queue("tasks")])
        taking.drain_events(timeout=60)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(taking.connection_errors):
                put_down(in_hand.pop())()
        finally:
            os.kill(pid, signal.SIGCONT)
        producer.publish("another", routing_key="tasks")
        taking.drain_events(timeout=60)
        assert [task.payload for task in in_hand] == ["another"]


def test_workers_count_like_this(tmp_path: Path) -> None:
    asked = "import keepshowingup.worker, kombu.transport.redis as redis; print(redis.Channel.QoS.__module__)"
    told = subprocess.run(
        [sys.executable, "-c", asked], env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert told.stdout.strip() == deliveries.__name__, told.stderr
