"""Running a Python module in a process of its own, with the product's settings of one house."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.figures import NotMeasured

ROOT = Path(__file__).resolve().parents[1]
OURS = ("KSU_", "ANYMAIL_", "DATABASE_URL", "REDIS_URL", "SMTP_URL", "DJANGO_SETTINGS_MODULE")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without a word about other houses."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return plain | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
        "KSU_SECRET_KEY": "a key for benchmarks, of more than enough length",
        **more,
    }


LONGEST = 1800.0


def run_child(module: str, *arguments: object, **more: str) -> Any:
    """Run ``python -m module`` with ``more`` in its environment; its last line on stdout, read as JSON.

    Raises :class:`NotMeasured` with its last words when it fails, or does not end within half an hour.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"{module} did not end within {LONGEST:.0f} seconds.") from error
    if done.returncode:
        raise NotMeasured(f"{module} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else None
