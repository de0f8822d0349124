"""Looking without waiting: database and broker that are away, frozen, empty or old."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from keepshowingup.ops import broker, lookout
from keepshowingup.ops.lookout import Question
from tests.conftest import missing
from tests.postgres import Postgres, PostgresMissing, postgres_server
from tests.processes import eventually, keepshowingup
from tests.valkey import running_valkey


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    try:
        with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
            yield server
    except PostgresMissing as reason:
        missing(str(reason))


def standing(folder: Path, **environment: str) -> tuple[int, dict[str, object]]:
    done = keepshowingup(folder, "health", "--json", **environment)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_question_without_an_answer_is_left_behind() -> None:
    never = threading.Event()
    try:
        question: Question[bool] = Question(never.wait)
        assert question.answer(time.monotonic() + 0.05) is None
    finally:
        never.set()
    assert question.answer(time.monotonic() + 60) is True


def test_only_so_many_questions_are_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    never = threading.Event()
    try:
        waiting = [Question(never.wait) for _ in range(lookout.MOST_LEFT_BEHIND)]
        assert Question(lambda: True).answer(time.monotonic() + 60) is None
        assert "none is added" in caplog.text
    finally:
        never.set()
    assert all(question.answer(time.monotonic() + 60) for question in waiting)
    assert Question(lambda: True).answer(time.monotonic() + 60) is True


def test_a_question_that_fails_has_no_answer_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert Question(lambda: 1 / 0).answer(time.monotonic() + 60) is None
    assert "ZeroDivisionError" in caplog.text


def test_an_empty_an_old_and_an_absent_database_are_told_apart(tmp_path: Path, postgres: Postgres) -> None:
    code, empty = standing(tmp_path, DATABASE_URL=postgres.url)
    assert (code, empty["database"], empty["ok"]) == (3, "empty", False)
    assert empty["sentences"] == ["The database is empty. Run `keepshowingup init` first."]

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
    code, old = standing(tmp_path, DATABASE_URL=postgres.url)
    assert (code, old["database"]) == (3, "old")
    assert old["sentences"] == ["The database is older than this program. Run `keepshowingup migrate`."]

    postgres.stop()
    try:
        code, away = standing(tmp_path, DATABASE_URL=postgres.url)
        assert (code, away["database"]) == (3, "away")
        assert "does not answer" in str(away["sentences"])
    finally:
        postgres.start()


def test_an_empty_file_and_no_file_are_both_an_empty_database(tmp_path: Path) -> None:
    code, found = standing(tmp_path)
    assert (code, found["database"]) == (3, "empty")


def test_queues_are_counted_as_celery_keeps_them(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
        assert broker.queue_lengths("", tmp_path, within=30) == {"transactional": 0, "bulk": 0, "maintenance": 0}
        client.lpush("bulk", "a", "b")
        client.lpush("transactional", "c")
        assert broker.queue_lengths("", tmp_path, within=30) == {"transactional": 1, "bulk": 2, "maintenance": 0}


def test_a_broker_that_is_frozen_or_gone_has_no_lengths_rather_than_none_waiting(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey:
        assert valkey.process is not None
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            assert broker.queue_lengths("", tmp_path, within=0.2) is None
        finally:
            valkey.process.send_signal(signal.SIGCONT)
        eventually(lambda: broker.queue_lengths("", tmp_path), "the broker answers again")
    assert broker.queue_lengths("", tmp_path, within=0.2) is None
