"""Giving a date, giving another, and stopping: what is planned, and what is left behind."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from keepshowingup.audience.dates import forget_dates_of_those_gone
from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.counting import count_from, is_counting, milestones_for, stop_counting
from keepshowingup.cadence.enrolling import enrol, enrol_many, leave_sequence
from keepshowingup.cadence.explaining import explain
from keepshowingup.cadence.forecast import forecast, forecast_reader
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.replanning import replan_reader, replan_sequence, resume_reader
from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import DAY, HOUR, drip, join, local, milestones, reader, run
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db
TODAY = MONDAY.date()


@pytest.fixture
def notes() -> Sequence:
    """Marks at 1, 7 and 30 days, and every year from the first on."""
    return milestones()


def counting(days_ago: int, who: Subscriber | None = None) -> Enrolment:
    who = who or reader()
    count_from(who.pk, TODAY - days_ago * DAY, MONDAY)
    return Enrolment.objects.get(subscriber=who, sequence__milestones=True)


def days_of(start: date, until: int = 400) -> list[int]:
    return [(sent.at.date() - start).days for sent in run(MONDAY, MONDAY + until * DAY)]


def test_marks_to_come_are_sent_and_those_that_have_been_are_not(notes: Sequence) -> None:
    enrolment = counting(7)
    assert local(enrolment) == "Wed 2026-12-16 10:00"
    assert days_of(TODAY - 7 * DAY, until=800) == [30, 365, 731]  # 2028 has a day more


def test_each_year_has_a_key_of_its_own(notes: Sequence) -> None:
    enrolment = counting(40)
    run(MONDAY, MONDAY + 1200 * DAY)
    keys = set(PastStep.objects.filter(enrolment=enrolment).values_list("step_key", flat=True))
    assert len(keys) == 3
    assert all(key.startswith("mark-") for key in keys)


def test_with_another_date_the_old_plan_is_gone_and_nothing_tells_the_old_date(notes: Sequence) -> None:
    enrolment = counting(0)
    old = TODAY
    assert len(run(MONDAY, MONDAY + 8 * DAY)) == 2
    later = MONDAY + 20 * DAY
    count_from(enrolment.subscriber_id, later.date() - 3 * DAY, later)
    assert local(enrolment) == "Thu 2026-12-17 10:00"
    enrolment.refresh_from_db()
    assert enrolment.subscriber.counted_from == later.date() - 3 * DAY
    # 12 days after the last note nothing needs to know of it any more.
    assert not PastStep.objects.filter(enrolment=enrolment).exists()
    assert old not in {enrolment.started_on, enrolment.enrolled_at.date()}
    assert Notice.objects.count() == 0
    sent = run(later, later + 400 * DAY)
    assert [(each.at.date() - later.date()).days for each in sent] == [4, 27, 362]


def test_the_note_of_yesterday_still_counts_for_the_pace_but_names_no_mark(notes: Sequence) -> None:
    enrolment = counting(0)
    run(MONDAY, MONDAY + 2 * DAY)
    before = PastStep.objects.get(enrolment=enrolment).step_key
    count_from(enrolment.subscriber_id, TODAY - 100 * DAY, MONDAY + 2 * DAY)
    past = PastStep.objects.get(enrolment=enrolment)
    assert past.step_key == before
    assert "day" not in past.due_reason


def test_the_same_date_again_changes_nothing(notes: Sequence) -> None:
    enrolment = counting(6)
    due = local(enrolment)
    count_from(enrolment.subscriber_id, TODAY - 6 * DAY, MONDAY + 20 * HOUR)
    assert local(enrolment) == due


def test_the_same_date_after_stopping_sends_no_mark_again(notes: Sequence) -> None:
    who = reader()
    counting(0, who)
    run(MONDAY, MONDAY + DAY + 2 * HOUR)
    stop_counting(who.pk, MONDAY + DAY + 3 * HOUR)
    count_from(who.pk, TODAY, MONDAY + DAY + 4 * HOUR)
    sent = run(MONDAY + DAY + 4 * HOUR, MONDAY + 40 * DAY)
    assert [(each.at.date() - TODAY).days for each in sent] == [7, 30]


def test_stopping_erases_the_date_and_nothing_comes(notes: Sequence) -> None:
    enrolment = counting(6)
    stop_counting(enrolment.subscriber_id, MONDAY)
    stop_counting(enrolment.subscriber_id, MONDAY)
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.due_at, enrolment.next_step, enrolment.next_key) == ("left", None, None, "")
    assert enrolment.subscriber.counted_from is None
    assert not is_counting(enrolment.subscriber_id)
    assert days_of(TODAY) == []


def test_stopping_the_sequence_by_any_other_door_forgets_the_date_too(notes: Sequence) -> None:
    enrolment = counting(6)
    leave_sequence(enrolment.subscriber_id, notes.pk, MONDAY)
    enrolment.refresh_from_db()
    assert enrolment.subscriber.counted_from is None


@pytest.mark.parametrize(("ahead", "word"), [(1, "still to come"), (-365 * 120, "year")])
def test_a_date_that_cannot_be_counted_from_is_refused_kindly(notes: Sequence, ahead: int, word: str) -> None:
    who = reader()
    with pytest.raises(WrongUsage, match=word):
        count_from(who.pk, TODAY + ahead * DAY, MONDAY)
    assert not Enrolment.objects.exists()


def test_today_is_today_where_the_reader_lives(notes: Sequence) -> None:
    evening = MONDAY + 8 * HOUR
    count_from(reader(zone="Pacific/Auckland").pk, TODAY + DAY, evening)
    with pytest.raises(WrongUsage):
        count_from(reader(zone="America/Santiago").pk, TODAY + DAY, evening)


def test_family_readers_have_no_counter_and_without_letters_no_date_is_kept() -> None:
    for who in (reader(), reader(audience="family")):
        with pytest.raises(Refused):
            count_from(who.pk, TODAY, MONDAY)
        assert Subscriber.objects.get(pk=who.pk).counted_from is None
    milestones()
    with pytest.raises(Refused):
        count_from(reader(audience="family").pk, TODAY, MONDAY)


def test_the_letters_nearest_the_readers_language_are_theirs(notes: Sequence) -> None:
    german = milestones(language="de")
    assert milestones_for(reader(language="de-AT")) == german
    assert milestones_for(reader(language="en")) == notes
    assert milestones_for(reader(language="fr")) == notes


def test_what_falls_into_a_break_is_dropped_and_the_rest_keeps_its_days(notes: Sequence) -> None:
    enrolment = counting(0)
    pause(enrolment.subscriber_id, MONDAY + HOUR, None)
    resume_reader(enrolment.subscriber_id, MONDAY + 7 * DAY + 2 * HOUR)
    replan_reader(enrolment.subscriber_id, MONDAY + 7 * DAY + 3 * HOUR)
    replan_sequence(notes.pk, MONDAY + 7 * DAY + 4 * HOUR)
    sent = run(MONDAY + 7 * DAY + 5 * HOUR, MONDAY + 40 * DAY)
    assert [(each.at.date() - TODAY).days for each in sent] == [30]


def test_a_mark_moves_the_other_letters_out_of_its_day(notes: Sequence) -> None:
    who = reader()
    other = join(drip(0, 1, 7), MONDAY, who)
    counting(0, who)
    sent = [(each.key, (each.at.date() - TODAY).days) for each in run(MONDAY, MONDAY + 12 * DAY)]
    assert sent == [("day-0", 0), ("mark-1", 1), ("day-1", 2), ("mark-7", 7), ("day-7", 8)]
    assert Enrolment.objects.get(pk=other.pk).state == EnrolmentState.FINISHED


def test_nobody_is_put_in_without_a_date_of_their_own(notes: Sequence) -> None:
    who = reader()
    with pytest.raises(Refused, match="giving a date"):
        enrol(who.pk, notes.pk, MONDAY)
    with pytest.raises(Refused, match="giving a date"):
        enrol_many([who.pk], notes.pk, MONDAY)
    assert not Enrolment.objects.exists()


def test_the_sequence_is_shown_by_a_forecast_for_a_date_of_that_day(notes: Sequence) -> None:
    letters = forecast(notes.pk, zone="Europe/London", hour=MONDAY.time().replace(hour=10), start=MONDAY, days=400)
    assert [(each.step_key, (each.local.date() - TODAY).days) for each in letters] == [
        ("mark-1", 1), ("mark-7", 7), ("mark-30", 30), ("mark-every-year", 365)]  # fmt: skip


def test_staff_are_told_when_and_never_which(notes: Sequence) -> None:
    enrolment = counting(0)
    run(MONDAY, MONDAY + 2 * DAY)
    foreseen = forecast_reader(enrolment.subscriber_id, MONDAY + 2 * DAY, days=10)
    assert [(each.local.date() - TODAY).days for each in foreseen] == [7]
    told = str(explain(enrolment.subscriber_id, MONDAY + 2 * DAY)) + str(foreseen)
    assert "A letter about a date of their own left on Tue 24 November" in told
    assert "Next is a letter about a date of their own, on Mon 30 November" in told
    assert not any(word in told for word in ("Mark 1", "Mark 7", "mark-7", "7 days", "1 day"))


def test_a_yes_after_years_begins_without_the_old_date(notes: Sequence) -> None:
    enrolment = counting(6)
    leave(enrolment.subscriber_id, MONDAY)
    assert forget_dates_of_those_gone(MONDAY + 2 * HOUR) == 0  # it may still be taken back
    assert forget_dates_of_those_gone(MONDAY + timedelta(days=1, hours=1)) == 1
    enrolment.refresh_from_db()
    assert enrolment.subscriber.counted_from is None
