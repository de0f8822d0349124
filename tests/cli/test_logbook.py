"""``keepshowingup logbook``: reading it, and finding out whether it is whole."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.db import connection

from keepshowingup.cli.root import run
from keepshowingup.logbook import guarding
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note
from tests.factories import SubscriberFactory

pytestmark = pytest.mark.django_db


def test_what_is_done_at_a_terminal_is_in_it_without_an_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stays, goes = SubscriberFactory.create(), SubscriberFactory.create()
    assert run(["subscriber", "export", str(tmp_path / "readers.csv")]) == 0
    assert run(["subscriber", "leave", stays.email]) == 0
    assert run(["subscriber", "erase", goes.email, "--yes"]) == 0
    capsys.readouterr()
    assert run(["logbook", "list", "--json"]) == 0
    out = capsys.readouterr().out
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["what"], row["about"]) for row in rows] == [
        ("erased-reader", f"reader {goes.opaque}"),
        ("stopped-reader", f"reader {stays.opaque}"),
        ("exported", "2 readers to a file"),
    ]
    assert all(row["who"].startswith("command line (") for row in rows)
    assert "@" not in out


def test_a_line_that_was_changed_is_found(now: dt.datetime, capsys: pytest.CaptureFixture[str]) -> None:
    newest = [
        note(Entry.What.EXPORTED, who="ada@harbour.example", about=f"{count} readers to a file", now=now)
        for count in (2, 3)
    ][-1]
    assert run(["logbook", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"lines": 2, "broken": None, "digest": newest.digest}
    if connection.vendor == "postgresql":
        guarding.take_down(connection)
    Entry.objects.filter(pk=newest.pk).update(about="1 reader to a file")
    assert run(["logbook", "check"]) == 1
    assert f"Line {newest.pk} is not as it was written" in capsys.readouterr().err
