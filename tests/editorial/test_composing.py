"""Writing letters: each wording frozen once, approval void after an edit, keys that never change."""

from __future__ import annotations

import datetime as dt

import pytest

from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.timing import AfterDays, AfterMinutes, OnDate
from keepshowingup.editorial import composing
from keepshowingup.editorial.models import Revision, Sequence, Step
from keepshowingup.editorial.timings import timing_of
from keepshowingup.letters.errors import LetterError
from tests.factories import ArticleFactory, SequenceFactory, StepFactory

pytestmark = pytest.mark.django_db

WORDS = {"subject": "One small hello", "preheader": "Just this", "body": "Hello you,\n\nsomebody stayed."}
ARTICLE = "\n\n".join(
    f"## {heading}\n\n" + " ".join([f"{heading} is a thing people come back to on quiet days."] * 12)
    for heading in ("Finding a first friend", "Walking in together", "Keeping the door open")
)


@pytest.fixture
def sequence(now: dt.datetime) -> Sequence:
    return composing.create_sequence(slug="small-hellos", title="  Small hellos ", now=now)


def add(sequence: Sequence, now: dt.datetime, **others: object) -> Step:
    given = {"timing": AfterDays(0), "author": "ruth@harbour.example", **WORDS, **others}
    return composing.add_step(sequence.pk, now=now, **given)  # type: ignore[arg-type]


def keys(sequence: Sequence) -> list[str]:
    return list(sequence.steps.filter(deleted_at=None).order_by("position").values_list("key", flat=True))


def test_an_article_becomes_a_draft_with_a_compiled_letter_for_each_section(now: dt.datetime) -> None:
    article = ArticleFactory.create(text=ARTICLE, title="Coming back")
    made = composing.draft_sequence(article.pk, slug="coming-back", title="Coming back", author="ruth", now=now)
    steps = list(made.steps.order_by("position"))
    assert (made.state, made.article) == (Sequence.State.DRAFT, article)
    assert [step.after_days for step in steps] == [0, 2, 7]
    assert len({step.key for step in steps}) == 3
    for step in steps:
        revision = step.revisions.get()
        assert (revision.number, revision.author, step.current) == (1, "ruth", None)
        assert "<!DOCTYPE html>" in revision.html
        assert not revision.is_approved


def test_a_demonstration_may_choose_the_days(now: dt.datetime) -> None:
    article = ArticleFactory.create(text=ARTICLE)
    made = composing.draft_sequence(article.pk, slug="a", title="A", author="ruth", now=now, cadence=[0, 1, 2])
    assert list(made.steps.order_by("position").values_list("after_days", flat=True)) == [0, 1, 2]


def test_an_article_no_letter_can_be_made_of_leaves_nothing_behind(now: dt.datetime) -> None:
    article = ArticleFactory.create(text=ARTICLE + "\n\n## Last things\n\n" + "Once more. " * 40 + "o" * 110_000)
    with pytest.raises(Refused, match=r"Letter \d of the draft can't be made"):
        composing.draft_sequence(article.pk, slug="a", title="A", author="ruth", now=now)
    assert not Sequence.objects.exists()
    with pytest.raises(Refused, match="No letter can be made"):
        composing.draft_sequence(ArticleFactory.create(text="").pk, slug="a", title="A", author="ruth", now=now)
    with pytest.raises(NotFound):
        composing.draft_sequence(0, slug="a", title="A", author="ruth", now=now)


def test_a_slug_is_taken_once(sequence: Sequence, now: dt.datetime) -> None:
    assert sequence.title == "Small hellos"
    with pytest.raises(Refused, match="already"):
        composing.create_sequence(slug="small-hellos", title="Other", now=now)


@pytest.mark.parametrize(
    "given", [{"slug": "a b"}, {"title": " "}, {"title": "a\nb"}, {"audience": "all"}, {"language": "?"}]
)
def test_words_that_can_not_be_used_make_no_sequence(given: dict[str, str], now: dt.datetime) -> None:
    with pytest.raises(WrongUsage):
        composing.create_sequence(**{"slug": "a", "title": "A", **given}, now=now)  # type: ignore[arg-type]


def test_unchanged_words_make_no_new_revision(sequence: Sequence, now: dt.datetime) -> None:
    step = add(sequence, now)
    same = composing.edit_step(
        step.pk,
        subject=" One small hello ",
        preheader="Just this",
        body="\nHello you,\r\n\r\nsomebody stayed.  \n",
        author="ben",
        now=now,
    )
    assert (same.number, same.author) == (1, "ruth@harbour.example")


def test_an_edit_makes_a_revision_nobody_has_approved_and_readers_keep_the_old_one(now: dt.datetime) -> None:
    step = StepFactory.create()
    revision = composing.edit_step(
        step.pk, subject=step.subject, preheader=step.preheader, body="Other words.", author="ben", now=now
    )
    step.refresh_from_db()
    assert (revision.number, revision.is_approved) == (2, False)
    assert step.current is not None
    assert step.current.number == 1
    assert "Other words." in revision.text


