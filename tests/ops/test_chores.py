"""What is done besides sending: at the same intervals and in the same order with a broker and without one."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keepshowingup.audience.leaving import ask_to_stop
from keepshowingup.audience.models import Invitation, StopRequest
from keepshowingup.core.clock import Clock
from keepshowingup.editorial.models import Feed
from keepshowingup.editorial.people import make_staff
from keepshowingup.ops.chores import CHORES, Chore, Rounds
from tests.delivery.conftest import StoppedClock
from tests.factories import MONDAY, FeedFactory, InvitationFactory, MastheadFactory, SubscriberFactory
from tests.processes import environment, eventually, set_up
from tests.smtpd import running_smtp

MINUTE = 60.0


class Watch:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.shows = 1000.0

    def __call__(self) -> float:
        return self.shows


def recorded(done: list[str], *, broken: str = "") -> tuple[Chore, ...]:
    """The chores as they are, but for what they do: they write their names down."""

    def doing(name: str) -> Any:
        def do(_clock: Clock) -> None:
            done.append(name)
            if name == broken:
                raise RuntimeError("it does not work today")

        return do

    return tuple(replace(chore, do=doing(chore.name)) for chore in CHORES)


def test_each_comes_at_its_interval_and_those_of_one_moment_in_their_order() -> None:
    watch, done = Watch(), list[str]()
    rounds = Rounds(Clock(), seconds=watch, chores=recorded(done))
    rounds.do_due()
    assert done == []
    for minutes, expected in (
        (4.9, []),
        (5, ["feeds"]),
        (10, ["tell_staff", "feeds"]),
        (10.1, []),
        (60, ["tidy", "tell_staff", "tidy_outcomes", "feeds"]),
    ):
        done.clear()
        watch.shows = 1000.0 + minutes * MINUTE
        rounds.do_due()
        assert done == expected, minutes


def test_one_that_fails_is_logged_comes_again_and_keeps_nobody_from_theirs(caplog: pytest.LogCaptureFixture) -> None:
    watch, done = Watch(), list[str]()
    rounds = Rounds(Clock(), seconds=watch, chores=recorded(done, broken="tidy"))
    for hour in (1, 2):
        watch.shows = 1000.0 + hour * 60 * MINUTE
        rounds.do_due()
    assert done == [chore.name for chore in CHORES] * 2
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "the chore tidy failed"
    ] * 2


@pytest.mark.django_db(transaction=True)
def test_feeds_notes_to_staff_and_tidying_need_no_broker(settings: Any) -> None:
    MastheadFactory.create()
    make_staff("ruth@harbour.example", "a long password", "sender", name="Ruth")
    SubscriberFactory.create(email="maya@example.org")
    ask_to_stop("maya@example.org", MONDAY)
    InvitationFactory.create()
    feed = FeedFactory.create(next_at=MONDAY - dt.timedelta(days=1))
    watch = Watch()
    rounds = Rounds(StoppedClock(MONDAY + dt.timedelta(days=8)), seconds=watch)
    watch.shows += 60 * MINUTE
    with running_smtp() as server:
        settings.SMTP_URL = server.url
        rounds.do_due()
        assert [received.recipient for received in server.received] == ["ruth@harbour.example"]
    assert StopRequest.objects.get().told_at
    assert not Invitation.objects.exists()
    eventually(lambda: Feed.objects.get(pk=feed.pk).failures, "the feed to be looked at")


ASK_BEAT = """
import json
from keepshowingup.worker import TASKS, app
app.conf.include = TASKS
app.loader.import_default_modules()
plan = app.conf.beat_schedule.values()
print(json.dumps([[row["task"], row["schedule"].seconds, row["task"] in app.tasks] for row in plan]))
"""


@pytest.mark.once
def test_beat_asks_for_the_same() -> None:
    said = subprocess.run([sys.executable, "-c", ASK_BEAT], capture_output=True, text=True, check=True, timeout=120)
    tick, *others = json.loads(said.stdout)
    assert tick[0] == "keepshowingup.tick"
    assert others == [[f"keepshowingup.{chore.name}", chore.every, True] for chore in CHORES]


ASK_WORKER = """
import json
from dataclasses import replace
import django
django.setup()
from keepshowingup.ops import chores
done = []
chores.CHORES = tuple(replace(each, do=lambda _, name=each.name: done.append(name)) for each in chores.CHORES)
from keepshowingup.worker import app
for each in chores.CHORES:
    app.tasks[f"keepshowingup.{each.name}"]()
print(json.dumps(done))
"""


@pytest.mark.once
def test_a_worker_does_what_it_is_asked_for() -> None:
    said = subprocess.run([sys.executable, "-c", ASK_WORKER], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(said.stdout) == [chore.name for chore in CHORES]


# A process in which an hour of a machine's own clock is three seconds, and a feed in its database that is due.
HURRIED = """
import time
own = time.monotonic
time.monotonic = lambda: own() * 1200
import django
django.setup()
from datetime import UTC, datetime
from keepshowingup.editorial.models import Feed
long_ago = datetime(2020, 1, 1, tzinfo=UTC)
Feed.objects.create(url="http://127.0.0.1:9/feed", added_by="ruth", added_at=long_ago, next_at=long_ago)
from keepshowingup.__main__ import main
main()
"""


@pytest.mark.once
def test_a_loop_without_a_broker_looks_at_feeds(tmp_path: Path) -> None:
    set_up(tmp_path)
    running = subprocess.Popen(
        [sys.executable, "-c", HURRIED, "tick", "--loop"],
        env=environment(tmp_path, DJANGO_SETTINGS_MODULE="keepshowingup.settings", KSU_TICK="0.2"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: _troubles(tmp_path), "the feed to be looked at")
        running.terminate()
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert "inside a network" in _troubles(tmp_path)
    assert "0 handed over." in said


def _troubles(folder: Path) -> str:
    with sqlite3.connect(folder / "keepshowingup.sqlite3") as database:
        rows = database.execute("SELECT trouble FROM editorial_feed").fetchall()
    database.close()
    return "".join(row[0] for row in rows)
