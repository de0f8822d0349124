"""Redis is flushed, goes down, comes back empty, freezes, and is full; letters and pages go on, and leaving counts."""

from __future__ import annotations

import shutil
import time

import pytest
import redis

from keepshowingup.ops import broker
from tests.faults.house import PATIENCE, House, judge

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-broker"), pytest.mark.timeout(900)]

READERS = 30
FROZEN_FOR, DOWN_FOR = 90.0, 600.0  # seconds
LATE_BY = 120.0  # seconds after the outage, at most


@pytest.fixture(autouse=True)
def standing(house: House) -> None:
    """Everything stands, and stays for the next test."""
    if not house.parts:
        house.up()
        house.web()


def begin(house: House, slug: str) -> None:
    """Readers of a sequence of their own; comes back when one of them keeps the worker waiting in mid-batch."""
    house.server.script[f"{slug}-10@example.org"] = ["hold-rcpt"]
    house.scene("sequence", slug=slug, days=[0])
    house.scene("readers", slug=slug, number=READERS)
    house.scene("readers", slug=slug, number=1, due_in=3600)
    house.wait_until(lambda: f"{slug}-10@example.org" in house.server.held, "the worker to be in mid-batch")


def readers_are_served(house: House, slug: str) -> None:
    """The pages work, somebody joins, and somebody leaves by one click, right before their letter falls due."""
    leaver = f"{slug}-{READERS}@example.org"
    path = house.scene("stop_link", email=leaver)
    assert house.fetch("GET", f"/s/{slug}").status == 200
    assert house.fetch("GET", path).status == 200
    assert house.join(slug, f"{slug}-new@example.org") == 200
    assert house.one_click(path).status == 200
    assert house.records.rows("SELECT state FROM audience_subscriber WHERE email = ?", leaver) == [("left",)]
    house.scene("due_now", email=leaver)


def all_is_delivered(house: House, slug: str, within: float = PATIENCE) -> None:
    """Every reader has their letter once, who joined is asked to confirm, and who left has nothing."""
    owed = {f"{slug}-{number}@example.org" for number in range(READERS)} | {f"{slug}-new@example.org"}
    house.server.let_go(f"{slug}-10@example.org")
    house.wait_until(lambda: len(house.received(slug)) >= len(owed), "everybody's letter", within)
    house.wait_until(lambda: house.records.states(slug)["accepted"] == len(owed), "the records")
    house.wait_for_ticks(2)
    judge(house, slug, owed)


def test_flushed_in_mid_run(house: House) -> None:
    begin(house, "flushed")
    house.flush_broker()
    readers_are_served(house, "flushed")
    all_is_delivered(house, "flushed")


def test_down_in_mid_run_and_back_empty(house: House) -> None:
    begin(house, "down")
    house.parts["broker"].kill()
    readers_are_served(house, "down")
    house.server.let_go("down-10@example.org")
    house.wait_until(lambda: "retry" in house.parts["worker"].log.read_text().lower(), "the worker to miss it")
    shutil.rmtree(house.folder / "broker" / "appendonlydir")
    house.broker()
    all_is_delivered(house, "down")


def test_full_in_mid_run(house: House) -> None:
    begin(house, "full")
    with redis.Redis.from_url(broker.redis_url("", house.folder), socket_timeout=10) as client:
        client.config_set("maxmemory", 1)
        try:
            readers_are_served(house, "full")
            house.server.let_go("full-10@example.org")
            house.wait_until(lambda: "maxmemory" in house.parts["beat"].log.read_text(), "the beat to find no room")
        finally:
            client.config_set("maxmemory", 0)
    all_is_delivered(house, "full")


@pytest.mark.long
def test_frozen_for_longer_than_anybody_waits_for_it(house: House) -> None:
    begin(house, "frozen")
    house.parts["broker"].freeze()
    try:
        readers_are_served(house, "frozen")
        house.server.let_go("frozen-10@example.org")
        time.sleep(FROZEN_FOR)
    finally:
        house.parts["broker"].thaw()
    all_is_delivered(house, "frozen", within=LATE_BY)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_down_for_ten_minutes(house: House) -> None:
    begin(house, "long")
    house.parts["broker"].kill()
    house.server.let_go("long-10@example.org")
    readers_are_served(house, "long")
    time.sleep(DOWN_FOR)
    house.broker()
    all_is_delivered(house, "long", within=LATE_BY)
