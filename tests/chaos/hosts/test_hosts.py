"""Three hosts, briefly. `make hosts` plays more readers, and cuts a host off from the database alone as well."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.chaos.hosts.lan import UNSHARED, what_is_missing, what_the_kernel_refuses
from tests.chaos.hosts.runs import play_hosts
from tests.conftest import missing
from tests.postgres import PostgresMissing, find_binaries
from tests.processes import eventually, processes_about

# The time limit is for what never comes; alone on two cores it takes a minute or two.
pytestmark = [pytest.mark.acceptance, pytest.mark.postgres, pytest.mark.xdist_group("chaos")]
READERS, STEPS = 40, 2


@pytest.mark.timeout(3600)
def test_nothing_is_lost_or_sent_twice_when_a_host_is_cut_off_one_dies_and_one_joins() -> None:
    _need_hosts()
    try:
        find_binaries()
    except PostgresMissing as nowhere:
        missing(str(nowhere))
    row = play_hosts(1, READERS, STEPS)
    assert row.faults == [], f"the records are in {row.kept_in}"
    assert row.came > 0.5 * READERS * STEPS, "too few letters to show anything"
    assert row.harm == 2
    assert row.unknown_by_loss > 0, "the host that died had letters in hand, and they are in doubt"


def test_whatever_runs_in_the_namespaces_ends_with_the_process_that_made_them(tmp_path: Path) -> None:
    _need_hosts()
    nested = [*UNSHARED, *UNSHARED, "sleep", "600"]
    outer = subprocess.Popen(nested, env={**os.environ, "KSU_DATA_DIR": str(tmp_path)})
    eventually(lambda: any(line == "sleep 600" for line in processes_about(tmp_path).values()), "the inner one to run")
    outer.kill()
    outer.wait()
    eventually(lambda: not processes_about(tmp_path), "everything to be gone")


def _need_hosts() -> None:
    """What is missing can be installed, and in CI is; a kernel is what it is."""
    if reason := what_is_missing():
        missing(reason.rstrip("."))
    if reason := what_the_kernel_refuses():
        pytest.skip(reason)
