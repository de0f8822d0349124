"""The databases letters are measured on: a PostgreSQL of our own with the settings it ships with, and SQLite."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.child import run_child
from tests.postgres import Postgres


class Database(ABC):
    """One database of the product, looked at from outside: no Django, no locks anybody waits for."""

    url: str

    @abstractmethod
    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a SELECT answers."""

    def number(self, statement: str) -> int:
        """The one number a SELECT answers."""
        return int(self.rows(statement)[0][0])


@dataclass
class PostgresDatabase(Database):
    url: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode()).fetchall()

    def __post_init__(self) -> None:
        self.connection = psycopg.connect(self.url, autocommit=True)


@dataclass
class SqliteDatabase(Database):
    path: Path
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.path}"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        # Opened anew each time: an open reader keeps the write-ahead log from being reset.
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(statement).fetchall()


def moment(value: object) -> float:
    """A column's moment as seconds since 1970: PostgreSQL gives a datetime, SQLite a string in UTC."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    assert isinstance(value, dt.datetime)
    return value.timestamp()


@dataclass
class Shelf:
    """Makes databases that have the tables and the sequence in them; that is done once for each kind and copied."""

    folder: Path
    server: Postgres
    _made: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    @contextmanager
    def postgres(self) -> Iterator[PostgresDatabase]:
        """A fresh database, dropped afterwards."""
        if "postgres" not in self._made:
            self._admin("CREATE DATABASE base")
            self._fill(self._address("base"))
            self._made["postgres"] = "base"
        self._number += 1
        name = f"house_{self._number}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE base")
        database = PostgresDatabase(self._address(name))
        try:
            yield database
        finally:
            database.connection.close()
            self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def sqlite(self) -> Iterator[SqliteDatabase]:
        """A fresh file, removed afterwards."""
        base = self.folder / "base.sqlite3"
        if not base.exists():
            self._fill(f"sqlite:///{base}")
        self._number += 1
        home = self.folder / f"sqlite-{self._number}"
        home.mkdir()
        shutil.copy(base, home / "house.sqlite3")
        try:
            yield SqliteDatabase(home / "house.sqlite3")
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _fill(self, url: str) -> None:
        run_child("benchmarks.scene", "base", KSU_DATA_DIR=str(self.folder / "base"), DATABASE_URL=url)

    def _address(self, name: str) -> str:
        return f"{self.server.url.rpartition('/')[0]}/{name}"

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(statement.encode())
