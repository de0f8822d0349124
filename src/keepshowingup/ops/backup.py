"""Copying the database to a file, and putting such a copy in place.

What a backup does not know was sent since would be sent again. So a restored database is in safe mode from its first
moment: nothing is claimed until an operator says so (see ``resuming``).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.models import Max

from keepshowingup.core.errors import PartMissing, Refused, WrongUsage
from keepshowingup.delivery import breaker
from keepshowingup.delivery.highwater import read_marks
from keepshowingup.delivery.models import Breaker, Heartbeat, HighWater
from keepshowingup.delivery.safemode import FOR_EVER, stop_sending
from keepshowingup.ops.database import migrate, reason
from keepshowingup.ops.folder import sole_use

SQLITE_MARK, POSTGRES_MARK = b"SQLite format 3\0", b"PGDMP"
STILL_WARM = timedelta(seconds=30)
SAFE_MODE = "a backup was restored"


def backup(target: Path) -> int:
    """Write a consistent copy of the database, also while everything runs. Returns its size in bytes.

    The file appears whole or not at all, for our user's eyes only. Raises :class:`Refused` when it is there already.
    """
    if target.exists():
        raise Refused(f"{target} is there already. Choose another name.")
    if not target.parent.is_dir():
        raise WrongUsage(f"There is no folder {target.parent}. Make it first.")
    with _draft_beside(target) as draft:
        if _on_sqlite():
            _copy_sqlite(_sqlite_path(), draft)
        else:
            _postgres_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        _sync(draft)
        try:
            os.link(draft, target)
        except FileExistsError as error:
            raise Refused(f"{target} is there already. Choose another name.") from error
    _sync(target.parent)
    return target.stat().st_size


def restore(source: Path, real_now: datetime) -> None:
    """Put a backup in the place of the database, bring it up to date and into safe mode, all in one step.

    On SQLite the database that was there stays beside it. Raises :class:`Refused` while anything is running, and for
    a file that is no backup of this kind of database; the database is then untouched.
    """
    mark = _read_mark(source)
    wanted = SQLITE_MARK if _on_sqlite() else POSTGRES_MARK
    if not mark.startswith(wanted):
        kind = "SQLite" if _on_sqlite() else "PostgreSQL"
        raise Refused(f"{source} is no backup of a {kind} database. DATABASE_URL says the database is {kind}.")
    with sole_use(settings.DATA_DIR, patience=1):
        _refuse_while_warm(real_now)
        last_seen = _last_seen(real_now)
        if _on_sqlite():
            _restore_sqlite(source, real_now, last_seen)
        else:
            _restore_postgres(source)
            migrate()
            stop_sending(SAFE_MODE, real_now, until=last_seen)


def _last_seen(real_now: datetime) -> datetime:
    """When the database that is replaced last ticked, by itself or by the data folder; now, if neither says."""
    seen: list[datetime] = []
    try:
        seen += [mark.seen_at for mark in read_marks(settings.DATA_DIR).values()]
        seen += HighWater.objects.values_list("seen_at", flat=True)
    except (DatabaseError, PartMissing):
        pass  # broken or empty: the very reason to restore
    finally:
        connection.close()
    return max(seen, default=real_now)


def _on_sqlite() -> bool:
    return connection.vendor == "sqlite"


def _sqlite_path() -> Path:
    return Path(connection.settings_dict["NAME"])


def _read_mark(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise PartMissing(f"{source} can't be read: {error.strerror}.") from error


def _refuse_while_warm(real_now: datetime) -> None:
    try:
        last = Heartbeat.objects.aggregate(last=Max("seen_at"))["last"]
    except DatabaseError:
        return  # broken or empty: the very reason to restore
    finally:
        connection.close()
    if last and real_now - last < STILL_WARM:
        raise Refused(
            f"Something is running: it was last heard of {(real_now - last).total_seconds():.0f} seconds ago."
            " Stop beat and all workers, wait half a minute, and try again."
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise PartMissing(f"There is no database at {source}. Run `keepshowingup init` first.")
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            health = copy.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Refused(f"The copy of {source} could not be made: {error}.") from error
    if health != "ok":
        raise Refused(f"The copy of {source} is damaged: {health}.")


def _restore_sqlite(source: Path, real_now: datetime, last_seen: datetime) -> None:
    place = _sqlite_path()
    with _draft_beside(place) as draft:
        _copy_sqlite(source, draft)
        _make_safe(draft, real_now, last_seen)
        if place.exists():
            _close_for_good(place)
            place.rename(place.with_name(f"{place.name}.before-{real_now:%Y%m%d-%H%M%S}"))
        _sync(draft)
        draft.rename(place)
        _sync(place.parent)


def _make_safe(database: Path, real_now: datetime, last_seen: datetime) -> None:
    """Bring a database file that nobody uses yet up to date and into safe mode."""
    alias = "restoring"
    connections.databases[alias] = {**connections.databases["default"], "NAME": str(database)}
    try:
        call_command("migrate", database=alias, interactive=False, verbosity=0)
        stop_sending(SAFE_MODE, real_now, until=last_seen, using=alias)
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=DELETE")
    except DatabaseError as error:
        raise Refused(f"This backup can't be brought up to date: {reason(error)}.") from error
    finally:
        connections[alias].close()
        del connections[alias], connections.databases[alias]


def _close_for_good(database: Path) -> None:
    """Fold the write-ahead log in. SQLite refuses that while anybody has the database open, which is the test."""
    try:
        with closing(sqlite3.connect(database, timeout=2)) as live:
            live.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise Refused(f"Something still uses {database} ({error}). Stop web, beat and all workers first.") from error
    except sqlite3.DatabaseError:
        return  # it is damaged: set it aside as it is
    finally:
        connection.close()


def _restore_postgres(source: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        others = cursor.fetchone()[0]
    connection.close()
    if others:
        raise Refused(f"{others} other connections use this database. Stop web, beat and all workers first.")
    with TemporaryDirectory(dir=settings.DATA_DIR) as folder:
        script = Path(folder) / "restore.sql"
        _postgres_tool("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source), connects=False)
        with script.open("a") as file:
            file.write(
                f'\nINSERT INTO public."{Breaker._meta.db_table}" (transport, failures, open_until, reason) VALUES'
                f" ('{breaker.EVERYTHING}', 0, '{FOR_EVER.isoformat()}', '{SAFE_MODE}') ON CONFLICT (transport)"
                " DO UPDATE SET open_until = EXCLUDED.open_until, reason = EXCLUDED.reason;\n"
            )
        # One transaction from the old database to the new one in safe mode: a failure leaves the old one.
        _postgres_tool(
            "psql",
            *("--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"),
            *("--command=DROP SCHEMA public CASCADE; CREATE SCHEMA public", f"--file={script}"),
        )


def _postgres_tool(program: str, *arguments: str, connects: bool = True) -> None:
    found = shutil.which(program)
    if not found:
        raise PartMissing(f"{program} is not on PATH. Install PostgreSQL's client programs (postgresql-client).")
    done = subprocess.run(
        [found, *arguments],
        env={**os.environ, **(_postgres_environment(connection.settings_dict) if connects else {})},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise Refused(f"{program} refused: {said[0]}")


def _postgres_environment(database: Mapping[str, Any]) -> dict[str, str]:
    """How libpq's programs reach the database; the password stays out of the process list."""
    named = {
        "PGHOST": database["HOST"],
        "PGPORT": database["PORT"],
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGDATABASE": database["NAME"],
        "PGSSLMODE": database.get("OPTIONS", {}).get("sslmode"),
        "PGSSLROOTCERT": database.get("OPTIONS", {}).get("sslrootcert"),
    }
    return {name: str(value) for name, value in named.items() if value}


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    """A file on the same disk that is gone afterwards unless it was renamed; only we can read it."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    try:
        yield draft
    finally:
        for leftover in ("", "-wal", "-shm", "-journal"):
            draft.with_name(draft.name + leftover).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
