"""The monkey harms whom it is told to, and nobody else; and it knows what it has cut."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.chaos.monkey import Monkey
from tests.chaos.plan import Fault
from tests.chaos.trouble import ENDS, PostgresTrouble
from tests.chaos.victims import Victim
from tests.conftest import missing
from tests.postgres import Postgres, PostgresMissing, postgres_server
from tests.processes import eventually

CLIENT = "import socket, sys, time; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def client(listening: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a connection to the server."""
    process = subprocess.Popen([sys.executable, "-c", CLIENT, str(listening.getsockname()[1])])
    yield process
    process.kill()
    process.wait()


def victim_of(process: subprocess.Popen[bytes]) -> Victim:
    found = Victim.find(process.pid)
    assert found is not None
    return found


def state_of(victim: Victim) -> str:
    return Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[0]


def monkey_for(listening: socket.socket, folder: Path, **parts: Victim) -> Monkey:
    return Monkey(lambda: parts, listening.getsockname()[1], folder, "unix:///nowhere")


def test_a_number_that_has_become_a_strangers_is_left_alone(client: subprocess.Popen[bytes]) -> None:
    stranger = Victim(client.pid, "1")
    stranger.send(signal.SIGKILL)
    assert not stranger.is_there
    assert client.poll() is None


def test_a_killed_worker_is_noted_with_the_connections_it_had(
    listening: socket.socket, client: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    connection, (_, port) = listening.accept()
    monkey = monkey_for(listening, tmp_path, **{"worker-0": victim_of(client)})
    monkey.harm(Fault(0, "kill", "child-0"))
    assert client.wait(60) == -signal.SIGKILL, "a worker without children is killed itself"
    (kill,) = monkey.kills
    assert (kill.target, kill.ports) == ("worker-0", frozenset({port}))
    connection.close()


def test_with_the_supervisor_all_workers_are_noted(
    listening: socket.socket, client: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    connection, (_, port) = listening.accept()
    supervisor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    monkey = monkey_for(listening, tmp_path, **{"worker-0": victim_of(client), "supervisor": victim_of(supervisor)})
    monkey.harm(Fault(0, "kill", "supervisor"))
    assert supervisor.wait(60) == -signal.SIGKILL
    assert client.poll() is None
    (kill,) = monkey.kills
    assert (kill.ports, kill.lingers > 0) == (frozenset({port}), True)
    connection.close()


def test_who_is_frozen_wakes_up_again(
    listening: socket.socket, client: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    worker = victim_of(client)
    monkey = monkey_for(listening, tmp_path, **{"worker-0": worker})
    monkey.harm(Fault(0, "freeze", "worker-0", 600))
    eventually(lambda: state_of(worker) == "T", "the worker to be frozen")
    monkey.turn()
    assert state_of(worker) == "T"
    monkey.make_good()
    eventually(lambda: state_of(worker) != "T", "the worker to wake up")


def test_sqlite_is_held_and_let_go(listening: socket.socket, tmp_path: Path) -> None:
    path = tmp_path / "keepshowingup.sqlite3"
    monkey = monkey_for(listening, tmp_path)
    monkey.harm(Fault(0, "hold", "sqlite", 600))
    writer = sqlite3.connect(path, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("BEGIN IMMEDIATE")
    monkey.make_good()
    writer.execute("BEGIN IMMEDIATE")
    writer.close()


def test_a_wiped_broker_has_lost_its_file(
    listening: socket.socket, client: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    kept = tmp_path / "broker" / "appendonlydir"
    kept.mkdir(parents=True)
    monkey_for(listening, tmp_path, broker=victim_of(client)).harm(Fault(0, "wipe", "broker"))
    assert client.wait(60) == -signal.SIGKILL
    assert not kept.exists()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    try:
        with postgres_server(tmp_path / "postgres") as server:
            yield server
    except PostgresMissing as nowhere:
        missing(str(nowhere))


def answers(server: Postgres) -> bool:
    try:
        psycopg.connect(server.url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.postgres
def test_postgres_comes_back_from_every_end_and_from_the_cold(postgres: Postgres) -> None:
    trouble = PostgresTrouble(postgres)
    for what in (*ENDS, "freeze"):
        assert trouble.harm(what, 0.1), what

        def is_back() -> bool:
            trouble.turn()
            return answers(postgres)

        eventually(is_back, f"PostgreSQL after {what}")


@pytest.mark.postgres
def test_a_session_is_killed_by_the_name_of_whom_it_serves(postgres: Postgres) -> None:
    trouble = PostgresTrouble(postgres)
    with psycopg.connect(postgres.url, application_name="worker-1") as session:
        assert not trouble.kill_backend_of("worker-0")
        eventually(lambda: trouble.kill_backend_of("worker-1"), "an answer from a busy server")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT pg_sleep(60)")
