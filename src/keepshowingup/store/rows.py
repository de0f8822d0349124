"""Rows by the hundred, in one statement: what is written once for each letter sent.

An UPDATE for each row through the ORM costs ten times as much, ``bulk_update`` twenty-five times. PostgreSQL takes the
rows as arrays; SQLite lives in this process, so there a prepared statement for each row is as quick.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

from django.db import connection
from django.db.models import Field, Model

from keepshowingup.store.among import array_literal

Value = int | str | datetime | None
Row = Sequence[object]


def update_rows(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    same: Mapping[str, Value] | None = None,
    expecting: Sequence[str] = (),
    where: str = "TRUE",
) -> set[int]:
    """Update rows by primary key, each with its own values: (key, values of ``expecting`` …, values of ``columns`` …).

    ``same`` are values for all of them. A row is changed only if the columns in ``expecting`` are as given and
    ``where``, SQL over ``mine``, is true. Returns the keys of those that were.
    """
    rows, same = list(rows), same or {}
    if not rows:
        return set()
    table, expected = _quoted(model._meta.db_table), [_quoted(name) for name in ("id", *expecting)]
    changed = [_quoted(name) for name in (*same, *columns)]
    if connection.vendor == "postgresql":
        given = [f"new_{place}" for place in range(len(columns))]
        alike = " AND ".join(f"mine.{name} = given.{name}" for name in expected)
        pairs = _pairs(changed, [*["%s"] * len(same), *(f"given.{name}" for name in given)])
        sql = (
            f"UPDATE {table} AS mine SET {pairs} FROM unnest({_arrays(model, ('id', *expecting, *columns))})"
            f" AS given ({', '.join((*expected, *given))}) WHERE {alike} AND {where} RETURNING mine.id"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [*same.values(), *_by_column(rows)])
            return {key for (key,) in cursor.fetchall()}
    first = len(expected) + 1
    places = [f"?{place}" for place in range(first, first + len(same) + len(columns))]
    places = [*places[len(columns) :], *places[: len(columns)]]
    alike = " AND ".join(f"mine.{name} = ?{place}" for place, name in enumerate(expected, 1))
    sql = f"UPDATE {table} AS mine SET {_pairs(changed, places)} WHERE {alike} AND {where}"
    ours = _kept(tuple(same.values()))
    with _sqlite() as execute:
        return {row[0] for row in rows if execute(sql, [*_kept(row), *ours]).rowcount}  # type: ignore[misc]


def insert_rows(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    same: Mapping[str, Value] | None = None,
    known_by: str = "",
) -> dict[object, int]:
    """Insert rows; those that meet a constraint are left out. ``same`` are values for all of them.

    ``known_by`` names a column whose values are all different: the answer maps them to the new keys.
    """
    rows, same = list(rows), same or {}
    if not rows:
        return {}
    into = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(map(_quoted, (*columns, *same)))})"
    otherwise = f" ON CONFLICT DO NOTHING RETURNING {_quoted(known_by)}, id" if known_by else " ON CONFLICT DO NOTHING"
    if connection.vendor == "postgresql":
        alike = "".join(f", %s::{_type(model, name)}" for name in same)
        sql = f"{into} SELECT given.*{alike} FROM unnest({_arrays(model, columns)}) AS given{otherwise}"
        with connection.cursor() as cursor:
            cursor.execute(sql, [*same.values(), *_by_column(rows)])
            return dict(cursor.fetchall()) if known_by else {}
    sql = f"{into} VALUES ({', '.join('?' * (len(columns) + len(same)))}){otherwise}"
    ours = _kept(tuple(same.values()))
    with _sqlite() as execute:
        answers = [execute(sql, [*_kept(row), *ours]).fetchall() for row in rows]
    return dict(answer for some in answers for answer in some)


def _pairs(columns: Sequence[str], values: Sequence[str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in zip(columns, values, strict=True))


def _by_column(rows: Sequence[Row]) -> list[str]:
    return [array_literal(column) for column in zip(*rows, strict=True)]


def _arrays(model: type[Model], columns: Sequence[str]) -> str:
    return ", ".join(f"%s::{_type(model, name)}[]" for name in columns)


@cache
def _type(model: type[Model], column: str) -> str:
    """The column's type. Words become ``text``: a cast to ``varchar(60)`` would cut what is too long without a word."""
    kind = _field(model, column).db_type(connection) or "text"
    return "text" if kind.startswith("varchar") else kind


def _field(model: type[Model], column: str) -> Field[object, object]:
    return next(field for field in model._meta.concrete_fields if field.column == column)


@contextmanager
def _sqlite() -> Iterator[Callable[[str, Row], sqlite3.Cursor]]:
    """SQLite's own ``execute``: Django's reads each statement again and keeps a list of them."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        yield connection.connection.execute


def _kept(row: Row) -> list[object]:
    """Values as Django keeps them in SQLite: moments as UTC without their zone."""
    return [_kept_value(value) for value in row]


def _kept_value(value: object) -> object:
    return str(value.astimezone(UTC).replace(tzinfo=None)) if isinstance(value, datetime) else value


@cache
def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
