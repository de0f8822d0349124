"""Folders into the database and out of it: nothing half done, nothing sent twice, nothing changed in a round trip."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from keepshowingup.core.errors import NotFound
from keepshowingup.core.timing import AfterDays, OnDate
from keepshowingup.editorial import composing, publishing, reviewing
from keepshowingup.editorial.folders import FolderFaulty, FolderSequence, FolderStep, read_folder
from keepshowingup.editorial.models import Revision, Sequence, Step
from keepshowingup.editorial.planning import tell

pytestmark = pytest.mark.django_db

EXAMPLE = Path(__file__).parents[2] / "examples" / "sequences" / "finding-your-people"


def letter(key: str, number: int, day: int = 0, body: str = "Hello you.") -> FolderStep:
    return FolderStep(key, number, AfterDays(day), f"About {key}", "", body, file=f"{number:02d}-{key}.md")


FOLDER = FolderSequence(
    slug="small-hellos", title="Small hellos", steps=(letter("a", 1), letter("b", 2, 2), letter("c", 3, 7))
)


def apply(folder: FolderSequence, now: dt.datetime) -> list[tuple[str, str]]:
    return [(change.kind, change.key) for change in publishing.apply(folder, author="files", now=now).steps]


def told(folder: FolderSequence, now: dt.datetime) -> str:
    return "\n".join(tell(publishing.plan(folder, now)))


def with_steps(*steps: FolderStep) -> FolderSequence:
    return replace(FOLDER, steps=steps)


def test_a_new_folder_becomes_a_draft_with_unapproved_letters(now: dt.datetime) -> None:
    assert apply(FOLDER, now) == [("added", "a"), ("added", "b"), ("added", "c")]
    sequence = Sequence.objects.get()
    assert (sequence.slug, sequence.state, sequence.created_at) == ("small-hellos", Sequence.State.DRAFT, now)
    assert publishing.folder_of(sequence) == FOLDER
    assert set(Revision.objects.values_list("author", "number")) == {("files", 1)}


def test_planning_changes_nothing(now: dt.datetime) -> None:
    assert "+ added b, day 2: About b" in told(FOLDER, now)
    assert not Sequence.objects.exists()


def test_applying_twice_changes_nothing_the_second_time(now: dt.datetime) -> None:
    apply(FOLDER, now)
    assert publishing.plan(FOLDER, now).is_empty
    assert told(FOLDER, now) == "small-hellos: nothing changes"
    assert apply(FOLDER, now) == []
    assert Revision.objects.count() == 3


def test_the_example_goes_round_and_comes_out_byte_for_byte(now: dt.datetime, tmp_path: Path) -> None:
    publishing.apply(read_folder(EXAMPLE), author="files", now=now)
    publishing.export("finding-your-people", tmp_path / "out")
    names = sorted(path.name for path in EXAMPLE.iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (EXAMPLE / name).read_bytes()
    assert publishing.plan(read_folder(tmp_path / "out"), now).is_empty


def test_only_changed_words_are_frozen_anew_and_lose_their_approval(now: dt.datetime) -> None:
    apply(FOLDER, now)
    sequence = Sequence.objects.get()
    overrides = [reviewing.Override("a test")]
    reviewing.approve(sequence.pk, approver="ruth", now=now, overrides=overrides)
    changed = with_steps(letter("a", 1), letter("b", 2, 2, body="Hello you.\n\nOne more line."), letter("c", 3, 7))
    assert told(changed, now).splitlines()[1:] == [
        "  ~ changed b, day 2: About b",
        "        Hello you.",
        "      +",
        "      + One more line.",
    ]
    assert apply(changed, now) == [("changed", "b")]
    approved = {step.key: revision.is_approved for step, revision in reviewing.with_newest(sequence)}
    assert approved == {"a": True, "b": False, "c": True}


def test_a_moved_letter_keeps_its_words_and_its_approval(now: dt.datetime) -> None:
    apply(FOLDER, now)
    assert apply(with_steps(letter("a", 1), letter("b", 2, 3), letter("c", 3, 7)), now) == [("moved", "b")]
    assert apply(with_steps(letter("c", 1, 7), letter("a", 2), letter("b", 3, 3)), now) == [("moved", "c")]
    assert Revision.objects.count() == 3
    assert list(Step.objects.order_by("position").values_list("key", flat=True)) == ["c", "a", "b"]


def test_a_letter_put_in_between_moves_no_other(now: dt.datetime) -> None:
    apply(FOLDER, now)
    longer = with_steps(letter("a", 1), letter("new", 2, 1), letter("b", 3, 2), letter("c", 4, 7))
    plan = publishing.plan(longer, now)
    assert [(change.kind, change.key) for change in plan.steps] == [("added", "new")]
    assert plan.renumbered == 2
    publishing.apply(longer, author="files", now=now)
    assert publishing.folder_of(Sequence.objects.get()) == longer


def test_a_deleted_letter_comes_back_as_the_one_it_was(now: dt.datetime) -> None:
    apply(FOLDER, now)
    first = Step.objects.get(key="b")
    shorter = with_steps(letter("a", 1), letter("c", 3, 7))
    assert apply(shorter, now) == [("deleted", "b")]
    first.refresh_from_db()
    assert first.deleted_at == now
    assert "who had it then does not get it again" in told(FOLDER, now)
    assert apply(FOLDER, now) == [("restored", "b")]
    again = Step.objects.get(key="b")
    assert (again.pk, again.deleted_at, again.revisions.count()) == (first.pk, None, 1)


def test_a_renamed_file_is_asked_about(now: dt.datetime) -> None:
    apply(FOLDER, now)
    renamed = with_steps(letter("a", 1), replace(letter("bee", 2, 2), body="Hello you."), letter("c", 3, 7))
    assert 'write key = "b" into it' in told(renamed, now)


def test_nothing_is_half_done(now: dt.datetime) -> None:
    apply(FOLDER, now)
    broken = replace(FOLDER, title="Other", steps=(letter("a", 1, 5), letter("z", 9, body="Hi {{ frist_name }}")))
    with pytest.raises(FolderFaulty, match=r"09-z\.md:1:1: There is no merge field 'frist_name'"):
        publishing.apply(broken, author="files", now=now)
    assert publishing.folder_of(Sequence.objects.get()) == FOLDER


def test_what_is_common_to_all_letters_is_compared_field_by_field(now: dt.datetime) -> None:
    apply(FOLDER, now)
    other = replace(
        FOLDER,
        signature="Ruth",
        open_ended=True,
        weekdays="15",
        window=(dt.time(9), dt.time(12, 30)),
        too_late_hours=36,
    )
    assert told(other, now).splitlines() == [
        "small-hellos:",
        "  signature: (empty) -> Ruth",
        "  open_ended: false -> true",
        "  weekdays: 1234567 -> 15",
        "  window: 08:00-21:00 -> 09:00-12:30",
        "  too_late_hours: (empty) -> 36",
    ]
    publishing.apply(other, author="files", now=now)
    assert publishing.folder_of(Sequence.objects.get()) == other
    assert Revision.objects.count() == 6, "a newsletter's letters are issues: another layout, to be approved anew"


def test_another_language_asks_for_approval_again(now: dt.datetime) -> None:
    apply(FOLDER, now)
    german = replace(FOLDER, language="de")
    assert publishing.plan(german, now).needs_approval
    publishing.apply(german, author="files", now=now)
    assert Revision.objects.filter(number=2, html__contains='lang="de"').count() == 3


def test_an_issue_dated_in_the_past_is_pointed_out(now: dt.datetime) -> None:
    past = replace(letter("old", 1), timing=OnDate(dt.date(2026, 11, 22)))
    assert "old is dated 2026-11-22, which is past" in told(with_steps(past), now)


def test_letters_edited_on_the_pages_come_out_in_the_folder(now: dt.datetime, tmp_path: Path) -> None:
    apply(FOLDER, now)
    publishing.export("small-hellos", tmp_path)
    step = Step.objects.get(key="b")
    composing.edit_step(step.pk, subject="Other", preheader="", body="Other words.", author="ruth", now=now)
    composing.delete_step(Step.objects.get(key="c").pk, now=now)
    done = publishing.export("small-hellos", tmp_path)
    assert (done.written, done.removed) == (("02-b.md",), ("03-c.md",))
    assert publishing.plan(read_folder(tmp_path), now).is_empty


def test_letters_that_share_a_position_are_counted_anew(now: dt.datetime, tmp_path: Path) -> None:
    apply(FOLDER, now)
    Step.objects.update(position=1)
    publishing.export("small-hellos", tmp_path)
    assert [step.number for step in read_folder(tmp_path).steps] == [1, 2, 3]


def test_there_is_nothing_to_export_of_a_sequence_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        publishing.export("nobody", tmp_path)