def test_words_that_make_no_letter_change_nothing(sequence: Sequence, now: dt.datetime) -> None:
    step = add(sequence, now)
    with pytest.raises(LetterError, match="frist_name"):
        composing.edit_step(
            step.pk, subject="Hi", preheader="", body="Hi {{ frist_name }}", author="ben", now=now, timing=AfterDays(9)
        )
    step.refresh_from_db()
    assert (step.body, step.after_days, step.revisions.count()) == (WORDS["body"], 0, 1)


@pytest.mark.parametrize("subject", ["", "Hello\r\nBcc: all@example.org", "a\u202eb", "x" * 201])
def test_a_subject_can_hide_nothing(sequence: Sequence, now: dt.datetime, subject: str) -> None:
    with pytest.raises(WrongUsage):
        add(sequence, now, subject=subject)
    assert not Step.objects.exists()


def test_braces_in_a_subject_are_words(sequence: Sequence, now: dt.datetime) -> None:
    step = add(sequence, now, subject="a { " * 40)
    assert step.subject == ("a { " * 40).strip()
    assert Revision.objects.get().subject.count('{{ "{" }}') == 40


def test_nobody_is_no_author(sequence: Sequence, now: dt.datetime) -> None:
    with pytest.raises(WrongUsage, match="who wrote it"):
        add(sequence, now, author=" ")


def test_letters_without_a_key_are_counted_and_no_key_is_given_twice(sequence: Sequence, now: dt.datetime) -> None:
    first, second = add(sequence, now), add(sequence, now)
    composing.delete_step(second.pk, now=now)
    third = add(sequence, now)
    assert [first.key, second.key, third.key] == ["letter-1", "letter-2", "letter-3"]
    assert keys(sequence) == ["letter-1", "letter-3"]
    with pytest.raises(Refused, match="already"):
        add(sequence, now, key="letter-1")


def test_adding_a_deleted_key_brings_the_letter_back(sequence: Sequence, now: dt.datetime) -> None:
    step = add(sequence, now, key="hello")
    composing.delete_step(step.pk, now=now)
    assert keys(sequence) == []
    again = add(sequence, now, key="hello", timing=AfterDays(5))
    assert (again.pk, again.deleted_at, again.revisions.count()) == (step.pk, None, 1)
    assert timing_of(again) == AfterDays(5)


def test_a_deleted_letter_is_not_edited_and_can_be_restored(sequence: Sequence, now: dt.datetime) -> None:
    step = add(sequence, now)
    composing.delete_step(step.pk, now=now)
    with pytest.raises(NotFound):
        composing.edit_step(step.pk, subject="Hi", preheader="", body="Hi.", author="ben", now=now)
    assert composing.restore_step(step.pk, now=now).deleted_at is None


def test_letters_move_as_far_as_there_is_room(sequence: Sequence, now: dt.datetime) -> None:
    a, b, c = (add(sequence, now, key=key) for key in "abc")
    composing.move_step(c.pk, -1, now=now)
    assert keys(sequence) == ["a", "c", "b"]
    composing.move_step(a.pk, 1, now=now)
    assert keys(sequence) == ["c", "a", "b"]
    composing.move_step(b.pk, -9, now=now)
    assert keys(sequence) == ["b", "c", "a"]
    composing.move_step(b.pk, -1, now=now)
    assert keys(sequence) == ["b", "c", "a"]


@pytest.mark.parametrize("timing", [AfterDays(3, dt.time(9)), AfterMinutes(90), OnDate(dt.date(2026, 12, 1))])
def test_a_letter_has_one_timing_and_keeps_its_words(
    sequence: Sequence, now: dt.datetime, timing: AfterDays | AfterMinutes | OnDate
) -> None:
    step = composing.set_timing(add(sequence, now).pk, timing, now=now)
    step.refresh_from_db()
    assert timing_of(step) == timing
    assert step.revisions.count() == 1


def settings_of(sequence: Sequence, **others: object) -> dict[str, object]:
    names = [
        "title",
        "description",
        "signature",
        "language",
        "audience",
        "open_ended",
        "weekdays",
        "window_start",
        "window_end",
        "quiet_start",
        "quiet_end",
        "too_late_hours",
    ]
    return {name: getattr(sequence, name) for name in names} | others


def test_another_language_is_another_layout_to_be_approved_anew(now: dt.datetime) -> None:
    step = StepFactory.create()
    composing.edit_sequence(step.sequence_id, **settings_of(step.sequence, language="de"), now=now)  # type: ignore[arg-type]
    newest = step.revisions.first()
    assert newest is not None
    assert (newest.number, newest.author, newest.is_approved) == (2, "writer@harbour.example", False)
    assert 'lang="de"' in newest.html


def test_other_hours_make_no_new_revision(now: dt.datetime) -> None:
    step = StepFactory.create()
    composing.edit_sequence(step.sequence_id, **settings_of(step.sequence, weekdays="135"), now=now)  # type: ignore[arg-type]
    assert Sequence.objects.get().weekdays == "135"
    assert step.revisions.count() == 1


def test_hours_that_leave_no_moment_are_refused(now: dt.datetime) -> None:
    sequence = SequenceFactory.create()
    for impossible in ({"weekdays": ""}, {"window_start": dt.time(22), "window_end": dt.time(23)}):
        with pytest.raises(WrongUsage):
            composing.edit_sequence(sequence.pk, **settings_of(sequence, **impossible), now=now)  # type: ignore[arg-type]
