"""Databases of their own for real processes: their tables are made once, and every house gets a copy."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.processes import keepshowingup

ON_POSTGRES = os.environ.get("KSU_TEST_ON") == "postgres"


@contextmanager
def migrated_database(folder: Path) -> Iterator[str]:
    """An empty database with its tables: a file's path, or a PostgreSQL database's URL."""
    if ON_POSTGRES:
        with database_named(f"migrated_{uuid.uuid4().hex[:12]}") as url:
            _migrate(folder, DATABASE_URL=url)
            yield url
        return
    _migrate(folder)
    yield str(folder / "keepshowingup.sqlite3")


@contextmanager
def copied(migrated: str, folder: Path) -> Iterator[str]:
    """The URL of a house's own copy. On SQLite it lies in the house's data folder, which is made."""
    if ON_POSTGRES:
        template = migrated.rpartition("/")[2].partition("?")[0]
        with database_named(f"house_{uuid.uuid4().hex[:12]}", template) as url:
            yield url
        return
    folder.mkdir(parents=True, exist_ok=True)
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


def _migrate(folder: Path, **environment: str) -> None:
    done = keepshowingup(folder, "migrate", **environment)
    assert done.returncode == 0, done.stderr
