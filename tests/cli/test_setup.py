"""Setting up, looking for faults, and keeping safe: each command as an operator would run it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.postgres import PostgresMissing, find_binaries, free_port, running_postgres
from tests.processes import READY, keepshowingup, set_up

# Every folder has a database of its own, whichever the suite is played on.
pytestmark = [pytest.mark.acceptance, pytest.mark.once]


def rows(folder: Path, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(folder / "keepshowingup.sqlite3")) as database:
        return database.execute(query, values).fetchall()


def change(folder: Path, query: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "keepshowingup.sqlite3")) as database, database:
        database.execute(query, values)


def findings(folder: Path, **environment: str) -> dict[str, dict[str, str]]:
    """What the doctor found, by what it looked at; a fault wins over a note."""
    done = keepshowingup(folder, "doctor", "--json", **environment)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == (1 if any(entry["state"] == "wrong" for entry in found) else 0), done.stderr
    order = ["well", "note", "wrong"]
    return {entry["what"]: entry for entry in sorted(found, key=lambda entry: order.index(entry["state"]))}


def test_init_makes_everything_and_says_the_password_once(tmp_path: Path) -> None:
    first = keepshowingup(tmp_path, *READY)
    assert first.returncode == 0, first.stderr
    assert "Password, shown once: " in first.stderr
    assert rows(tmp_path, "SELECT name, from_name, postal_address FROM editorial_masthead") == [
        ("Harbour letters", "Harbour letters", "12 Quay Street")
    ]
    assert rows(tmp_path, "SELECT email FROM auth_user") == [("ruth@harbour.example",)]
    hashed = rows(tmp_path, "SELECT password FROM auth_user")

    again = keepshowingup(tmp_path, *READY)
    assert again.returncode == 0
    assert "Password" not in again.stderr
    assert rows(tmp_path, "SELECT password FROM auth_user") == hashed


def test_init_again_changes_only_what_is_given(tmp_path: Path) -> None:
    set_up(tmp_path)
    assert keepshowingup(tmp_path, "init", "--from-address", "letters@harbour.example").returncode == 0
    assert rows(tmp_path, "SELECT name, from_address, postal_address FROM editorial_masthead") == [
        ("Harbour letters", "letters@harbour.example", "12 Quay Street")
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--from-address", "not an address"), 2),
        (("--email", "nobody"), 1),
        (("--email", "a@example.org", "--password", "short"), 1),
        (("--password", "long enough to be one"), 2),
        (("--name", "two\nlines"), 2),
        (("--nonsense",), 2),
    ],
)
def test_init_refuses_with_a_sentence(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = keepshowingup(tmp_path, "init", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_may_run_any_number_of_times(tmp_path: Path) -> None:
    assert "audience.0001_initial" in keepshowingup(tmp_path, "migrate").stderr
    assert "0 migrations run" in keepshowingup(tmp_path, "migrate").stderr


@pytest.mark.parametrize("command", ["web", "worker", "beat"])
def test_a_part_without_its_database_or_broker_says_so_and_leaves(tmp_path: Path, command: str) -> None:
    done = keepshowingup(tmp_path, command)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "keepshowingup" in done.stderr


def test_a_database_that_does_not_answer_is_exit_3_without_its_password(tmp_path: Path) -> None:
    address = f"postgres://ruth:hidden-word@127.0.0.1:{free_port()}/letters"
    for command in ("web", "worker", "migrate", "init", "health"):
        done = keepshowingup(tmp_path, command, DATABASE_URL=address)
        assert done.returncode == 3, command
        assert "DATABASE_URL" in done.stderr
        assert "hidden-word" not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


def test_a_broker_that_does_not_answer_is_exit_3_without_its_password(tmp_path: Path) -> None:
    set_up(tmp_path)
    for command in ("worker", "beat"):
        done = keepshowingup(tmp_path, command, REDIS_URL=f"redis://:hidden-word@127.0.0.1:{free_port()}/0")
        assert done.returncode == 3
        assert "REDIS_URL" in done.stderr
        assert "hidden-word" not in done.stderr


def test_up_says_which_port_is_taken_before_it_starts_anything(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option in ("--port", "--mailbox-port", "--smtp-port"):
            others = {"--port", "--mailbox-port", "--smtp-port"} - {option}
            free = [word for other in others for word in (other, str(free_port()))]
            done = keepshowingup(tmp_path, "up", option, str(port), *free)
            assert done.returncode == 3
            assert f"Port {port}" in done.stderr
            assert option in done.stderr
    assert not (tmp_path / "keepshowingup.sqlite3").exists()


def test_health_is_not_well_before_anything_has_run(tmp_path: Path) -> None:
    set_up(tmp_path)
    done = keepshowingup(tmp_path, "health", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
    status = keepshowingup(tmp_path, "status", "--json")
    assert status.returncode == 0
    assert json.loads(status.stdout)["due"] == 0
    assert "due now" in keepshowingup(tmp_path, "status").stdout


def test_the_doctor_is_content_with_a_folder_that_was_set_up(tmp_path: Path) -> None:
    set_up(tmp_path)
    found = findings(tmp_path)
    assert {what: entry["state"] for what, entry in found.items()} == {
        "data folder": "well",
        "database": "well",
        "broker": "well",
        "mail server": "note",
        "site": "note",
        "clock": "well",
        "masthead": "well",
        "help lines": "well",
    }


def test_the_doctor_finds_each_fault_and_says_how_to_mend_it(tmp_path: Path) -> None:
    assert findings(tmp_path)["database"]["mend"] == "Run `keepshowingup migrate`."
    assert keepshowingup(tmp_path, "migrate").returncode == 0
    assert "postal address" in findings(tmp_path)["masthead"]["sentence"]
    port = free_port()
    smtp = findings(tmp_path, SMTP_URL=f"smtp://ruth:hidden-word@127.0.0.1:{port}")["mail server"]
    assert smtp["state"] == "wrong"
    assert f"127.0.0.1:{port}" in smtp["sentence"]
    assert "hidden-word" not in json.dumps(smtp)
    assert findings(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}")["broker"]["state"] == "wrong"
    live = {"KSU_PRODUCTION": "1", "KSU_SECRET_KEY": "x" * 40}
    assert findings(tmp_path, **live)["site"]["mend"] == "Set KSU_BASE_URL to the site's https address."
    assert findings(tmp_path, **live)["mail server"]["state"] == "wrong"
    assert findings(tmp_path, KSU_CLOCK="rate=60")["clock"]["state"] == "note"
    assert findings(tmp_path, KSU_CLOCK="rate=60", **live)["clock"]["state"] == "wrong"
    (tmp_path / "help_now.toml").write_text("nonsense")
    assert findings(tmp_path)["help lines"]["state"] == "wrong"


def test_the_doctor_says_what_a_mail_server_offers(tmp_path: Path) -> None:
    from keepshowingup.ops.mailbox import Mailbox, smtp_door

    port = free_port()
    door = smtp_door(Mailbox(tmp_path / "mailbox"), "127.0.0.1", port)
    door.start()
    try:
        found = findings(tmp_path, SMTP_URL=f"smtp://127.0.0.1:{port}")["mail server"]
    finally:
        door.stop()
    assert found["state"] == "well"
    assert "SIZE" in found["sentence"]


def test_a_backup_is_whole_and_private_and_never_replaces_a_file(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy.bak"
    set_up(folder)
    done = keepshowingup(folder, "backup", str(copy))
    assert done.returncode == 0, done.stderr
    assert "secret-key" in done.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.bak", "data"]
    before = copy.read_bytes()
    assert keepshowingup(folder, "backup", str(copy)).returncode == 1
    assert copy.read_bytes() == before
    assert keepshowingup(folder, "backup", str(tmp_path / "no" / "folder")).returncode == 2


def test_a_restored_database_sends_nothing_until_somebody_says_so(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy.bak"
    set_up(folder)
    assert keepshowingup(folder, "backup", str(copy)).returncode == 0
    change(folder, "UPDATE editorial_masthead SET name = 'Changed since'")

    assert keepshowingup(folder, "restore", str(copy)).returncode == 1  # nobody said yes
    done = keepshowingup(folder, "restore", "--yes", str(copy))
    assert done.returncode == 0, done.stderr
    assert "resume-sending" in done.stderr
    assert rows(folder, "SELECT name FROM editorial_masthead") == [("Harbour letters",)]
    assert rows(folder, "SELECT transport FROM delivery_breaker") == [("*",)]
    assert findings(folder)["sending"]["state"] == "wrong"
    (aside,) = folder.glob("*.before-*")
    with closing(sqlite3.connect(aside)) as old:
        assert old.execute("SELECT name FROM editorial_masthead").fetchone() == ("Changed since",)

    assert keepshowingup(folder, "resume-sending").returncode == 0
    assert rows(folder, "SELECT transport FROM delivery_breaker") == []
    assert keepshowingup(folder, "resume-sending").returncode == 1


def test_an_empty_folder_can_be_restored_into(tmp_path: Path) -> None:
    copy = tmp_path / "copy.bak"
    set_up(tmp_path / "old")
    assert keepshowingup(tmp_path / "old", "backup", str(copy)).returncode == 0
    done = keepshowingup(tmp_path / "new", "restore", "--yes", str(copy))
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "new", "SELECT name FROM editorial_masthead") == [("Harbour letters",)]


def test_nothing_is_restored_over_something_that_runs(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy.bak"
    set_up(folder)
    assert keepshowingup(folder, "backup", str(copy)).returncode == 0
    with closing(sqlite3.connect(folder / "keepshowingup.sqlite3")) as somebody:
        somebody.execute("SELECT count(*) FROM auth_user").fetchall()
        done = keepshowingup(folder, "restore", "--yes", str(copy))
        assert done.returncode == 1
        assert "still uses" in done.stderr
    change(folder, "INSERT INTO delivery_heartbeat (part, seen_at) VALUES ('tick', strftime('%Y-%m-%d %H:%M:%f'))")
    done = keepshowingup(folder, "restore", "--yes", str(copy))
    assert done.returncode == 1
    assert "Something is running" in done.stderr
    assert rows(folder, "SELECT transport FROM delivery_breaker") == []


@pytest.mark.parametrize("content", [b"", b"PGDMP and more", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_backup_leaves_the_database_alone(tmp_path: Path, content: bytes) -> None:
    folder, wrong = tmp_path / "data", tmp_path / "wrong.bak"
    set_up(folder)
    wrong.write_bytes(content)
    done = keepshowingup(folder, "restore", "--yes", str(wrong))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert rows(folder, "SELECT name FROM editorial_masthead") == [("Harbour letters",)]
    assert rows(folder, "SELECT transport FROM delivery_breaker") == []
    assert sorted(path.name for path in folder.glob(".*")) == []


@pytest.mark.postgres
def test_backup_and_restore_on_postgresql(tmp_path: Path) -> None:
    try:
        with running_postgres(tmp_path / "postgres") as address:
            _postgresql_round_trip(tmp_path, address)
    except PostgresMissing as reason:
        missing(str(reason))


def _postgresql_round_trip(tmp_path: Path, address: str) -> None:
    import psycopg

    name = f"backup_{os.getpid()}"
    server = address.rpartition("/")[0]
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        folder, copy, database = tmp_path / "data", tmp_path / "copy.bak", f"{server}/{name}"
        here = {"DATABASE_URL": database, "PATH": f"{find_binaries()}:{os.environ['PATH']}"}
        assert keepshowingup(folder, *READY, **here).returncode == 0
        without = keepshowingup(folder, "backup", str(copy), DATABASE_URL=database, PATH="/nowhere")
        assert without.returncode == 3
        assert "pg_dump is not on PATH" in without.stderr
        done = keepshowingup(folder, "backup", str(copy), **here)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(database) as somebody:
            somebody.execute("UPDATE editorial_masthead SET name = 'Changed since'")
            somebody.commit()
            refused = keepshowingup(folder, "restore", "--yes", str(copy), **here)
            assert refused.returncode == 1
            assert "other connections" in refused.stderr
        damaged = tmp_path / "damaged.bak"
        damaged.write_bytes(copy.read_bytes()[:2000])
        assert keepshowingup(folder, "restore", "--yes", str(damaged), **here).returncode == 1
        with psycopg.connect(database) as somebody:
            assert somebody.execute("SELECT name FROM editorial_masthead").fetchall() == [("Changed since",)]
        done = keepshowingup(folder, "restore", "--yes", str(copy), **here)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(database) as somebody:
            assert somebody.execute("SELECT name FROM editorial_masthead").fetchall() == [("Harbour letters",)]
            assert somebody.execute("SELECT transport FROM delivery_breaker").fetchall() == [("*",)]
    finally:
        with psycopg.connect(address, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KSU_TICK", "often"),
        ("KSU_LEASE", "nan"),
        ("KSU_BATCH", "0"),
        ("KSU_MAILBOX_WEB_PORT", "8025.5"),
        ("KSU_PRODUCTION", "perhaps"),
        ("KSU_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "here"),
        ("DATABASE_URL", "postgres://us:secret@host:port/letters"),
    ],
)
def test_a_variable_that_makes_no_sense_stops_the_start_with_a_sentence(tmp_path: Path, name: str, value: str) -> None:
    done = keepshowingup(tmp_path, "status", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(name)
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_an_empty_database_is_said_to_be_empty(tmp_path: Path) -> None:
    for command in (("status",), ("health",), ("backup", str(tmp_path / "copy")), ("tick",)):
        done = keepshowingup(tmp_path, *command)
        assert done.returncode == 3
        assert done.stderr == "The database is empty. Run `keepshowingup init` first.\n"
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    set_up(tmp_path)
    example = Path(__file__).resolve().parents[2] / "examples" / "sequences" / "finding-your-people"
    assert keepshowingup(tmp_path, "sequence", "apply", str(example)).returncode == 0
    done = keepshowingup(tmp_path, "sequence", "export", "finding-your-people", "/proc/letters")
    assert done.returncode == 1
    assert done.stderr.startswith("/proc/letters can't be used: ")


def test_the_pages_do_not_share_a_port(tmp_path: Path) -> None:
    set_up(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        done = keepshowingup(tmp_path, "web", "--port", str(somebody.getsockname()[1]))
    assert done.returncode == 3
    assert "is taken" in done.stderr


def test_the_doctor_asks_every_transport_and_says_which_is_away(tmp_path: Path) -> None:
    from keepshowingup.ops.mailbox import Mailbox, smtp_door

    file, port, nobody = tmp_path / "transports.toml", free_port(), free_port()
    file.write_text(
        f'[[transport]]\nname = "main"\nurl = "smtp://127.0.0.1:{port}"\n'
        '[[transport]]\nname = "other"\nurl_env = "OTHER_RELAY"\nper_second = 5\n'
    )
    door = smtp_door(Mailbox(tmp_path / "mailbox"), "127.0.0.1", port)
    door.start()
    try:
        other = f"smtp://ruth:hidden-word@127.0.0.1:{nobody}"
        found = findings(tmp_path, KSU_TRANSPORTS=str(file), OTHER_RELAY=other)
    finally:
        door.stop()
    assert found["transport main"]["state"] == "well"
    assert found["transport other"]["state"] == "wrong"
    assert "hidden-word" not in json.dumps(found)
    assert "mail server" not in found


def test_a_mistake_in_the_file_of_transports_stops_every_command_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "transports.toml"
    file.write_text('[[transport]]\nname = "main"\nurl = "smtp://127.0.0.1"\nper_secnd = 5\n')
    done = keepshowingup(tmp_path, "doctor", KSU_TRANSPORTS=str(file))
    assert done.returncode == 2
    assert "nothing here is called per_secnd. Did you mean per_second?" in done.stderr
    assert "Traceback" not in done.stderr
    assert keepshowingup(tmp_path, "status", KSU_TRANSPORTS=str(tmp_path / "nothing.toml")).returncode == 3
