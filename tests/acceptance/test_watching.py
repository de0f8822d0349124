"""What is seen of a house that runs, and what its logs do not say, with every part a real process."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import House
from tests.conftest import missing
from tests.postgres import Postgres, PostgresMissing, free_port, postgres_server
from tests.processes import PROGRAM, environment, eventually, keepshowingup
from tests.valkey import Valkey, running_valkey

pytestmark = [pytest.mark.acceptance, pytest.mark.once, pytest.mark.xdist_group("acceptance")]

TOKEN = "4fJq8ZkT1pWcXy7Lm2RbN5sVd9GhQ3uEa"
# What Celery says to a terminal when it is told to stop is no line of its log.
FAREWELL = re.compile(r"|worker: \w+ shutdown \(MainProcess\)|celery beat v[\w. ()-]+ is starting\.")


def status(house: House) -> dict[str, Any]:
    more = {name: value for name, value in house.environment.items() if name != "KSU_DATA_DIR"}
    done = keepshowingup(house.folder, "status", "--json", **more)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_address_is_in_any_log_after_letters_have_failed_in_every_way(house: House, form: str) -> None:
    answers = [
        "550 5.1.1 <{}>: no such user",
        "450 4.2.0 <{}>: later",
        "dot 554 5.6.0 {} does not like it",
        "552 5.2.2 mailbox of {} is full",
        "drop-rcpt",
        "drop-data",
        "drop-dot",
        "421 4.3.2 go away, {}",
        "250 ok",
        "550 5.7.1 {} wants nothing from you",
    ]
    addresses = [f"r{number}@example.org" for number in range(len(answers))]
    house.scene("set", len(answers), 1)
    for address, answer in zip(addresses, answers, strict=True):
        house.server.script[address] = [answer.format(address)]
    # All readers share a domain, and one of the answers makes it rest.
    house.environment |= {"KSU_LOG": form, "KSU_LOG_LEVEL": "DEBUG", "KSU_DOMAIN_REST": "1"}
    with house.running(workers=1):
        house.wait_until(
            lambda: not any(house.server.script[address] for address in addresses), "every letter to have failed"
        )
    logs = {name: (house.folder / "logs" / f"{name}.log").read_text() for name in ("worker-0", "beat-0")}
    assert "dispatch" in logs["worker-0"]
    for name, log in logs.items():
        assert re.findall(r"\S*@\S*|\br\d@?\S*example\.org\S*", log) == [], name
    if form == "json":
        said = [line for log in logs.values() for line in log.splitlines()]
        lines = [json.loads(line) for line in said if not FAREWELL.fullmatch(line)]
        assert "worker-0" in {line.get("part") for line in lines}
        about_one = [line for line in lines if "dispatch" in line]
        assert {type(line["dispatch"]) for line in about_one} == {int}
        assert all(line["task"].startswith("keepshowingup.") for line in about_one)


def test_every_worker_is_heard_of_while_it_lives_and_missed_by_nobody_after_it_was_stopped(house: House) -> None:
    house.scene("set", 1, 1)
    everybody = {"tick", "worker-0", "worker-1"}
    with house.running(workers=2):
        house.wait_until(
            lambda: {part.partition("@")[0] for part in status(house)["heartbeats"]} == everybody,
            "everybody to be heard of",
        )
        house.wait_for_letters(1)
        house.wait_until(lambda: status(house)["accepted_today"] == 1, "the letter to be counted")
    assert set(status(house)["heartbeats"]) == {"tick"}


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    try:
        with postgres_server(tmp_path / "postgres") as server:
            yield server
    except PostgresMissing as reason:
        missing(str(reason))


@contextmanager
def pages(folder: Path, **more: str) -> Iterator[Callable[[str], tuple[int, str, float]]]:
    """The web server; what it answers to GET: status, body, and after how many seconds."""
    port = free_port()
    with (folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            [*PROGRAM, "web", "--port", str(port)],
            env=environment(folder, **more),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def get(path: str) -> tuple[int, str, float]:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), time.monotonic() - began
        except OSError:
            return 0, "", 0.0
        finally:
            connection.close()

    try:
        eventually(lambda: get("/health")[0], "the pages are served", within=120)
        yield get
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def test_health_is_answered_within_two_seconds_whatever_stands_still(tmp_path: Path, postgres: Postgres) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    assert keepshowingup(folder, "migrate", DATABASE_URL=postgres.url).returncode == 0
    with running_valkey(tmp_path / "broker") as valkey:
        more = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "KSU_LOG": "json"}
        with pages(folder, **more) as get:

            def says(**wanted: str) -> None:
                """Within two seconds: on a machine that is busy with others perhaps not at the first time."""

                def it_does() -> bool:
                    code, body, took = get("/health")
                    seen = json.loads(body or "{}")
                    return code == 503 and took < 2 and wanted.items() <= seen.items()

                eventually(it_does, f"health says {wanted}", within=120)

            says(database="well", broker="well")
            with frozen(valkey):
                says(database="well", broker="away")
                assert get("/health/pages")[0] == 200
            with frozen(postgres):
                says(database="away", broker="well")
            postgres.stop()
            says(database="away", broker="well")
            assert get("/health/pages")[0] == 503
            assert "keepshowingup_database_up 0.0\n" in get("/metrics")[1]
            postgres.start()
            says(database="well", broker="well")
            assert get(f"/unsubscribe/{TOKEN}")[0] == 404
    log = (folder / "web.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert any("/unsubscribe/[token]" in line["event"] and line["part"] == "web" for line in lines)
    assert TOKEN not in log


@contextmanager
def frozen(server: Postgres | Valkey) -> Iterator[None]:
    """All of a server's processes stand still, and keep their connections."""
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.process.pid, signal.SIGCONT)
