"""The database's own refusal to change or delete lines of the logbook, on SQLite and on PostgreSQL.

Whoever owns the database can take the guard down; the chain of digests then shows what was done (see ``noting``).
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_SENTENCE = "A line of the logbook is never changed or deleted."
_POSTGRES_UP = f"""
CREATE OR REPLACE FUNCTION logbook_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$;
CREATE TRIGGER logbook_stays BEFORE UPDATE OR DELETE ON logbook_entry
FOR EACH ROW EXECUTE FUNCTION logbook_stays();
"""
_POSTGRES_DOWN = "DROP TRIGGER logbook_stays ON logbook_entry; DROP FUNCTION logbook_stays();"


def put_up(connection: BaseDatabaseWrapper) -> None:
    """From now on the database refuses; inside the caller's transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_UP)
            return
        for act in ("update", "delete"):
            cursor.execute(
                f"CREATE TRIGGER logbook_no_{act} BEFORE {act.upper()} ON logbook_entry "
                f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
            )


def take_down(connection: BaseDatabaseWrapper) -> None:
    """The guard is gone; for going back behind the migration that put it up, and for tests that empty their tables."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_DOWN)
            return
        for act in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS logbook_no_{act}")
