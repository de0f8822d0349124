"""Houses for the fault tests, each on a fresh database that was migrated once."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.house import House, ending
from tests.faults.records import Records
from tests.processes import keepshowingup
from tests.smtpd import running_smtp

ON_POSTGRES = os.environ.get("KSU_TEST_ON") == "postgres"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database with its tables, to be copied: a file's path, or a PostgreSQL database's URL."""
    folder = tmp_path_factory.mktemp("migrated")
    if ON_POSTGRES:
        with database_named(f"faults_{uuid.uuid4().hex[:12]}") as url:
            done = keepshowingup(folder, "migrate", DATABASE_URL=url)
            assert done.returncode == 0, done.stderr
            yield url
        return
    done = keepshowingup(folder, "migrate")
    assert done.returncode == 0, done.stderr
    yield str(folder / "keepshowingup.sqlite3")


@pytest.fixture(scope="module")
def make_house(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., House]]:
    """Houses, with what is to be different in their settings; all of it is gone when the file is done."""
    from contextlib import ExitStack

    with ExitStack() as opened:

        def make(**settings: str) -> House:
            folder = tmp_path_factory.mktemp("house") / "var"
            folder.mkdir()
            url = opened.enter_context(_copied(migrated, folder))
            server = opened.enter_context(running_smtp())
            return opened.enter_context(ending(House(folder, server, Records(url), settings)))

        yield make


@pytest.fixture(scope="module")
def house(make_house: Callable[..., House]) -> House:
    """One house for the tests of a file, which tell their readers apart by the name of their sequence."""
    return make_house()


@contextmanager
def _copied(migrated: str, folder: Path) -> Iterator[str]:
    if ON_POSTGRES:
        template = migrated.rpartition("/")[2].partition("?")[0]
        with database_named(f"house_{uuid.uuid4().hex[:12]}", template) as url:
            yield url
        return
    shutil.copyfile(migrated, folder / "keepshowingup.sqlite3")
    yield f"sqlite:///{folder / 'keepshowingup.sqlite3'}"


@contextmanager
def database_named(name: str, template: str = "template1") -> Iterator[str]:
    """A database of its own on the PostgreSQL the suite runs on."""
    base = os.environ["KSU_TEST_DATABASE_URL"]
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    head, _, tail = base.rpartition("/")
    _, mark, options = tail.partition("?")
    yield f"{head}/{name}{mark}{options}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
