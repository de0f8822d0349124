from __future__ import annotations

import pytest
from django.db.models import F

from keepshowingup.cadence.advancing import Settled, advance, advance_many, plan_next
from keepshowingup.cadence.models import PastStep
from keepshowingup.cadence.replanning import replan_sequence
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Approval, Sequence
from tests.cadence.world import DAY, HOUR, Sent, drip, issue, join, local, newsletter, reader, run, send_due
from tests.factories import MONDAY, StepFactory

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


class TestADrip:
    def test_letters_come_on_their_days_at_the_readers_hour_and_then_it_is_finished(self) -> None:
        enrolment = join(drip(0, 2, 7))
        sent = run(MONDAY, MONDAY + 12 * DAY)
        assert [(each.key, each.at - TEN) for each in sent] == [
            ("day-0", 0 * DAY),
            ("day-2", 2 * DAY),
            ("day-7", 7 * DAY),
        ]
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.due_at, enrolment.next_step) == (EnrolmentState.FINISHED, None, None)

    def test_the_plan_says_when_by_the_readers_clock_and_why(self) -> None:
        enrolment = join(drip(2), who=reader(zone="America/New_York"))
        assert local(enrolment) == "Wed 2026-11-25 10:00"
        assert enrolment.due_local == "2026-11-25T10:00:00"
        assert enrolment.due_reason == "day 2 at the reader's hour 10:00"

    def test_settling_a_letter_twice_changes_nothing(self) -> None:
        enrolment = join(drip(0, 2, 7))
        for moment in (TEN, TEN + HOUR):
            advance(enrolment.pk, after_key="day-0", handed_at=moment, now=moment)
        assert PastStep.objects.get(enrolment=enrolment).handed_at == TEN
        assert local(enrolment) == "Wed 2026-11-25 10:00"

    def test_a_late_word_about_an_earlier_letter_does_not_disturb_the_plan(self) -> None:
        enrolment = join(drip(0, 2, 7))
        run(MONDAY, MONDAY + 3 * DAY)
        advance(enrolment.pk, after_key="day-0", handed_at=None, now=MONDAY + 3 * DAY)
        assert local(enrolment) == "Mon 2026-11-30 10:00"

    def test_a_letter_that_was_skipped_is_not_planned_again_and_does_not_count_for_the_pace(self) -> None:
        enrolment = join(drip(0, 7))
        advance(enrolment.pk, after_key="day-0", handed_at=None, now=TEN)
        past = PastStep.objects.get(enrolment=enrolment)
        assert (past.handed_at, past.due_reason) == (None, "day 0 at the reader's hour 10:00")
        assert local(enrolment) == "Mon 2026-11-30 10:00"
        enrolment.refresh_from_db()
        assert enrolment.last_handed_at is None

    def test_a_batch_is_settled_with_the_same_few_queries_whatever_its_size(
        self, django_assert_max_num_queries: pytest.FixtureRequest
    ) -> None:
        sequence = drip(0, 2)
        enrolments = [join(sequence) for _ in range(30)]
        rows = [Settled(each.pk, each.subscriber_id, "day-0", TEN) for each in enrolments]
        with django_assert_max_num_queries(14):  # type: ignore[operator]
            advance_many(rows, TEN)
        assert {local(each) for each in enrolments} == {"Wed 2026-11-25 10:00"}

    def test_a_letter_for_somebody_who_is_gone_is_passed_over(self) -> None:
        advance(123456, after_key="day-0", handed_at=TEN, now=TEN)

    def test_an_outage_moves_the_rest_of_the_plan_so_that_spacing_is_kept(self) -> None:
        enrolment = join(drip(0, 2, 4))
        sent = run(MONDAY, MONDAY + DAY) + run(MONDAY + 5 * DAY, MONDAY + 9 * DAY)
        assert [(each.key, (each.at.date() - MONDAY.date()).days) for each in sent] == [
            ("day-0", 0),
            ("day-2", 5),
            ("day-4", 7),
        ]
        enrolment.refresh_from_db()
        assert enrolment.moved_days == 3

    def test_a_claim_taken_back_after_an_outage_keeps_the_spacing_too(self) -> None:
        enrolment = join(drip(0, 2))
        enrolment.due_at = None
        enrolment.save()
        plan_next(enrolment, MONDAY + 3 * DAY + 17 * HOUR)  # at 02:00
        assert local(enrolment) == "Fri 2026-11-27 10:00"
        assert enrolment.moved_days == 4


