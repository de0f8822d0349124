"""The logbook: what is written stays, and what was tampered with shows."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction

from keepshowingup.core.errors import Refused
from keepshowingup.logbook import guarding
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import BEGINNING, first_broken, note

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(now: dt.datetime) -> list[Entry]:
    berlin = now.astimezone(dt.timezone(dt.timedelta(hours=1)))
    return [
        note(
            Entry.What.APPROVED, who="ruth@harbour.example", about="2 letters", now=now, details={"revisions": [2, 1]}
        ),
        note(Entry.What.STARTED, who="ben@harbour.example", about="finding-your-people", now=berlin),
        note(Entry.What.PAUSED, who="", about="finding-your-people", now=now, reason="The masthead moves."),
    ]


@pytest.fixture
def guarded() -> None:
    """Tests that empty their tables had to take the guard down on SQLite; see conftest."""
    if connection.vendor == "sqlite":
        guarding.put_up(connection)


def test_each_line_carries_the_digest_of_the_one_before(lines: list[Entry]) -> None:
    assert [line.previous for line in lines] == [BEGINNING, lines[0].digest, lines[1].digest]
    assert lines[2].who == "the program"
    assert first_broken() is None


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("sql", ["UPDATE logbook_entry SET reason = 'another'", "DELETE FROM logbook_entry"])
def test_the_database_itself_refuses_to_change_or_delete_a_line(lines: list[Entry], sql: str) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():  # noqa: SIM117
        with connection.cursor() as cursor:
            cursor.execute(sql)
    assert Entry.objects.count() == len(lines)


def test_a_line_has_no_verb_that_would_change_it(lines: list[Entry]) -> None:
    lines[0].reason = "another"
    with pytest.raises(Refused, match="can't be changed"):
        lines[0].save()
    with pytest.raises(Refused, match="can't be deleted"):
        lines[0].delete()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE logbook_entry SET reason = 'another' WHERE what = 'started'",
        "UPDATE logbook_entry SET who = 'ada@harbour.example' WHERE what = 'approved'",
        "DELETE FROM logbook_entry WHERE what = 'started'",
    ],
)
def test_who_takes_the_guard_down_is_found_out(lines: list[Entry], sql: str) -> None:
    if connection.vendor == "postgresql":
        guarding.take_down(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    broken = first_broken()
    assert broken is not None


def test_what_was_not_done_is_not_written(now: dt.datetime) -> None:
    def fails() -> None:
        with transaction.atomic():
            note(Entry.What.STARTED, who="ruth@harbour.example", about="small-hellos", now=now)
            raise Refused("no")

    with pytest.raises(Refused):
        fails()
    assert not Entry.objects.exists()
