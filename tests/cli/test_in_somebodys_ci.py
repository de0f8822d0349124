"""The GitHub Actions job of docs/sequences-as-code.md: what it runs works where there is nothing but the folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "sequences-as-code.md"
EXAMPLES = ROOT / "examples" / "sequences"


def workflow() -> str:
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def run_lines() -> list[str]:
    (job,) = YAML(typ="safe").load(workflow())["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Somebody's repository, which has nothing of ours but two sequences."""
    for name in ("hellos", "more-hellos"):
        folder = tmp_path / "sequences" / name
        folder.mkdir(parents=True)
        for file in (EXAMPLES / "finding-your-people").iterdir():
            text = file.read_text().replace('slug = "finding-your-people"', f'slug = "{name}"')
            (folder / file.name).write_text(text)
    return tmp_path


def on_a_runner(line: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run it with no setting, no secret and no network: cut off where we may, and by a proxy that is not there."""
    nowhere = "http://127.0.0.1:9"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(checkout),
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), nowhere),
    }
    may_cut_off = os.geteuid() == 0 and subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    command = [
        *(["unshare", "-n"] if may_cut_off else []),
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        line,
    ]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)


def test_the_job_is_one_by_githubs_own_schema(tmp_path: Path) -> None:
    (tmp_path / "letters.yml").write_text(workflow())
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "letters.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_job_runs_without_database_network_settings_and_secrets(checkout: Path) -> None:
    before = sorted(path for path in checkout.rglob("*"))
    for line in run_lines():
        done = on_a_runner(line, checkout)
        assert done.returncode == 0, done.stderr
    assert "sequences/more-hellos/ is in order." in done.stderr.replace("more-hellos is", "more-hellos/ is")
    assert sorted(path for path in checkout.rglob("*") if ".cache" not in path.parts) == before


def test_the_job_fails_with_file_line_and_column(checkout: Path) -> None:
    letter = checkout / "sequences" / "more-hellos" / "01-one-person.md"
    letter.write_text(letter.read_text().replace("first_name", "frist_name"))
    done = on_a_runner(run_lines()[-1], checkout)
    assert done.returncode == 1
    assert done.stdout.startswith("sequences/more-hellos/01-one-person.md:7:24: There is no merge field 'frist_name'.")
