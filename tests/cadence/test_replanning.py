from __future__ import annotations

from datetime import datetime, time

import pytest

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.preferences import change, pause
from keepshowingup.cadence import starting
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.replanning import (
    end_pauses,
    move_out_of_quiet,
    replan_reader,
    replan_sequence,
    resume_reader,
    resume_sequence,
)
from keepshowingup.core.errors import NotFound
from tests.cadence.world import DAY, HOUR, Sent, drip, join, local, newsletter, reader, run
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


def days(sent: list[Sent]) -> list[tuple[str, int]]:
    return [(each.key, (each.at.date() - MONDAY.date()).days) for each in sent]


class TestAReadersBreak:
    def test_nothing_comes_during_it_and_the_spacing_is_kept_after_it(self) -> None:
        enrolment = join(drip(0, 2, 7))
        sent = run(MONDAY, MONDAY + DAY)
        pause(enrolment.subscriber_id, MONDAY + DAY, 10)
        sent += run(MONDAY + DAY, MONDAY + 30 * DAY)
        assert days(sent) == [("day-0", 0), ("day-2", 12), ("day-7", 17)]

    def test_it_may_be_ended_early(self) -> None:
        enrolment = join(drip(0, 2, 7))
        run(MONDAY, MONDAY + DAY)
        pause(enrolment.subscriber_id, MONDAY + DAY, None)
        resume_reader(enrolment.subscriber_id, MONDAY + 4 * DAY)
        assert local(enrolment) == "Sat 2026-11-28 10:00"
        assert Subscriber.objects.get(pk=enrolment.subscriber_id).paused_at is None

    def test_ending_it_on_the_same_day_moves_nothing(self) -> None:
        enrolment = join(drip(2))
        pause(enrolment.subscriber_id, MONDAY, None)
        resume_reader(enrolment.subscriber_id, MONDAY + 3 * HOUR)
        resume_reader(enrolment.subscriber_id, MONDAY + 3 * HOUR)
        assert local(enrolment) == "Wed 2026-11-25 10:00"

    def test_only_breaks_that_are_over_are_ended(self) -> None:
        short, long = join(drip(2)), join(drip(2))
        pause(short.subscriber_id, MONDAY, 3)
        pause(long.subscriber_id, MONDAY, 30)
        assert end_pauses(MONDAY + 3 * DAY) == 1
        assert end_pauses(MONDAY + 3 * DAY) == 0
        assert local(short) == "Sat 2026-11-28 10:00"

    def test_a_break_that_ended_while_nothing_ran_counts_to_its_end(self) -> None:
        enrolment = join(drip(2, 20))
        pause(enrolment.subscriber_id, MONDAY, 3)
        end_pauses(MONDAY + 4 * DAY)
        enrolment.refresh_from_db()
        assert enrolment.moved_days == 3

    def test_issues_of_a_newsletter_during_it_come_afterwards_one_by_one(self) -> None:
        enrolment = join(newsletter("2026-11-25", "2026-11-27", "2026-12-24"))
        pause(enrolment.subscriber_id, MONDAY, 10)
        sent = run(MONDAY, MONDAY + 40 * DAY)
        assert days(sent) == [("2026-11-25", 10), ("2026-11-27", 11), ("2026-12-24", 31)]

    def test_a_reader_who_is_gone_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            resume_reader(12345, MONDAY)


class TestASequencesBreak:
    def test_all_plans_move_by_the_days_it_lasted_and_nothing_goes_off_at_once(self) -> None:
        sequence = drip(0, 2, 4)
        join(sequence)
        sent = run(MONDAY, MONDAY + DAY)
        starting.pause(sequence.pk, MONDAY + DAY)
        sent += run(MONDAY + DAY, MONDAY + 9 * DAY)
        starting.resume(sequence.pk, MONDAY + 9 * DAY)
        sent += run(MONDAY + 9 * DAY, MONDAY + 20 * DAY)
        assert days(sent) == [("day-0", 0), ("day-2", 10), ("day-4", 12)]

    def test_who_joined_during_it_begins_when_it_ends(self) -> None:
        sequence = drip(0, 2)
        starting.pause(sequence.pk, MONDAY)
        enrolment = join(sequence, now=MONDAY + 2 * DAY)
        starting.resume(sequence.pk, MONDAY + 5 * DAY)
        assert local(enrolment) == "Sat 2026-11-28 10:00"

    def test_doing_it_again_after_a_crash_counts_no_break_twice(self) -> None:
        sequence = drip(2)
        enrolment = join(sequence)
        starting.pause(sequence.pk, MONDAY)
        for _ in range(3):
            resume_sequence(sequence.pk, MONDAY, MONDAY + 5 * DAY)
        starting.resume(sequence.pk, MONDAY + 5 * DAY)
        assert local(enrolment) == "Mon 2026-11-30 10:00"

    @pytest.mark.parametrize(
        ("reader_rests", "sequence_rests"),
        [((1, 10), (5, 8)), ((5, 8), (1, 10)), ((1, 6), (4, 10)), ((4, 10), (1, 6)), ((1, 3), (5, 10))],
    )
    def test_days_on_which_both_rested_count_once(
        self, reader_rests: tuple[int, int], sequence_rests: tuple[int, int]
    ) -> None:
        sequence = drip(30)
        enrolment = join(sequence)
        for day in range(12):
            now = MONDAY + day * DAY
            if day == reader_rests[0]:
                pause(enrolment.subscriber_id, now, None)
            if day == sequence_rests[0]:
                starting.pause(sequence.pk, now)
            if day == reader_rests[1]:
                resume_reader(enrolment.subscriber_id, now)
            if day == sequence_rests[1]:
                starting.resume(sequence.pk, now)
        rested = set(range(*reader_rests)) | set(range(*sequence_rests))
        enrolment.refresh_from_db()
        assert enrolment.moved_days == len(rested)


