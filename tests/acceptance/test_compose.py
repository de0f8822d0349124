"""The compose file: valid, closed to the outside, and every service's command does run."""

from __future__ import annotations

import http.client
import json
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from keepshowingup.ops import broker
from tests.conftest import missing
from tests.postgres import PostgresMissing, free_port, running_postgres
from tests.processes import PROGRAM, environment, eventually, keepshowingup

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
IMAGES_OF_OTHERS = {"postgres", "valkey"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    with FILE.open() as file:
        return dict(YAML(typ="safe").load(file)["services"])


def test_the_compose_file_is_valid() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_pages_are_published_and_only_to_this_machine(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"web", "mailbox"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert services["mailbox"]["profiles"] == ["dev"]
    for name in IMAGES_OF_OTHERS:
        assert services[name]["networks"] == ["inside"]


def test_every_service_that_stays_is_watched_and_started_again(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_no_secret_stands_in_the_environment(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable for word in ("SECRET", "PASSWORD", "DATABASE_URL", "SMTP_URL")):
                assert variable.endswith("_FILE")
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]


def test_the_broker_has_the_same_promises_as_the_embedded_one(services: dict[str, dict[str, Any]]) -> None:
    ours = broker.server_command(Path("valkey-server"), Path("/data"))
    theirs = services["valkey"]["command"]
    for option in ("--appendonly", "--appendfsync", "--save", "--maxmemory-policy"):
        assert theirs[theirs.index(option) + 1] == ours[ours.index(option) + 1], option


def test_the_image_is_built_from_files_that_are_there_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, allowed) for allowed in let_in), source
    assert [line for line in lines if line.startswith("USER ")] == ["USER keepshowingup"]
    assert any("--require-hashes" in line for line in lines)


@contextmanager
def rehearse(
    command: list[str], variables: dict[str, str], folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """One service as a process: its own command and environment, in a folder of this test."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PROGRAM, *command], env=environment(folder, **variables), stdout=output, stderr=output
        )
    try:
        yield process
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert code in {0, -signal.SIGTERM}, log.read_text()


@contextmanager
def rehearsed_valkey(command: list[str], folder: Path) -> Iterator[str]:
    folder.mkdir()
    # A unix socket in the place of the network between containers.
    process = subprocess.Popen(
        [broker.find_server(), *command[1:], "--port", "0", "--unixsocket", folder / "v.sock", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    url = f"unix://{folder / 'v.sock'}"
    try:
        eventually(lambda: broker.answers(url, folder), "valkey answers")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.acceptance
@pytest.mark.once
@pytest.mark.postgres
def test_every_service_runs(tmp_path: Path, services: dict[str, dict[str, Any]]) -> None:
    try:
        with (
            running_postgres(tmp_path / "postgres") as database,
            rehearsed_valkey(services["valkey"]["command"], tmp_path / "valkey") as valkey,
        ):
            _rehearse_all(tmp_path, services, database, valkey)
    except PostgresMissing as reason:
        missing(str(reason))


def _rehearse_all(tmp_path: Path, services: dict[str, dict[str, Any]], database: str, valkey: str) -> None:
    ports = {"8000": free_port(), "1025": free_port(), "8025": free_port()}
    secrets = {
        "secret_key": "a key of more than thirty-two characters\n",
        "database_url": f"{database}\n",
        "smtp_url": f"smtp://127.0.0.1:{ports['1025']}\n",
    }
    for name, content in secrets.items():
        (tmp_path / name).write_text(content)
    folder = tmp_path / "data"

    def variables(name: str) -> dict[str, str]:
        """The service's environment with this test's addresses."""
        found = {
            key: str(value).replace("/run/secrets", str(tmp_path))
            for key, value in services[name]["environment"].items()
        }
        defaults = {
            key: value.partition(":-")[2].rstrip("}") if value.startswith("${") else value
            for key, value in found.items()
        }
        return {**defaults, "REDIS_URL": valkey, "KSU_BASE_URL": f"http://127.0.0.1:{ports['8000']}"}

    def command(name: str) -> list[str]:
        words = {"0.0.0.0": "127.0.0.1", **{port: str(ours) for port, ours in ports.items()}}
        return [words.get(word, word) for word in services[name]["command"]]

    migrated = keepshowingup(folder, *command("migrate"), **variables("migrate"))
    assert migrated.returncode == 0, migrated.stderr

    def service(name: str) -> Any:
        return rehearse(command(name), variables(name), folder, tmp_path / f"{name}.log")

    with (
        service("mailbox"),
        service("web"),
        service("worker-letters"),
        service("worker-notices"),
        service("beat"),
    ):
        eventually(lambda: _http(ports["8000"]) == 200, "the join page is there")
        eventually(lambda: _http(ports["8025"]) == 200, "the inbox is there")
        eventually(lambda: _smtp(ports["1025"]), "the inbox takes letters")
        eventually(lambda: _heard_of(folder, variables("web")), "beat and workers have ticked")


def _http(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _smtp(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            return smtp.noop()[0] == 250
    except OSError:
        return False


def _heard_of(folder: Path, variables: dict[str, str]) -> bool:
    done = keepshowingup(folder, "health", "--json", **variables)
    return "tick" in json.loads(done.stdout)["heartbeats"] and done.returncode == 0
