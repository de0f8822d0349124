"""The disk is full: nothing changes without its commit, no dot leaves without its line, and all goes on afterwards."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.house import House, Running, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-disk"), pytest.mark.timeout(900)]

READERS = 30
HELD = "disk-10@example.org"
FULL_FOR = 3.0  # seconds: several ticks, each of which fails


@contextmanager
def no_room(*parts: Running) -> Iterator[None]:
    """Not one octet more in any file, for these parts and what they have started: as on a disk that is full."""
    pids = [pid for part in parts for pid in family(part.pid)]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, most) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in map(int, children) for each in family(child))]


@pytest.mark.long
def test_a_full_disk_stops_what_can_not_be_written_down_and_nothing_else(make_house: Callable[[], House]) -> None:
    house = make_house()
    house.server.script[HELD] = ["hold-rcpt"]
    house.scene("sequence", slug="disk", days=[0])
    owed = house.scene("readers", slug="disk", number=READERS)
    (leaver,) = house.scene("readers", slug="disk", number=1, due_in=3600)
    path = house.scene("stop_link", email=leaver)
    worker, web = house.up(), house.web()
    house.wait_until(lambda: HELD in house.server.held, "the worker to be in mid-batch")
    house.wait_until_quiet()
    with no_room(worker, web):
        before = len(house.received("disk"))
        assert house.fetch("GET", path).status == 200, "what changes nothing needs no room"
        # PostgreSQL has a disk of its own here.
        assert house.one_click(path).status == (200 if house.records.on_postgres else 503), "never a yes that is none"
        house.server.let_go(HELD)
        time.sleep(FULL_FOR)
        assert len(house.received("disk")) == before, "a letter left that could not be written down"
    assert house.one_click(path).status == 200
    house.scene("due_now", email=leaver)
    house.wait_for_states("disk", {"accepted": READERS})
    house.wait_for_ticks(2)
    judge(house, "disk", owed)