class TestAReaderWhoMoves:
    def test_the_letter_comes_at_the_hour_of_the_new_place(self) -> None:
        enrolment = join(drip(2))
        assert change(enrolment.subscriber_id, zone="America/New_York")
        replan_reader(enrolment.subscriber_id, MONDAY)
        assert local(Enrolment.objects.get()) == "Wed 2026-11-25 10:00"
        assert Enrolment.objects.get().due_at == datetime.fromisoformat("2026-11-25T15:00+00:00")

    def test_never_earlier_than_promised(self) -> None:
        enrolment = join(drip(2))
        promised = enrolment.due_at
        change(enrolment.subscriber_id, zone="Asia/Tokyo")
        replan_reader(enrolment.subscriber_id, MONDAY)
        enrolment.refresh_from_db()
        assert promised is not None
        assert enrolment.due_at is not None
        assert enrolment.due_at >= promised
        assert local(Enrolment.objects.get()) == "Wed 2026-11-25 19:00"

    def test_never_twice(self) -> None:
        enrolment = join(drip(0, 2, 4))
        sent = []
        zones = ["Pacific/Auckland", "Pacific/Honolulu", "Europe/London", "Asia/Kathmandu", "America/Nuuk"]
        for number, zone in enumerate(zones):
            now = MONDAY + number * DAY
            change(enrolment.subscriber_id, zone=zone)
            replan_reader(enrolment.subscriber_id, now)
            sent += run(now, now + DAY)
        sent += run(MONDAY + 5 * DAY, MONDAY + 12 * DAY)
        assert [each.key for each in sent] == ["day-0", "day-2", "day-4"]

    def test_another_hour_applies_from_the_next_letter_that_was_not_promised(self) -> None:
        enrolment = join(drip(2, 4))
        change(enrolment.subscriber_id, hour=time(18))
        replan_reader(enrolment.subscriber_id, MONDAY)
        assert local(Enrolment.objects.get()) == "Wed 2026-11-25 18:00"


class TestAnOutage:
    def test_what_is_overdue_waits_until_the_reader_is_awake(self) -> None:
        join(drip(0, 2))
        sent = run(MONDAY + 14 * HOUR, MONDAY + 5 * DAY)  # it comes up at 23:00
        assert [f"{each.at:%a %H:%M}" for each in sent] == ["Tue 08:00", "Wed 10:00"]

    def test_after_days_it_comes_at_the_readers_hour_and_the_rest_keeps_its_spacing(self) -> None:
        join(drip(0, 2))
        sent = run(MONDAY + 3 * DAY - 6 * HOUR, MONDAY + 9 * DAY)  # at 03:00
        assert [f"{each.at:%a %H:%M}" for each in sent] == ["Thu 10:00", "Sat 10:00"]

    def test_awake_readers_are_left_to_be_claimed(self) -> None:
        join(drip(0))
        asleep = join(drip(0), who=reader(zone="Asia/Tokyo", hour=time(18, 0)))
        now = MONDAY + 6 * HOUR  # midnight in Tokyo
        assert move_out_of_quiet(now) == 1
        assert local(asleep) == "Tue 2026-11-24 18:00"

    def test_a_letter_too_late_by_now_is_left_to_be_passed_over_at_any_hour(self) -> None:
        late = join(drip(0, too_late_hours=10))
        assert move_out_of_quiet(MONDAY + 14 * HOUR) == 0
        assert local(late) == "Mon 2026-11-23 10:00"

    def test_a_letter_a_few_minutes_late_is_no_outage(self) -> None:
        join(drip(0), who=reader(hour=time(20, 55)))
        assert move_out_of_quiet(MONDAY + 12 * HOUR + 5 * HOUR / 60) == 0


def test_replanning_a_sequence_takes_few_queries(django_assert_max_num_queries: pytest.FixtureRequest) -> None:
    sequence = drip(2, 4)
    for _ in range(30):
        join(sequence)
    sequence.steps.filter(key="day-2").update(after_days=3)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert replan_sequence(sequence.pk, MONDAY) == 30
    assert {local(each) for each in Enrolment.objects.all()} == {"Thu 2026-11-26 10:00"}
