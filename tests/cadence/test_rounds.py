"""Beginning anew, going on with what follows, and ends by where a reader goes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction

from keepshowingup.audience.leaving import leave
from keepshowingup.cadence.enrolling import enrol, enrol_many, leave_sequence
from keepshowingup.cadence.forecast import forecast_reader
from keepshowingup.cadence.going_back import go_back
from keepshowingup.cadence.helping import helped_by_step, say_helped
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import NotFound
from keepshowingup.core.states import EnrolmentState
from keepshowingup.editorial.models import Sequence
from tests.cadence.world import DAY, Sent, drip, issue, join, local, newsletter, reader, run
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


def rounds(enrolment: Enrolment) -> list[tuple[int, str]]:
    mine = Enrolment.objects.filter(subscriber=enrolment.subscriber_id, sequence=enrolment.sequence_id)
    return list(mine.order_by("round").values_list("round", "state"))


def days_of(sent: list[Sent]) -> list[tuple[int, str]]:
    return [((each.at.date() - MONDAY.date()).days, each.key) for each in sent]


@pytest.mark.parametrize(
    ("again_after_days", "on_day", "begins"),
    [(None, 400, False), (0, 2, True), (30, 31, False), (30, 32, True)],
    ids=["never", "always", "too early", "after the gap"],
)
def test_who_is_through_begins_anew_as_the_sequence_says(
    again_after_days: int | None, on_day: int, begins: bool
) -> None:
    sequence = drip(0, 2, again_after_days=again_after_days)
    place = join(sequence)
    run(MONDAY, MONDAY + 3 * DAY)
    again = enrol(place.subscriber_id, sequence.pk, MONDAY + on_day * DAY)
    assert (again.pk != place.pk) is begins
    over = (1, EnrolmentState.FINISHED.value)
    assert rounds(place) == ([over, (2, EnrolmentState.ACTIVE.value)] if begins else [over])
    sent = run(MONDAY + on_day * DAY, MONDAY + (on_day + 12) * DAY)
    assert [each.key for each in sent] == (["day-0", "day-2"] if begins else [])


def test_joining_again_in_the_middle_goes_on_where_they_were_whatever_the_sequence_allows() -> None:
    sequence = drip(0, 2, 4, again_after_days=0)
    place = join(sequence)
    run(MONDAY, MONDAY + 3 * DAY)
    assert enrol(place.subscriber_id, sequence.pk, MONDAY + 3 * DAY).pk == place.pk
    leave_sequence(place.subscriber_id, sequence.pk, MONDAY + 3 * DAY)
    assert enrol(place.subscriber_id, sequence.pk, MONDAY + 40 * DAY).pk == place.pk
    assert [sent.key for sent in run(MONDAY + 40 * DAY, MONDAY + 60 * DAY)] == ["day-4"]


def test_a_file_imported_again_starts_nothing_anew() -> None:
    sequence = drip(0, again_after_days=0)
    place = join(sequence)
    run(MONDAY, MONDAY + 2 * DAY)
    assert enrol_many([place.subscriber_id], sequence.pk, MONDAY + 5 * DAY) == 0
    assert rounds(place) == [(1, EnrolmentState.FINISHED.value)]


def test_the_database_itself_keeps_two_from_beginning_the_same_round() -> None:
    place = join(drip(0))
    with pytest.raises(IntegrityError), transaction.atomic():
        Enrolment.objects.create(
            subscriber=place.subscriber, sequence=place.sequence, enrolled_at=MONDAY, started_on=MONDAY.date()
        )


def test_an_old_letter_in_doubt_does_not_come_back_into_a_new_round() -> None:
    sequence = drip(0, again_after_days=0)
    place = join(sequence)
    run(MONDAY, MONDAY + 2 * DAY)
    enrol(place.subscriber_id, sequence.pk, MONDAY + 2 * DAY)
    assert not go_back(place.pk, "day-0")


def follow(*sequences: Sequence) -> None:
    for one, then in pairwise(sequences):
        Sequence.objects.filter(pk=one.pk).update(then=then)


def test_at_its_end_the_next_one_begins_on_the_day_after() -> None:
    first, second, third = drip(0, 2), drip(0, 3), drip(1)
    follow(first, second, third)
    place = join(first)
    assert days_of(run(MONDAY, MONDAY + 30 * DAY)) == [
        (0, "day-0"),
        (2, "day-2"),
        (3, "day-0"),
        (7, "day-3"),
        (9, "day-1"),
    ]
    assert set(Enrolment.objects.filter(subscriber=place.subscriber_id).values_list("state", flat=True)) == {
        EnrolmentState.FINISHED
    }


def test_the_forecast_goes_on_with_what_follows() -> None:
    first, second, third = drip(0, 2), drip(0, 3), drip(1)
    follow(first, second, third)
    place = join(first)
    foreseen = [(letter.utc, letter.step_key) for letter in forecast_reader(place.subscriber_id, MONDAY)]
    sent = run(MONDAY, MONDAY + 30 * DAY, every=timedelta(minutes=30))
    assert foreseen == [(each.at, each.key) for each in sent]


def test_what_follows_a_newsletter_gets_only_what_is_new() -> None:
    first, letters = drip(0), newsletter("2026-11-20", "2026-11-23")
    issue(letters, "2026-12-01")
    follow(first, letters)
    join(first)
    assert [sent.key for sent in run(MONDAY, MONDAY + 20 * DAY)] == ["day-0", "2026-12-01"]


@pytest.mark.parametrize("how", ["in it", "stopped it", "through", "left", "paused sequence"])
def test_who_does_not_come_into_what_follows(how: str) -> None:
    first, second = drip(0, 9), drip(0, 20)
    follow(first, second)
    place = join(first)
    who = place.subscriber_id
    if how == "paused sequence":
        Sequence.objects.filter(pk=second.pk).update(state=Sequence.State.PAUSED, paused_at=MONDAY)
    elif how != "left":
        enrol(who, second.pk, MONDAY + DAY)
        if how == "through":
            Enrolment.objects.filter(sequence=second).update(state="finished", due_at=None)
        elif how == "stopped it":
            leave_sequence(who, second.pk, MONDAY + 2 * DAY)
    before = run(MONDAY, MONDAY + 9 * DAY)
    if how == "left":
        leave(who, MONDAY + 9 * DAY)
    after = run(MONDAY + 9 * DAY, MONDAY + (12 if how == "paused sequence" else 40) * DAY)
    extra = {"in it": ["day-0", "day-20"]}.get(how, [])
    assert sorted(sent.key for sent in before + after if sent.sequence == second.pk) == extra
    theirs = Enrolment.objects.filter(sequence=second)
    assert theirs.count() == (0 if how == "left" else 1)


def test_coming_into_a_sequence_ends_those_that_say_so() -> None:
    waiting, main = drip(0, 7, 14), drip(3, slug="main")
    Sequence.objects.filter(pk=waiting.pk).update(ends_when="sequence:main")
    place = join(waiting)
    run(MONDAY, MONDAY + DAY)
    other = join(waiting)
    join(main, MONDAY + DAY, place.subscriber)
    place.refresh_from_db()
    assert (place.state, place.due_reason) == (EnrolmentState.ENDED, "the reader came into the sequence main")
    assert local(other) is not None
    assert {sent.key for sent in run(MONDAY + DAY, MONDAY + 9 * DAY) if sent.reader == place.subscriber_id} == {"day-3"}


def test_a_reader_who_says_that_it_helped_is_counted_once_and_may_end_it() -> None:
    lasting, ending = drip(0, 7), drip(0, 7, ends_when="helped")
    who = reader()
    places = [join(sequence, who=who) for sequence in (lasting, ending)]
    run(MONDAY, MONDAY + 2 * DAY)
    ends = []
    for place in places:
        step = place.sequence.steps.get(key="day-0")
        ends += [say_helped(who.pk, step.pk, MONDAY + 2 * DAY), say_helped(who.pk, step.pk, MONDAY + 2 * DAY)]
        assert helped_by_step(place.sequence_id) == {"day-0": 1}
    assert ends == [False, False, True, False]
    assert [sent.sequence for sent in run(MONDAY + 2 * DAY, MONDAY + 20 * DAY)] == [lasting.pk]
    with pytest.raises(NotFound):
        say_helped(reader().pk, lasting.steps.get(key="day-0").pk, MONDAY)
