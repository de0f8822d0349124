"""How PostgreSQL is spoken to, so that a host that is cut off or gone keeps nobody waiting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.processes import environment

ASK = "import json; from keepshowingup.settings import DATABASES; print(json.dumps(DATABASES['default']['OPTIONS']))"


def options(folder: Path, url: str) -> dict[str, Any]:
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=environment(folder, DATABASE_URL=url), capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    said: dict[str, Any] = json.loads(asked.stdout)
    return said


def test_both_sides_notice_when_the_other_is_gone(tmp_path: Path) -> None:
    said = options(tmp_path, "postgres://maya@db.example/letters")
    assert said["tcp_user_timeout"] == 30_000
    assert said["keepalives_idle"] == 15
    assert "idle_in_transaction_session_timeout=15000" in said["options"]
    assert "tcp_keepalives_idle=15" in said["options"]


def test_what_the_operator_says_goes_first(tmp_path: Path) -> None:
    url = "postgres://maya@db.example/letters?tcp_user_timeout=5000&options=-c%20lock_timeout%3D9"
    said = options(tmp_path, url)
    assert int(said["tcp_user_timeout"]) == 5000
    assert said["options"] == "-c lock_timeout=9"
