"""New rows by the ten thousand, the way that is fastest on each of the two databases. No object is made for a row.

Values are handed over column by column, named as the model names them. All of it belongs inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

from django.db import connection
from django.db.models import CharField, Field, Model

Columns = Mapping[str, Iterable[Any]]

# SQLite's own 2 MB hold a fraction of the two indexes that every new reader lands in at random: each page would be
# read again and written out at once. In KiB, and in pages of 4 KiB.
CACHE_KIB = 64 * 1024
WRITTEN_BACK_AFTER = 16_000

# Rows sent to PostgreSQL at once.
PIECE = 1000


def works_elsewhere() -> bool:
    """Whether the database is another process, so that this one has its hands free while rows are written."""
    return connection.vendor == "postgresql"


@contextmanager
def room_for_many() -> Iterator[None]:
    """Give SQLite the memory to write a great deal, for as long as this lasts."""
    if works_elsewhere():
        yield
        return
    wanted = {"cache_size": -CACHE_KIB, "wal_autocheckpoint": WRITTEN_BACK_AFTER}
    with connection.cursor() as cursor:
        before = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
        try:
            for name, value in wanted.items():
                cursor.execute(f"PRAGMA {name} = {value}")
            yield
        finally:
            for name, value in before.items():
                cursor.execute(f"PRAGMA {name} = {value}")


def take_turns(model: type[Model]) -> None:
    """Wait until nobody else who calls this writes many rows of the model, and keep them waiting.

    Two imports that meet the same people in another order would else lock each other out for good.
    """
    if works_elsewhere():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s::regclass::oid::int, 0)", [_table(model)])


def reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """Ids for so many new rows, ascending; nobody else gets them."""
    with connection.cursor() as cursor:
        if works_elsewhere():
            cursor.execute(
                "SELECT array_agg(nextval(counter)) FROM generate_series(1, %s),"
                " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS counter OFFSET 0) AS ours",
                [count, _table(model)],
            )
            return cast("list[int]", cursor.fetchone()[0] or [])
        # SQLite lets one connection write at a time, and until the transaction ends that is this one.
        cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        last = cursor.fetchone()[0] or 0
        return range(last + 1, last + 1 + count)


def insert(model: type[Model], columns: Columns) -> None:
    """Insert rows. Every column that may not be empty must be there: a model's defaults are not filled in.

    Raises :class:`django.db.IntegrityError` where a row meets another.
    """
    names = ", ".join(_quoted(str(field.column)) for field in _fields(model, columns))
    values = _stored(model, columns, str if works_elsewhere() else None)
    with connection.cursor() as cursor:
        if works_elsewhere():
            copying = f"COPY {_table(model)} ({names}) FROM STDIN"
            lines = zip(*values, strict=True)
            with connection.wrap_database_errors, cursor.copy(copying) as copy:
                # In pieces: the server takes one in while the next is put together.
                while piece := list(islice(lines, PIECE)):
                    copy.write(_copy_text(piece))
        else:
            marks = ", ".join(["%s"] * len(values))
            # Names come from the models, values are passed beside the statement.
            statement = f"INSERT INTO {_table(model)} ({names}) VALUES ({marks})"
            cursor.executemany(statement, list(zip(*values, strict=True)))


def _fields(model: type[Model], columns: Iterable[str]) -> list[Field[Any, Any]]:
    return [cast("Field[Any, Any]", model._meta.get_field(name)) for name in columns]


def _table(model: type[Model]) -> str:
    return _quoted(model._meta.db_table)


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _stored(model: type[Model], columns: Columns, form: Callable[[object], str] | None = None) -> list[Iterable[Any]]:
    """The columns as the driver takes them, numbers and moments in this form."""
    return [_column(field, columns[field.name], form) for field in _fields(model, columns)]


def _column(field: Field[Any, Any], values: Iterable[Any], form: Callable[[object], str] | None) -> Iterable[Any]:
    if isinstance(field, CharField):
        return values
    if field.primary_key or field.is_relation:
        return map(form, values) if form else values
    prepared: dict[Any, Any] = {}  # moments and times repeat
    for value in (kept := list(values)):
        if value not in prepared:
            stored = field.get_db_prep_save(value, connection)
            prepared[value] = form(stored) if form else stored
    return map(prepared.__getitem__, kept)


# What has a meaning in COPY's text format.
_MEANT = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _copy_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows as the lines of COPY's text format; no value may be missing."""
    text = _joined(rows)
    plain = text.count("\n") == len(rows) and text.count("\t") == len(rows) * (len(rows[0]) - 1)
    if plain and "\\" not in text and "\r" not in text:
        return text
    return _joined([[value.translate(_MEANT) for value in row] for row in rows])


def _joined(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([*map("\t".join, rows), ""])