class TestEdits:
    def sequence_with_a_reader_past_day_2(self) -> Sequence:
        sequence = drip(0, 2, 7)
        join(sequence)
        run(MONDAY, MONDAY + 3 * DAY)
        return sequence

    def next_keys(self, sequence: Sequence) -> list[str]:
        now = MONDAY + 3 * DAY
        replan_sequence(sequence.pk, now)
        return [each.key for each in run(now, now + 30 * DAY, every=6 * HOUR)]

    def test_a_letter_put_in_before_the_next_one_is_sent(self) -> None:
        sequence = self.sequence_with_a_reader_past_day_2()
        sequence.steps.filter(position__gt=2).update(position=F("position") + 1)
        step = StepFactory.create(sequence=sequence, key="new", position=3, after_days=5)
        approved_late(step.pk)
        assert self.next_keys(sequence) == ["new", "day-7"]

    def test_a_letter_put_in_behind_a_reader_is_not_sent_to_them_now_or_later(self) -> None:
        sequence = self.sequence_with_a_reader_past_day_2()
        sequence.steps.filter(position__gt=1).update(position=F("position") + 1)
        step = StepFactory.create(sequence=sequence, key="new", position=2, after_days=1)
        approved_late(step.pk)
        assert self.next_keys(sequence) == ["day-7"]
        assert [each.key for each in run_for_a_new_reader(sequence)] == ["day-0", "new", "day-2", "day-7"]

    def test_reordering_loses_nothing_and_repeats_nothing(self) -> None:
        sequence = self.sequence_with_a_reader_past_day_2()
        sequence.steps.filter(key="day-2").update(position=9, after_days=20)
        sequence.steps.filter(key="day-7").update(position=1)
        sequence.steps.filter(key="day-0").update(position=5)
        assert self.next_keys(sequence) == ["day-7"]

    def test_a_deleted_letter_is_never_sent(self) -> None:
        sequence = self.sequence_with_a_reader_past_day_2()
        sequence.steps.filter(key="day-7").update(deleted_at=MONDAY + 3 * DAY)
        assert self.next_keys(sequence) == []

    def test_a_letter_whose_step_was_deleted_after_the_claim_gives_way_to_the_next(self) -> None:
        sequence = drip(0, 2, 7)
        enrolment = join(sequence)
        enrolment.due_at = None
        enrolment.save()
        sequence.steps.filter(key="day-0").update(deleted_at=MONDAY)
        plan_next(enrolment, TEN)
        assert enrolment.next_step is not None
        assert (enrolment.next_step.key, local(enrolment)) == ("day-2", "Wed 2026-11-25 10:00")

    def test_a_letter_added_after_the_last_one_is_not_sent_to_those_who_finished(self) -> None:
        sequence = drip(0)
        enrolment = join(sequence)
        run(MONDAY, MONDAY + DAY)
        StepFactory.create(sequence=sequence, key="late", position=2, after_days=5)
        assert replan_sequence(sequence.pk, MONDAY + DAY) == 0
        enrolment.refresh_from_db()
        assert enrolment.state == EnrolmentState.FINISHED

    def test_a_reader_waits_at_a_letter_nobody_has_approved(self) -> None:
        sequence = drip(0)
        StepFactory.create(sequence=sequence, key="draft", position=2, after_days=3, approved=False)
        enrolment = join(sequence)
        run(MONDAY, MONDAY + DAY)
        assert local(enrolment) is None
        assert (enrolment.state, enrolment.due_reason) == ("active", "waits for the next letter to be approved")
        step = sequence.steps.get(key="draft")
        step.current = step.revisions.get()
        step.save()
        replan_sequence(sequence.pk, MONDAY + DAY)
        assert local(enrolment) == "Thu 2026-11-26 10:00"

    def test_moving_a_letter_to_an_earlier_day_moves_the_plan(self) -> None:
        sequence = drip(0, 7)
        enrolment = join(sequence)
        run(MONDAY, MONDAY + DAY)
        sequence.steps.filter(key="day-7").update(after_days=3)
        replan_sequence(sequence.pk, MONDAY + DAY)
        assert local(enrolment) == "Thu 2026-11-26 10:00"

    def test_a_letter_whose_moment_has_come_is_left_to_be_claimed(self) -> None:
        sequence = drip(0, 7)
        enrolment = join(sequence)
        replan_sequence(sequence.pk, TEN + HOUR)
        enrolment.refresh_from_db()
        assert enrolment.due_at == TEN

    def test_rules_that_leave_no_hour_make_readers_wait_and_say_why(self) -> None:
        sequence = drip(0, 2)
        enrolment = join(sequence)
        run(MONDAY, MONDAY + DAY)
        Sequence.objects.filter(pk=sequence.pk).update(weekdays="")
        replan_sequence(sequence.pk, MONDAY + DAY)
        assert local(enrolment) is None
        assert "No day of the week" in enrolment.due_reason
        Sequence.objects.filter(pk=sequence.pk).update(weekdays="1234567")
        replan_sequence(sequence.pk, MONDAY + DAY)
        assert local(enrolment) == "Wed 2026-11-25 10:00"


