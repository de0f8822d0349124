"""PostgreSQL restarts, goes down, dies in the middle of a commit: nothing is lost, and no page says yes too early."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tests.conftest import missing
from tests.faults.house import House, ending, judge
from tests.faults.records import GATE, Records
from tests.postgres import Postgres, PostgresMissing, postgres_server
from tests.processes import keepshowingup
from tests.smtpd import running_smtp

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.postgres,
    pytest.mark.xdist_group("faults-postgres"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("KSU_TEST_ON") != "postgres", reason="once is enough: KSU_TEST_ON=postgres"),
]

READERS = 30


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of our own, which may be killed."""
    try:
        with postgres_server(tmp_path_factory.mktemp("postgres"), durable=True) as server:
            yield server
    except PostgresMissing as nowhere:
        missing(str(nowhere))


@pytest.fixture(scope="module")
def house(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything stands, on that server."""
    folder = tmp_path_factory.mktemp("house") / "var"
    folder.mkdir()
    done = keepshowingup(folder, "migrate", DATABASE_URL=postgres.url)
    assert done.returncode == 0, done.stderr
    with running_smtp() as server, ending(House(folder, server, Records(postgres.url))) as house:
        house.up()
        house.web()
        yield house


def begin(house: House, slug: str) -> list[str]:
    """Readers of a sequence of their own; comes back when one of them keeps the worker waiting in mid-batch."""
    house.server.script[f"{slug}-10@example.org"] = ["hold-rcpt"]
    house.scene("sequence", slug=slug, days=[0])
    owed = [str(who) for who in house.scene("readers", slug=slug, number=READERS)]
    house.scene("readers", slug=slug, number=1, due_in=3600)
    house.wait_until(lambda: f"{slug}-10@example.org" in house.server.held, "the worker to be in mid-batch")
    return owed


def starts_again(server: Postgres) -> None:
    for _ in range(100):  # what was killed leaves children, which hold its memory for a moment
        try:
            server.start()
        except PostgresMissing:
            time.sleep(0.2)
        else:
            return
    pytest.fail("PostgreSQL did not come back")


def nobody_lost(house: House, slug: str, owed: list[str]) -> None:
    house.server.let_go(f"{slug}-10@example.org")
    house.wait_until(lambda: house.records.states(slug)["accepted"] == READERS, "every letter")
    house.wait_for_ticks(2)
    judge(house, slug, owed)


def state_of(house: House, email: str) -> str:
    return str(house.records.rows("SELECT state FROM audience_subscriber WHERE email = ?", email)[0][0])


@pytest.mark.parametrize(
    ("slug", "how", "seconds"),
    [
        ("restarted", signal.SIGINT, 0),
        ("killed", signal.SIGKILL, 0),
        pytest.param("down", signal.SIGKILL, 60, marks=pytest.mark.long),
    ],
)
def test_away_in_mid_run(house: House, postgres: Postgres, slug: str, how: signal.Signals, seconds: float) -> None:
    owed = begin(house, slug)
    leaver = f"{slug}-{READERS}@example.org"
    path = house.scene("stop_link", email=leaver)
    house.records.close()
    postgres.stop(how)
    house.server.let_go(f"{slug}-10@example.org")
    answer = house.one_click(path)
    assert answer.status == 503, "never a yes that is none"
    assert int(answer.headers["Retry-After"]) > 0
    assert house.fetch("GET", path).status == 503
    time.sleep(seconds)
    starts_again(postgres)
    assert state_of(house, leaver) == "active", "the page said no, and it was no"
    assert house.one_click(path).status == 200, "the provider tries again"
    assert state_of(house, leaver) == "left"
    house.scene("due_now", email=leaver)
    nobody_lost(house, slug, owed)


@contextmanager
def gate_at_commit(house: House, table: str, event: str) -> Iterator[None]:
    """Whoever changes ``table`` waits in the middle of its COMMIT. Ends with the server."""
    with psycopg.connect(house.records.url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_advisory_lock({GATE})")
        connection.execute(
            "CREATE OR REPLACE FUNCTION faults_wait() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({GATE}); RETURN NULL; END $$"
        )
        connection.execute(
            f"CREATE CONSTRAINT TRIGGER faults_gate AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION faults_wait()".encode()
        )
        yield


def dies_in_mid_commit(house: House, postgres: Postgres, table: str) -> None:
    house.wait_until(house.records.somebody_waits, "somebody to be in the middle of a commit")
    house.records.close()
    postgres.stop(signal.SIGKILL)
    starts_again(postgres)
    house.records.do(f"DROP TRIGGER faults_gate ON {table}")


def test_killed_in_the_middle_of_committing_a_leave(house: House, postgres: Postgres) -> None:
    owed = begin(house, "leave")
    leaver = f"leave-{READERS}@example.org"
    path = house.scene("stop_link", email=leaver)
    with ThreadPoolExecutor(1) as provider:
        with gate_at_commit(house, "audience_subscriber", "UPDATE"):
            answer = provider.submit(house.one_click, path, 120)
            dies_in_mid_commit(house, postgres, "audience_subscriber")
        assert answer.result().status == 503, "never a yes that is none"
    assert state_of(house, leaver) == "active"
    assert house.one_click(path).status == 200
    assert state_of(house, leaver) == "left"
    house.scene("due_now", email=leaver)
    nobody_lost(house, "leave", owed)


@pytest.mark.parametrize("what", ["INSERT", "UPDATE"], ids=["a claim", "what a server answered"])
def test_killed_in_the_middle_of_committing(house: House, postgres: Postgres, what: str) -> None:
    slug = f"commit-{what.lower()}"
    if what == "UPDATE":
        owed = begin(house, slug)
        with gate_at_commit(house, "delivery_dispatch", what):
            house.server.let_go(f"{slug}-10@example.org")
            dies_in_mid_commit(house, postgres, "delivery_dispatch")
    else:
        with gate_at_commit(house, "delivery_dispatch", what):
            house.scene("sequence", slug=slug, days=[0])
            owed = house.scene("readers", slug=slug, number=READERS)
            dies_in_mid_commit(house, postgres, "delivery_dispatch")
    nobody_lost(house, slug, owed)
