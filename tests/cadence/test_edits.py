"""Changes to a running sequence, in the three ways, as its readers meet them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models import F

from keepshowingup.cadence.explaining import explain
from keepshowingup.cadence.replanning import replan_sequence
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.editions import Way
from keepshowingup.core.errors import Refused
from keepshowingup.core.timing import AfterDays
from keepshowingup.delivery import undoing
from keepshowingup.delivery.claiming import claim_letters
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial import composing, reviewing
from keepshowingup.editorial.editing import changing, newest_edit
from keepshowingup.editorial.models import Edit, Kept, Sequence, Step
from tests.cadence.world import DAY, HOUR, drip, join, local, run, send_due
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

BODY = "Somebody stayed. A sister called on Sundays, and a neighbour never asked why."


def add(sequence: Sequence, day: int, way: Way, now: datetime, position: int) -> None:
    """A letter between others, approved at once, as the desk does it."""
    sequence.steps.filter(position__gte=position).update(position=F("position") + 1)
    composing.add_step(
        sequence.pk, key=f"day-{day}", timing=AfterDays(day), subject=f"Day {day}", preheader="A short note for you",
        body=BODY, author="mara", now=now, position=position,
    )  # fmt: skip
    reviewing.approve(sequence.pk, approver="ruth", now=now, way=way)
    replan_sequence(sequence.pk, now)


def keys(sent: list[Any], reader: int) -> list[tuple[str, int]]:
    return [(each.key, (each.at.date() - MONDAY.date()).days) for each in sent if each.reader == reader]


class TestANewLetterInTheMiddle:
    @pytest.mark.parametrize(
        ("way", "early", "late", "done"),
        [
            (Way.NOW_ON, [("day-4", 4), ("day-6", 6), ("day-8", 8)], [("day-12", 4)], []),
            (Way.NEW_READERS, [("day-4", 4), ("day-8", 8)], [("day-12", 4)], []),
            (Way.BACKFILL, [("day-4", 4), ("day-6", 6), ("day-8", 8)], [("day-6", 1), ("day-12", 4)], [("day-6", 1)]),
        ],
    )
    def test_who_gets_it(self, way: Way, early: list[Any], late: list[Any], done: list[Any]) -> None:
        """Three readers: before its place, past it, and at the end of the sequence."""
        sequence = drip(0, 4, 8, 12)
        finished = join(sequence, MONDAY - 13 * DAY)
        past = join(sequence, MONDAY - 8 * DAY)
        before = join(sequence, MONDAY)
        run(MONDAY - 13 * DAY, MONDAY + DAY)
        add(sequence, 6, way, MONDAY + DAY, position=3)
        joined_later = join(sequence, MONDAY + DAY)
        sent = run(MONDAY + DAY, MONDAY + 20 * DAY)
        assert keys(sent, before.subscriber_id) == [*early, ("day-12", 12)]
        assert keys(sent, past.subscriber_id) == late, "and the letters to come keep their days"
        assert keys(sent, finished.subscriber_id) == done
        assert [key for key, _ in keys(sent, joined_later.subscriber_id)] == [
            "day-0",
            "day-4",
            "day-6",
            "day-8",
            "day-12",
        ]

    def test_several_that_are_sent_afterwards_come_one_a_day(self) -> None:
        sequence = drip(0, 20)
        reader = join(sequence)
        run(MONDAY, MONDAY + 10 * DAY)
        for number, day in enumerate((2, 4, 6)):
            add(sequence, day, Way.BACKFILL, MONDAY + 10 * DAY, position=2 + number)
        sent = run(MONDAY + 10 * DAY, MONDAY + 30 * DAY)
        assert keys(sent, reader.subscriber_id) == [("day-2", 10), ("day-4", 11), ("day-6", 12), ("day-20", 20)]


class TestOtherDaysAndOrder:
    def test_only_for_new_readers_leaves_the_others_their_days(self) -> None:
        sequence = drip(0, 4, 8)
        old = join(sequence)
        with changing(sequence.pk, by="mara", now=MONDAY + HOUR, way=Way.NEW_READERS):
            composing.set_timing(sequence.steps.get(key="day-4").pk, AfterDays(6), now=MONDAY + HOUR)
        replan_sequence(sequence.pk, MONDAY + HOUR)
        new = join(sequence, MONDAY + DAY)
        sent = run(MONDAY, MONDAY + 15 * DAY)
        assert keys(sent, old.subscriber_id) == [("day-0", 0), ("day-4", 4), ("day-8", 8)]
        assert keys(sent, new.subscriber_id) == [("day-0", 1), ("day-4", 7), ("day-8", 9)]

    def test_the_order_is_kept_as_a_whole(self) -> None:
        sequence = drip(0, 4, 8)
        old = join(sequence)
        with changing(sequence.pk, by="mara", now=MONDAY + HOUR, way=Way.NEW_READERS):
            step = sequence.steps.get(key="day-8")
            composing.move_step(step.pk, -1, now=MONDAY + HOUR)
            composing.set_timing(step.pk, AfterDays(2), now=MONDAY + HOUR)
        new = join(sequence, MONDAY + 2 * HOUR)
        sent = run(MONDAY, MONDAY + 15 * DAY)
        assert [key for key, _ in keys(sent, old.subscriber_id)] == ["day-0", "day-4", "day-8"]
        assert [key for key, _ in keys(sent, new.subscriber_id)] == ["day-0", "day-8", "day-4"]

    def test_a_later_change_for_everyone_reaches_those_who_kept_another(self) -> None:
        sequence = drip(0, 4)
        old = join(sequence)
        step = sequence.steps.get(key="day-4")
        for way, day in ((Way.NEW_READERS, 6), (Way.NOW_ON, 9)):
            with changing(sequence.pk, by="mara", now=MONDAY + HOUR, way=way):
                composing.set_timing(step.pk, AfterDays(day), now=MONDAY + HOUR)
        sent = run(MONDAY, MONDAY + 15 * DAY)
        assert keys(sent, old.subscriber_id) == [("day-0", 0), ("day-4", 9)]


class TestADeletedLetter:
    def test_is_skipped_and_comes_back_only_to_those_before_its_place(self) -> None:
        sequence = drip(0, 2, 4, 20)
        passing, behind = join(sequence), join(sequence, MONDAY + 9 * DAY)
        step = sequence.steps.get(key="day-2")
        with changing(sequence.pk, by="mara", now=MONDAY + DAY):
            composing.delete_step(step.pk, now=MONDAY + DAY)
        replan_sequence(sequence.pk, MONDAY + DAY)
        run(MONDAY, MONDAY + 10 * DAY)
        with changing(sequence.pk, by="mara", now=MONDAY + 10 * DAY):
            composing.restore_step(step.pk, now=MONDAY + 10 * DAY)
        replan_sequence(sequence.pk, MONDAY + 10 * DAY)
        sent = run(MONDAY + 10 * DAY, MONDAY + 40 * DAY)
        assert [key for key, _ in keys(sent, passing.subscriber_id)] == ["day-20"]
        assert [key for key, _ in keys(sent, behind.subscriber_id)] == ["day-2", "day-4", "day-20"]

    def test_readers_who_keep_it_get_it_claimed_and_sent(self) -> None:
        sequence = drip(0)
        old = join(sequence)
        with changing(sequence.pk, by="mara", now=MONDAY + HOUR / 4, way=Way.NEW_READERS):
            composing.delete_step(sequence.steps.get().pk, now=MONDAY)
        replan_sequence(sequence.pk, MONDAY + HOUR / 2)
        new = join(sequence, MONDAY + HOUR / 2)
        held = claim_letters(MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, limit=10)
        assert [letter.enrolment_id for letter in held] == [old.pk]
        assert local(new) is None


class TestOtherWords:
    @pytest.mark.parametrize(("way", "theirs"), [(Way.NEW_READERS, ["old", "new"]), (Way.NOW_ON, ["new", "new"])])
    def test_whoever_keeps_what_they_began_with_gets_the_old_ones(self, way: Way, theirs: list[str]) -> None:
        sequence = drip(0)
        join(sequence)
        step = sequence.steps.get()
        numbers = {step.current_id: "old"}
        composing.edit_step(
            step.pk, subject="Another", preheader="A short note for you", body=BODY, author="mara", now=MONDAY
        )
        reviewing.approve(sequence.pk, approver="ruth", now=MONDAY + HOUR / 4, way=way)
        replan_sequence(sequence.pk, MONDAY)
        join(sequence, MONDAY + HOUR / 2)
        claim_letters(MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, limit=10)
        sent = Dispatch.objects.order_by("enrolment").values_list("revision", flat=True)
        assert [numbers.get(revision, "new") for revision in sent] == theirs


class TestUndoing:
    def test_everything_is_as_it_was(self) -> None:
        sequence = drip(0, 4)
        reader = join(sequence)
        send_due(MONDAY + HOUR)
        step = sequence.steps.get(key="day-4")
        with changing(sequence.pk, by="mara", now=MONDAY + DAY, way=Way.NEW_READERS) as made:
            composing.set_timing(step.pk, AfterDays(9), now=MONDAY + DAY)
        assert Kept.objects.exists()
        assert made.edit is not None
        undoing.undo(made.edit.pk, by="ruth", now=MONDAY + DAY)
        step.refresh_from_db()
        assert (step.after_days, step.kept_until, Kept.objects.count()) == (4, None, 0)
        assert local(reader) == "Fri 2026-11-27 10:00"
        assert newest_edit(sequence.pk) is None
        with pytest.raises(Refused, match="undone already"):
            undoing.undo(made.edit.pk, by="ruth", now=MONDAY + DAY)

    def test_new_words_wait_for_approval_again(self) -> None:
        sequence = drip(0, 4)
        join(sequence)
        add(sequence, 2, Way.NOW_ON, MONDAY, position=2)
        edit = Edit.objects.get()
        assert [(change["kind"], change["key"]) for change in edit.changes] == [("added", "day-2")]
        undoing.undo(edit.pk, by="ruth", now=MONDAY)
        step = sequence.steps.get(key="day-2")
        assert step.current is None
        assert not step.revisions.get().is_approved

    def test_a_deleted_letter_comes_back_to_those_who_would_have_had_it(self) -> None:
        sequence = drip(0, 4, 8)
        reader = join(sequence)
        send_due(MONDAY + HOUR)
        with changing(sequence.pk, by="mara", now=MONDAY + DAY) as made:
            composing.delete_step(sequence.steps.get(key="day-4").pk, now=MONDAY + DAY)
        replan_sequence(sequence.pk, MONDAY + DAY)
        assert local(reader) == "Tue 2026-12-01 10:00"
        assert made.edit is not None
        undoing.undo(made.edit.pk, by="mara", now=MONDAY + 2 * DAY)
        assert local(reader) == "Fri 2026-11-27 10:00"

    def test_it_is_over_when_the_first_letter_is_claimed_and_says_so(self) -> None:
        sequence = drip(0, 4)
        join(sequence)
        with changing(sequence.pk, by="mara", now=MONDAY) as made:
            composing.set_timing(sequence.steps.get(key="day-4").pk, AfterDays(3), now=MONDAY)
        assert made.edit is not None
        assert undoing.why_not(made.edit) == ""
        replan_sequence(sequence.pk, MONDAY)
        # a letter the change has nothing to do with
        claim_letters(MONDAY + HOUR, MONDAY + 2 * HOUR, limit=9)
        assert undoing.why_not(made.edit) == ""
        Dispatch.objects.update(step_key="day-4")
        assert "its first letter was on its way on Mon 23 November 10:00 UTC" in undoing.why_not(made.edit)
        with pytest.raises(Refused, match="on its way"):
            undoing.undo(made.edit.pk, by="ruth", now=MONDAY + HOUR)
        assert sequence.steps.get(key="day-4").after_days == 3

    def test_the_newest_change_goes_first(self) -> None:
        sequence = drip(0, 4)
        edits = []
        for day in (5, 6):
            with changing(sequence.pk, by="mara", now=MONDAY) as made:
                composing.set_timing(sequence.steps.get(key="day-4").pk, AfterDays(day), now=MONDAY)
            assert made.edit is not None
            edits.append(made.edit)
        assert "Undo that one first" in undoing.why_not(edits[0])
        with pytest.raises(Refused, match="Undo that one first"):
            undoing.undo(edits[0].pk, by="ruth", now=MONDAY)
        for edit in reversed(edits):
            undoing.undo(edit.pk, by="ruth", now=MONDAY)
        assert sequence.steps.get(key="day-4").after_days == 4


def test_a_draft_that_nobody_reads_keeps_no_record_of_its_changes() -> None:
    sequence = drip(0, state=Sequence.State.DRAFT, activated_at=None)
    with changing(sequence.pk, by="mara", now=MONDAY) as made:
        composing.set_timing(sequence.steps.get().pk, AfterDays(3), now=MONDAY)
    assert made.edit is None


def test_a_letter_that_was_passed_over_comes_when_it_is_brought_back_for_those_past_it() -> None:
    sequence = drip(0, 2, 6)
    letter = sequence.steps.get(key="day-2")
    Step.objects.filter(pk=letter.pk).update(only_if="tag:north")
    theirs, others = join(sequence), join(sequence)
    run(MONDAY, MONDAY + 4 * DAY)
    retag(theirs.subscriber_id, MONDAY + 4 * DAY, give=["north"])
    composing.delete_step(letter.pk, now=MONDAY + 4 * DAY)
    with changing(sequence.pk, by="mara", now=MONDAY + 4 * DAY + HOUR, way=Way.BACKFILL):
        Step.objects.filter(pk=letter.pk).update(deleted_at=None)
    replan_sequence(sequence.pk, MONDAY + 4 * DAY + HOUR)
    sent = run(MONDAY + 4 * DAY + HOUR, MONDAY + 9 * DAY)
    assert keys(sent, theirs.subscriber_id) == [("day-2", 4), ("day-6", 6)]
    assert keys(sent, others.subscriber_id) == [("day-6", 6)]


def test_a_letter_for_new_readers_is_not_said_to_be_taken_out_for_the_others() -> None:
    sequence = drip(0, 4)
    here = join(sequence)
    add(sequence, 2, Way.NEW_READERS, MONDAY + HOUR, position=2)
    told = " ".join(each.sentence for each in explain(here.subscriber_id, MONDAY + 2 * HOUR))
    assert "“Day 2” does not come: it was added only for readers who join later than this one." in told
    assert "taken out" not in told
