"""A task that fails puts its courier down, and leaves nothing in doubt that need not be."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from keepshowingup.cadence.models import Enrolment
from keepshowingup.delivery import tasks
from keepshowingup.delivery.handover import hand_over
from keepshowingup.delivery.journal import Trace, read_entries
from tests.delivery.conftest import StoppedClock, claim, courier_to, enrol_many
from tests.processes import eventually
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


class DiskFull(Exception):
    """Whatever a task may fail of."""


def test_a_task_that_fails_hears_the_answer_that_is_on_its_way(
    clock: StoppedClock, enrolment: Enrolment, server: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = courier_to(server, clock, tmp_path)
    enrol_many(enrolment.sequence, 2)
    server.script["maya@example.org"] = ["hold-dot"]
    monkeypatch.setattr(tasks, "_couriers", [courier])

    def fail_when_the_dot_has_left() -> bool:
        if server.held:
            threading.Timer(0.3, server.let_go, ["maya@example.org"]).start()
            raise DiskFull
        return False

    courier.should_stop = fail_when_the_dot_has_left
    journal = courier.journal.path
    with pytest.raises(DiskFull), tasks._carrying() as carrying:
        hand_over(claim(clock).letters, carrying)
    assert tasks._couriers == []
    entries = read_entries(journal.read_bytes()).values()
    assert [(entry.trace, entry.code) for entry in entries if entry.trace is not Trace.UNTOUCHED] == [
        (Trace.ANSWERED, 250)
    ]
    eventually(lambda: not server.open_connections, "the connections to be let go")
    assert len(server.received) == 1
