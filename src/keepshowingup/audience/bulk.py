"""Writing many rows without a model object for each: several times faster than ``bulk_create``, on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model


def write_rows(
    model: type[Model],
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    unique: str = "",
    overwrite: Sequence[str] = (),
) -> None:
    """Insert rows whose values stand in the order of ``names``; call inside a transaction.

    A row that meets another with the same ``unique`` column is dropped, or changes the columns ``overwrite`` of that
    one. Every column that may not be empty must be named: a model's defaults are not filled in.
    """
    fields = [cast("Field[Any, Any]", model._meta.get_field(name)) for name in names]
    quote = connection.ops.quote_name
    columns = [quote(str(field.column)) for field in fields]
    conflict = ""
    if unique:
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in overwrite)
        conflict = f" ON CONFLICT ({quote(unique)}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"
    # Moments and times repeat: each is put into the database's form once.
    forms: dict[tuple[int, object], Any] = {}

    def stored(position: int, value: object) -> Any:
        if isinstance(value, (str, int)):
            return value
        if (position, value) not in forms:
            forms[position, value] = fields[position].get_db_prep_save(value, connection)
        return forms[position, value]

    marks = ", ".join(["%s"] * len(columns))
    # Names come from the models, values are passed beside the statement.
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(columns)}) VALUES ({marks}){conflict}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[stored(*cell) for cell in enumerate(row)] for row in rows])
