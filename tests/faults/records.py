"""What the database says, asked past the product: plain SQL over a connection of the test's own."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg

# One lock that a test holds while it wants somebody to wait inside a transaction.
GATE = 7_340_001
# A trigger that takes longer than any test: nobody gets past it alive.
ENDLESS = "SELECT count(*) FROM faults_many a, faults_many b, faults_many c, faults_many d, faults_many e"


class Letter(NamedTuple):
    """One dispatch, and when its reader's next letter is due (None: none is planned)."""

    email: str
    step: str
    state: str
    reason: str
    attempts: int
    crashes: int
    fence: int
    message_id: str
    plan: str
    next_due: object


LETTERS = """
SELECT s.email, d.step_key, d.state, d.reason, d.attempts, d.crashes, d.fence, d.message_id,
       coalesce(e.state, ''), e.due_at
FROM delivery_dispatch d JOIN audience_subscriber s ON s.id = d.subscriber_id
LEFT JOIN cadence_enrolment e ON e.id = d.enrolment_id ORDER BY d.due_at, d.id
"""

STATES = """
SELECT d.state, count(*) FROM delivery_dispatch d JOIN audience_subscriber s ON s.id = d.subscriber_id
WHERE s.email LIKE ? GROUP BY d.state
"""


class Records:
    """A database by its URL: ``sqlite:///…`` or ``postgres://…``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.on_postgres = not url.startswith("sqlite")
        self._kept: Any = None

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """A connection that commits each statement by itself."""
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def _connect(self) -> Any:
        if self.on_postgres:
            return psycopg.connect(self.url, autocommit=True, connect_timeout=5)
        path = Path(urlsplit(self.url).path)
        assert path.exists(), path
        return sqlite3.connect(path, isolation_level=None, timeout=20)

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The answer to a question; each ``?`` stands for a value."""
        self._kept = self._kept or self._connect()
        try:
            return self._kept.execute(self._spoken(question), values).fetchall()  # type: ignore[no-any-return]
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the database."""
        if self._kept:
            self._kept.close()
            self._kept = None

    def do(self, statement: str, *values: object) -> None:
        """Change something behind the product's back."""
        with self.connected() as connection:
            connection.execute(self._spoken(statement), values)

    def _spoken(self, sql: str) -> str:
        return sql.replace("?", "%s") if self.on_postgres else sql

    def letters(self, prefix: str = "") -> list[Letter]:
        """Every dispatch to readers whose address begins like this."""
        return [letter for row in self.rows(LETTERS) if (letter := Letter(*row)).email.startswith(prefix)]

    def states(self, prefix: str = "") -> Counter[str]:
        """How many letters stand where."""
        return Counter(dict(self.rows(STATES, f"{prefix}%")))

    def last_tick(self) -> object:
        """When the last tick began, by its own word."""
        return next((row[0] for row in self.rows("SELECT seen_at FROM delivery_heartbeat WHERE part = 'tick'")), None)

    @contextmanager
    def gate_before_insert(self, table: str) -> Iterator[Callable[[], bool]]:
        """Whoever inserts into ``table`` stays in the middle of that transaction; yields whether somebody does.

        On PostgreSQL they go on when the gate opens at the end. On SQLite they never do: they have to be killed.
        """
        if self.on_postgres:
            with self.connected() as connection:
                connection.execute(f"SELECT pg_advisory_lock({GATE})")
                connection.execute(
                    "CREATE OR REPLACE FUNCTION faults_wait() RETURNS trigger LANGUAGE plpgsql AS"
                    f" $$ BEGIN PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW; END $$"
                )
                connection.execute(
                    f"CREATE TRIGGER faults_gate BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION faults_wait()"
                )
                try:
                    yield self.somebody_waits
                finally:
                    connection.execute(f"SELECT pg_advisory_unlock({GATE})")
                    connection.execute(f"DROP TRIGGER faults_gate ON {table}")
            return
        self.do("CREATE TABLE IF NOT EXISTS faults_many AS SELECT a.id FROM django_migrations a, django_migrations b")
        self.do(f"CREATE TRIGGER faults_gate BEFORE INSERT ON {table} BEGIN {ENDLESS}; END")
        try:
            yield self.is_held
        finally:
            self.do("DROP TRIGGER faults_gate")

    def somebody_waits(self) -> bool:
        """PostgreSQL: whether a session waits at the gate."""
        return bool(self.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))

    def is_held(self) -> bool:
        """SQLite: whether somebody holds the write lock, and not only for the blink of an ordinary transaction."""
        with self.connected() as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            for _ in range(30):
                with suppress(sqlite3.OperationalError):
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("ROLLBACK")
                    return False
                time.sleep(0.02)
        return True

    @contextmanager
    def nobody_writes(self, table: str) -> Iterator[None]:
        """Hold a lock that keeps everybody else from writing to ``table``; on SQLite, to anything."""
        with self.connected() as connection:
            connection.execute("BEGIN" if self.on_postgres else "BEGIN IMMEDIATE")
            if self.on_postgres:
                connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield
            connection.execute("ROLLBACK")
