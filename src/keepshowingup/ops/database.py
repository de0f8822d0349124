"""Whether the database is there and up to date, and bringing it there."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from keepshowingup.core.errors import PartMissing


def need_database() -> None:
    """Raise :class:`PartMissing` unless the database answers and has tables. Works before ``django.setup()``."""
    try:
        connection.ensure_connection()
    except (DatabaseError, OSError) as error:
        raise PartMissing(
            f"The database does not answer: {reason(error)}. Start it, or correct DATABASE_URL."
        ) from error
    try:
        # Past Django's own cursor, which warns while the apps are not loaded; loading them here would cost a second.
        with connection.wrap_database_errors:
            connection.connection.execute("SELECT 1 FROM django_migrations")
    except DatabaseError as error:
        raise PartMissing("The database is empty. Run `keepshowingup init` first.") from error
    finally:
        connection.close()


def reason(error: BaseException) -> str:
    """The one line of a driver's message that tells; drivers never put passwords into it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def pending_migrations() -> list[str]:
    """Names of the migrations that have not been run, in order."""
    executor = MigrationExecutor(connection)
    return [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def migrate(*, verbosity: int = 0) -> list[str]:
    """Bring the database up to date; which migrations that took. :class:`PartMissing` when it does not answer."""
    from django.core.management import call_command

    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        pending = pending_migrations()
        if pending:
            call_command("migrate", interactive=False, verbosity=verbosity)
    except DatabaseError as error:
        raise PartMissing(
            f"The database can't be brought up to date: {reason(error)}. Correct DATABASE_URL."
        ) from error
    finally:
        connections.close_all()
    return pending
