"""Milestones as letters: in folders, in the database, and the ten that are shipped."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.core.milestones import Mark
from keepshowingup.core.timing import AfterDays, AtMark, Timing
from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.folders import read_folder, validate
from keepshowingup.editorial.models import Sequence
from keepshowingup.editorial.publishing import apply, export, plan
from keepshowingup.editorial.reviewing import findings_of
from keepshowingup.editorial.starters import MILESTONES, MILESTONES_IN, install_milestones
from keepshowingup.editorial.timings import say_timing, timing_of

SHIPPED = [MILESTONES, *MILESTONES_IN.values()]
LETTER = '+++\nmark = "30 days"\nsubject = "A short note"\n+++\n\nHello you,\n\nthis is a note.\n'


def folder(path: Path, text: str = LETTER, common: str = "milestones = true\n") -> Path:
    (path / "sequence.toml").write_text(f'title = "Notes"\nslug = "notes"\n{common}')
    (path / "01-thirty.md").write_text(text)
    return path


def add(sequence: Sequence, timing: Timing, now: dt.datetime) -> None:
    composing.add_step(
        sequence.pk, timing=timing, subject="A note", preheader="", body="Hello.", author="mara", now=now
    )


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda folder: folder.name)
def test_the_letters_we_ship_are_in_order_and_for_the_marks_that_were_asked_for(shipped: Path) -> None:
    assert validate(shipped) == []
    assert [say_timing(step.timing) for step in read_folder(shipped).steps] == [
        f"{mark} from their date{more}"
        for mark, more in (
            *((mark, "") for mark in ("1 day", "7 days", "30 days", "60 days", "90 days")),
            *((mark, "") for mark in ("6 months", "9 months", "1 year", "18 months")),
            ("2 years", ", then every year"),
        )
    ]


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda folder: folder.name)
def test_no_subject_or_preview_line_of_ours_tells_a_count(shipped: Path) -> None:
    telling = {"month", "year", "week", "days", "date", "mark", " mes", "año", "semana", "días", "fecha", *"0123456789"}
    for step in read_folder(shipped).steps:
        outside = f"{step.subject} {step.preheader}".casefold()
        assert not any(word in outside for word in telling)


@pytest.mark.django_db
def test_who_writes_in_spanish_begins_with_spanish_letters(now: dt.datetime) -> None:
    sequence = install_milestones(now, language="es-MX")
    assert (sequence.slug, sequence.language) == ("milestones-es", "es")
    assert all(step.body.startswith("Hola{{") for step in sequence.steps.all())
    assert reviewing.approve(sequence.pk, approver="ruth@harbour.example", now=now) == 10


@pytest.mark.django_db
def test_the_proofreader_finds_nothing_to_stop_in_the_letters_we_ship(now: dt.datetime) -> None:
    sequence = install_milestones(now)
    for step in sequence.steps.all():
        severities = {finding.severity for finding in findings_of(step).findings}
        assert not severities & {"block", "warn"}, step.key
    assert reviewing.approve(sequence.pk, approver="ruth@harbour.example", now=now) == 10
    with pytest.raises(Refused, match="milestones already"):
        install_milestones(now)


@pytest.mark.django_db
def test_the_shipped_folder_goes_round_and_changes_nothing(now: dt.datetime, tmp_path: Path) -> None:
    sequence = install_milestones(now)
    assert plan(read_folder(MILESTONES), now).is_empty
    export(sequence.slug, tmp_path)
    assert read_folder(tmp_path) == read_folder(MILESTONES)
    assert "/date" in sequence.steps.first().revisions.get().text  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_mark_is_kept_and_said_in_words(now: dt.datetime, tmp_path: Path) -> None:
    text = LETTER.replace('"30 days"', '"2 years, then every year"\nat = "09:00"')
    apply(read_folder(folder(tmp_path, text)), author="files", now=now)
    step = Sequence.objects.get(slug="notes").steps.get()
    assert timing_of(step) == AtMark(Mark(months=24), dt.time(9), yearly=True)
    assert say_timing(timing_of(step)) == "2 years from their date, then every year at 09:00"


@pytest.mark.parametrize(
    ("text", "common", "said"),
    [
        (LETTER.replace("30 days", "a while"), "milestones = true\n", "01-thirty.md:2:1: This is no mark"),
        (LETTER.replace("30 days", "200 days"), "milestones = true\n", "from six months on"),
        (LETTER.replace("30 days", "18 months, then every year"), "milestones = true\n", "whole years"),
        (LETTER.replace('mark = "30 days"', "day = 3"), "milestones = true\n", "write a mark"),
        (LETTER, "", "Only a sequence of milestones"),
        (LETTER, 'milestones = true\naudience = "family"\n', "somebody else's date"),
        (LETTER, 'milestones = true\nweekdays = ["mon"]\n', "every day of the week"),
        (LETTER, "milestones = true\nopen_ended = true\n", "not both"),
        (LETTER.replace("mark", "day = 1\nmark"), "milestones = true\n", "keep one"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_line(tmp_path: Path, text: str, common: str, said: str) -> None:
    assert said in "\n".join(map(str, validate(folder(tmp_path, text, common))))


@pytest.mark.django_db
def test_a_sequence_keeps_its_kind(now: dt.datetime, tmp_path: Path) -> None:
    sequence = composing.create_sequence(slug="notes", title="Notes", now=now)
    with pytest.raises(Refused, match="another slug"):
        apply(read_folder(folder(tmp_path)), author="files", now=now)
    with pytest.raises(WrongUsage, match="Only a sequence of milestones"):
        add(sequence, AtMark(Mark(days=3)), now)
    notes = composing.create_sequence(slug="marks", title="Marks", milestones=True, now=now)
    with pytest.raises(WrongUsage, match="write a mark"):
        add(notes, AfterDays(3), now)
