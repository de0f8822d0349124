"""The embedded broker keeps its tasks through a crash, runs once per folder, and is found by everybody."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from kombu import Connection

from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.ops import broker
from tests.processes import eventually
from tests.valkey import Valkey, running_valkey


def test_tasks_survive_a_killed_broker(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey:
        with Connection(broker.broker_url("", tmp_path)) as connection:
            queue = connection.SimpleQueue("letters")
            for number in range(20):
                queue.put(number)
            queue.close()
        valkey.stop(signal.SIGKILL)
        valkey.start()
        with Connection(broker.broker_url("", tmp_path)) as connection:
            queue = connection.SimpleQueue("letters")
            assert sorted(queue.get(timeout=5).payload for _ in range(20)) == list(range(20))
            queue.close()


def test_it_never_forgets_to_make_room_and_listens_to_nobody_else(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        wanted = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "port": "0",
            "save": "",
        }
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
        socket_file = broker.socket_path(tmp_path)
        assert stat.S_IMODE(socket_file.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700


def test_a_second_broker_on_the_same_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PATIENCE", 0.1)
    with running_valkey(tmp_path), pytest.raises(PartMissing, match="Another broker runs"):
        broker.become_broker(tmp_path)


def test_a_new_broker_waits_until_the_old_one_has_ended(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as old:
        new = subprocess.Popen(
            [sys.executable, "-m", "keepshowingup.ops.broker", str(tmp_path)],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        old.stop()
        eventually(lambda: broker.answers("", tmp_path), "the new broker answers")
        assert new.poll() is None
        Valkey(tmp_path, new).stop()


def test_a_deep_data_folder_gets_a_short_socket_that_works(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    where = broker.socket_path(deep)
    assert len(os.fsencode(where)) <= broker.LONGEST_SOCKET_PATH
    with running_valkey(deep):
        assert broker.answers("", deep)
    shutil.rmtree(where.parent)


def test_somebody_elses_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(PartMissing, match="belongs to somebody else"):
        broker.private_folder(tmp_path / "link")


@pytest.mark.parametrize(
    ("configured", "for_redis", "for_celery"),
    [
        ("redis://:pw@host:6379/2", "redis://:pw@host:6379/2", "redis://:pw@host:6379/2"),
        ("rediss://host/0", "rediss://host/0", "rediss://host/0"),
        ("unix:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=0"),
        ("unix://:pw@/run/v.sock?db=3", "unix://:pw@/run/v.sock?db=3", "redis+socket://:pw@/run/v.sock?virtual_host=3"),
        ("redis+socket:///v.sock?virtual_host=1", "unix:///v.sock?db=1", "redis+socket:///v.sock?virtual_host=1"),
        ("/run/v.sock", "unix:///run/v.sock?db=0", "redis+socket:///run/v.sock?virtual_host=0"),
    ],
)
def test_every_form_of_redis_url_is_read_by_both_clients(configured: str, for_redis: str, for_celery: str) -> None:
    nowhere = Path("/nowhere")
    assert broker.redis_url(configured, nowhere) == for_redis
    assert broker.broker_url(configured, nowhere) == for_celery


def test_a_broker_in_memory_is_never_taken_silently() -> None:
    with pytest.raises(WrongUsage, match="REDIS_URL must start with"):
        broker.broker_url("memory://", Path("/nowhere"))


def test_a_broker_that_is_not_there_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(PartMissing) as missing:
        broker.need_broker("redis://:secret@127.0.0.1:1/0", tmp_path)
    assert "127.0.0.1" in missing.value.message
    assert "secret" not in missing.value.message
    with pytest.raises(PartMissing, match="keepshowingup up"):
        broker.need_broker("", tmp_path)


def test_the_binary_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "my-valkey"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("KSU_VALKEY_BINARY", str(own))
    assert broker.find_server() == own
    monkeypatch.setenv("KSU_VALKEY_BINARY", str(tmp_path / "not-there"))
    with pytest.raises(PartMissing, match="not a program"):
        broker.find_server()
    monkeypatch.delenv("KSU_VALKEY_BINARY")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.find_server() == tmp_path / "redis-server"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PartMissing, match="There is no broker"):
        broker.find_server()
