"""The product's own settings in a folder of their own, on SQLite, or on PostgreSQL with ``KSU_TEST_ON=postgres``."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="ksu-test-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
(_folder / "static").mkdir()  # WhiteNoise warns when there is none
os.environ["KSU_DATA_DIR"] = str(_folder)
os.environ["KSU_SECRET_KEY"] = "a key for tests, of more than enough length"
for name in ("KSU_CLOCK", "KSU_PRODUCTION", "KSU_TICK", "KSU_BASE_URL", "KSU_TRANSPORTS"):
    os.environ.pop(name, None)
for name in ("REDIS_URL", "SMTP_URL", "DATABASE_URL"):
    os.environ.pop(name, None)

if os.environ.get("KSU_TEST_ON") == "postgres":
    if "KSU_TEST_DATABASE_URL" not in os.environ:
        from tests.postgres import running_postgres

        # Processes of pytest-xdist inherit the address, so there is one server for all of them.
        _server = running_postgres(_folder / "postgres")
        os.environ["KSU_TEST_DATABASE_URL"] = _server.__enter__()
        atexit.register(_server.__exit__, None, None, None)
    os.environ["DATABASE_URL"] = os.environ["KSU_TEST_DATABASE_URL"]

from keepshowingup.settings import *  # noqa: E402, F403
from keepshowingup.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: an in-memory database has other locks.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0

# In production a password takes a while on purpose, and in tests somebody signs in all the time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
