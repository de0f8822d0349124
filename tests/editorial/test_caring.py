"""How sequences treat their readers, in folders and in the database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from keepshowingup.core.care import Care, read_exits
from keepshowingup.core.conditions import read_conditions
from keepshowingup.core.errors import WrongUsage
from keepshowingup.editorial import publishing, reviewing
from keepshowingup.editorial.caring import care_of, put_care
from keepshowingup.editorial.folders import read_folder, validate
from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.editorial.planning import tell
from tests.factories import SequenceFactory

pytestmark = pytest.mark.django_db

LETTER = """+++
day = 2
only_if = ["tag:Spring group", "not language:de"]
subject = "A small thing"
+++

Hello you.
"""
SETTINGS = """title = "People"
urgent = true
again_after_days = 90
ends_when = ["tag:through", "date:2027-01-31", "helped"]
then = "staying"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "sequence.toml").write_text(SETTINGS)
    (folder / "01-a.md").write_text(LETTER)
    return folder


def test_a_folder_says_when_it_ends_what_follows_and_for_whom_a_letter_is(
    folder: Path, tmp_path: Path, now: dt.datetime
) -> None:
    SequenceFactory.create(slug="staying")
    publishing.apply(read_folder(folder), author="files", now=now)
    sequence = Sequence.objects.get(slug="people")
    assert care_of(sequence) == Care(
        urgent=True,
        again_after_days=90,
        ends_when=read_exits("tag:through, date:2027-01-31, helped"),
        then="staying",
    )
    assert Step.objects.get(sequence=sequence).only_if == "tag:spring-group, not language:de"
    publishing.export("people", tmp_path / "out" / "people")
    assert read_folder(tmp_path / "out" / "people") == read_folder(folder) == publishing.folder_of(sequence)
    assert publishing.plan(read_folder(folder), now).is_empty


def test_what_would_change_is_told_and_words_keep_their_approval(folder: Path, now: dt.datetime) -> None:
    SequenceFactory.create(slug="staying")
    publishing.apply(read_folder(folder), author="files", now=now)
    (folder / "sequence.toml").write_text('title = "People"\nends_when = "helped"\n')
    (folder / "01-a.md").write_text(LETTER.replace('["tag:Spring group", "not language:de"]', '"date"'))
    plan = publishing.plan(read_folder(folder), now)
    said = "\n".join(tell(plan))
    for line in (
        "urgent: true -> false",
        "again_after_days: 90 -> (empty)",
        "ends_when: tag:through, date:2027-01-31, helped -> helped",
        "then: staying -> (empty)",
        "- only if: tag:spring-group, not language:de",
        "+ only if: date",
    ):
        assert line in said
    assert not plan.needs_approval


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('ends_when = ["tags:x"]', "'tags:x' is no rule for an end"),
        ("ends_when = 3", "is not a list of texts"),
        ('then = "people"', "can't be followed by itself"),
        ("again_after_days = -1", "not a whole number"),
        ("again_after_days = 9999999", "not between 0 and"),
        ('urgent = "very"', "neither true nor false"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said(folder: Path, wrong: str, sentence: str) -> None:
    (folder / "sequence.toml").write_text(f'title = "People"\n{wrong}\n')
    (fault,) = validate(folder)
    assert fault.file == "sequence.toml"
    assert sentence in fault.sentence


def test_folders_side_by_side_that_would_go_round_are_found(folder: Path) -> None:
    assert validate(folder) == []
    beside = folder.parent / "staying"
    beside.mkdir()
    (beside / "sequence.toml").write_text('title = "Staying"\nthen = "people"\n')
    (fault,) = validate(folder)
    assert "round without end: people, then staying, then people" in fault.sentence


def test_a_condition_that_is_none_is_said_with_its_line(folder: Path) -> None:
    (folder / "01-a.md").write_text(LETTER.replace("tag:Spring group", "mood:good"))
    (fault,) = validate(folder)
    assert (fault.file, fault.line) == ("01-a.md", 3)


def test_a_tag_that_names_the_topic_is_not_kept(folder: Path, now: dt.datetime) -> None:
    SequenceFactory.create(slug="staying")
    as_it_was = read_folder(folder)
    (folder / "01-a.md").write_text(LETTER.replace("tag:Spring group", "tag:sober"))
    (fault,) = validate(folder)
    assert "says what the letters are about" in fault.sentence
    (step,) = as_it_was.steps
    with pytest.raises(WrongUsage, match="says what the letters are about"):
        publishing.apply(
            replace(as_it_was, steps=(replace(step, only_if=read_conditions("tag:sober")),)), author="files", now=now
        )
    with pytest.raises(WrongUsage, match="says what the letters are about"):
        put_care(Sequence.objects.get(slug="staying").pk, Care(ends_when=read_exits("tag:sober")))


def test_going_round_without_end_is_refused_when_it_is_said_and_at_the_start(
    masthead: object, now: dt.datetime
) -> None:
    first, second, third = (SequenceFactory.create(slug=slug, state="draft") for slug in ("a", "b", "c"))
    assert put_care(first.pk, Care(then="b"))
    assert put_care(second.pk, Care(then="c"))
    assert not put_care(second.pk, Care(then="c"))
    with pytest.raises(WrongUsage, match="c, then a, then b, then c"):
        put_care(third.pk, Care(then="a"))
    with pytest.raises(WrongUsage, match="There is no sequence d"):
        put_care(third.pk, Care(then="d"))
    Sequence.objects.filter(pk=third.pk).update(then=first)  # as two who say it at once would leave it
    assert any("round without end" in said for said in reviewing.obstacles(first.pk, now))
