"""A test that loses a race to the crowd is played once more, alone; a fault of the code still fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LOST_ONCE = """
import pathlib
import pytest

@pytest.mark.xdist_group("crowd")
@pytest.mark.parametrize("whom", ["maya@harbour"])
def test_it_is_lost_once(whom):
    played = pathlib.Path("played")
    first = not played.exists()
    played.touch()
    assert not first
"""
FAULT = """
def test_it_is_a_fault():
    assert False
"""
MANY = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it_is_not_the_crowd(number):
    assert False
"""


def played(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = xdist_group\n")
    (folder / "test_it.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "tests.again", "-p", "no:django", "-n", "1", "--dist", "loadgroup"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        | {"PYTEST_PLUGINS": "xdist"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_what_fails_once_is_named_though_it_passes(tmp_path: Path) -> None:
    run = played(tmp_path, LOST_ONCE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "FAILED IN THE CROWD" in run.stdout
    assert "test_it.py::test_it_is_lost_once[maya@harbour]\n" in run.stdout


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    run = played(tmp_path, FAULT)
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.count("1 failed") == 2


def test_when_much_fails_it_is_not_played_again(tmp_path: Path) -> None:
    run = played(tmp_path, MANY)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "Played once more" not in run.stdout