class TestANewsletter:
    def test_a_reader_gets_the_issues_after_they_joined(self) -> None:
        join(newsletter("2026-11-20", "2026-11-23", "2026-12-01"))
        assert [each.key for each in run(MONDAY, MONDAY + 20 * DAY)] == ["2026-11-23", "2026-12-01"]

    def test_an_issue_whose_hour_had_passed_when_they_joined_is_not_sent(self) -> None:
        join(newsletter("2026-11-23", "2026-12-01"), now=TEN + HOUR)
        assert [each.key for each in run(TEN + HOUR, MONDAY + 20 * DAY)] == ["2026-12-01"]

    def test_it_never_ends_and_picks_up_the_next_issue(self) -> None:
        sequence = newsletter("2026-11-24")
        enrolment = join(sequence)
        run(MONDAY, MONDAY + 3 * DAY)
        assert local(enrolment) is None
        assert (enrolment.state, enrolment.due_reason) == ("active", "waits for the next issue")
        issue(sequence, "2026-12-04")
        assert replan_sequence(sequence.pk, MONDAY + 4 * DAY) == 1
        assert local(enrolment) == "Fri 2026-12-04 10:00"

    def test_an_issue_published_late_still_comes(self) -> None:
        sequence = newsletter("2026-11-26")
        enrolment = join(sequence)
        run(MONDAY, MONDAY + 4 * DAY)
        approved_late(issue(sequence, "2026-11-25").pk)
        replan_sequence(sequence.pk, MONDAY + 4 * DAY)
        assert local(enrolment) == "Fri 2026-11-27 10:00"


class TestThePace:
    def test_letters_of_one_day_are_spread_over_days_in_order(self) -> None:
        join(drip(0, 1, 2, 3, 4))
        days = [(each.at.date() - MONDAY.date()).days for each in run(MONDAY, MONDAY + 20 * DAY)]
        assert days == [0, 1, 2, 7, 8]

    def test_two_sequences_never_write_on_one_day(self) -> None:
        maya = reader()
        join(drip(0, 2, 4, 9, title="One"), who=maya)
        second = join(drip(0, 2, 4, 9, title="Two"), who=maya)
        assert local(second) == "Tue 2026-11-24 10:00"
        assert "at most 1 a day and 3 in 7 days" in second.due_reason
        sent = run(MONDAY, MONDAY + 40 * DAY)
        days = [each.at.date() for each in sent]
        assert len(sent) == 8
        assert len(set(days)) == 8
        assert all((later - earlier).days >= 7 for earlier, later in zip(days, days[3:], strict=False))

    def test_a_newsletter_gives_way_to_a_sequence(self) -> None:
        maya = reader()
        news = join(newsletter("2026-11-25"), who=maya)
        assert local(news) == "Wed 2026-11-25 10:00"
        letters = join(drip(2), who=maya)
        assert local(letters) == "Wed 2026-11-25 10:00"
        assert local(news) == "Thu 2026-11-26 10:00"

    def test_after_an_outage_letters_of_two_sequences_do_not_come_at_once(self) -> None:
        maya = reader()
        join(drip(1), who=maya)
        join(drip(3), who=maya)
        sent = run(MONDAY + 6 * DAY, MONDAY + 10 * DAY)
        assert [(each.key, (each.at.date() - MONDAY.date()).days) for each in sent] == [("day-1", 6), ("day-3", 7)]

    def test_a_letter_that_took_days_to_be_accepted_keeps_another_off_that_day(self) -> None:
        maya = reader()
        slow, other = join(drip(0), who=maya), join(drip(3), who=maya)
        slow.due_at = None
        slow.save()
        accepted = MONDAY + 3 * DAY
        advance(slow.pk, after_key="day-0", handed_at=accepted, now=accepted)
        assert local(other) == "Fri 2026-11-27 10:00"


def approved_late(step_id: int) -> None:
    """The step was written and approved on the third day."""
    Approval.objects.filter(revision__step=step_id).update(approved_at=MONDAY + 3 * DAY)


def run_for_a_new_reader(sequence: Sequence) -> list[Sent]:
    late = MONDAY + 60 * DAY
    join(sequence, now=late)
    return run(late, late + 20 * DAY)


def test_nothing_is_due_without_readers() -> None:
    assert send_due(MONDAY) == []
