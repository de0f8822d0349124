"""Readers' tags and what follows from them: letters for some readers only, and sequences that end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keepshowingup.audience.tagging import MOST_TAGS, tags_of
from keepshowingup.cadence.explaining import explain
from keepshowingup.cadence.forecast import forecast, forecast_reader, left_out
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.tagging import retag
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import load_zone
from keepshowingup.editorial.models import Sequence, Step
from tests.cadence.world import DAY, drip, join, local, newsletter, reader, run, send_due
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


def only(sequence: Sequence, **conditions: str) -> Sequence:
    """Say for whom letters are: ``day_2="tag:north"``."""
    for key, written in conditions.items():
        assert Step.objects.filter(sequence=sequence, key=key.replace("_", "-")).update(only_if=written)
    return sequence


def keys(start_days: int = 0, days: int = 60) -> list[str]:
    return [sent.key for sent in run(MONDAY + start_days * DAY, MONDAY + days * DAY)]


def told(subscriber_id: int, now: datetime) -> list[str]:
    return [each.sentence for each in explain(subscriber_id, now)]


def state_of(enrolment: Enrolment) -> str:
    enrolment.refresh_from_db()
    return enrolment.state


def test_a_tag_is_given_once_and_taken_away() -> None:
    who = reader()
    assert retag(who.pk, MONDAY, give=["Spring group", "north"])
    assert not retag(who.pk, MONDAY, give=["spring-group"], take=["south"])
    assert retag(who.pk, MONDAY, take=["north"])
    assert tags_of(who.pk) == ["spring-group"]
    with pytest.raises(Refused):
        retag(who.pk, MONDAY, give=[f"tag-{number}" for number in range(MOST_TAGS)])
    with pytest.raises(NotFound):
        retag(0, MONDAY, give=["north"])


def test_a_letter_for_others_is_jumped_over_and_passed_when_its_day_is_over() -> None:
    place = join(only(drip(0, 2, 4), day_2="tag:north"))
    assert keys() == ["day-0", "day-4"]
    assert state_of(place) == EnrolmentState.FINISHED
    passed = PastStep.objects.get(step_key="day-2")
    assert passed.handed_at is None
    assert passed.due_reason == "passed over: it is for readers with the tag “north”"
    assert "“Day 2” was passed over: it is for readers with the tag “north”." in told(place.subscriber_id, MONDAY)


def test_a_tag_that_comes_in_time_brings_the_letter() -> None:
    place = join(only(drip(0, 2, 4), day_2="tag:north"))
    run(MONDAY, MONDAY + DAY)
    assert local(place) == "Fri 2026-11-27 10:00"
    retag(place.subscriber_id, MONDAY + DAY, give=["north"])
    assert local(place) == "Wed 2026-11-25 10:00"
    assert keys(1) == ["day-2", "day-4"]


def test_a_tag_that_comes_too_late_brings_nothing_from_the_past() -> None:
    place = join(only(drip(0, 2, 7), day_2="tag:north"))
    run(MONDAY, MONDAY + 4 * DAY)
    retag(place.subscriber_id, MONDAY + 4 * DAY, give=["north"])
    assert keys(4) == ["day-7"]
    assert PastStep.objects.get(step_key="day-2").due_reason.endswith("it came to be for this reader after its day")


def test_a_tag_that_is_taken_away_takes_the_letter_with_it() -> None:
    who = reader()
    retag(who.pk, MONDAY, give=["north"])
    place = join(only(drip(0, 2, 4), day_2="tag:north"), who=who)
    run(MONDAY, MONDAY + DAY)
    assert local(place) == "Wed 2026-11-25 10:00"
    retag(who.pk, MONDAY + DAY, take=["north"])
    assert keys(1) == ["day-4"]


def test_the_last_letter_is_asked_about_on_its_day() -> None:
    sequence = only(drip(0, 30), day_30="tag:north")
    without, late = join(sequence), join(sequence)
    run(MONDAY, MONDAY + 10 * DAY)
    assert local(without) == local(late) == "Wed 2026-12-23 10:00"
    retag(late.subscriber_id, MONDAY + 10 * DAY, give=["north"])
    assert [(sent.reader, sent.key) for sent in run(MONDAY + 10 * DAY, MONDAY + 60 * DAY)] == [
        (late.subscriber_id, "day-30")
    ]
    assert state_of(without) == state_of(late) == EnrolmentState.FINISHED


def test_what_may_not_come_takes_nobodys_day() -> None:
    place = join(only(drip(0, 9), day_9="tag:north"))
    other = join(drip(9), who=place.subscriber)
    run(MONDAY, MONDAY + DAY)
    assert local(place) == local(other) == "Wed 2026-12-02 10:00"


def test_each_reader_gets_the_letter_in_their_language() -> None:
    sequence = drip(0)
    Step.objects.filter(sequence=sequence).update(key="en", only_if="not language:de")
    german = drip(0).steps.get()
    Step.objects.filter(pk=german.pk).update(sequence=sequence, key="de", position=2, only_if="language:de")
    en, de = join(sequence, who=reader(language="en-GB")), join(sequence, who=reader(language="de"))
    assert {(sent.reader, sent.key) for sent in run(MONDAY, MONDAY + 5 * DAY)} == {
        (en.subscriber_id, "en"),
        (de.subscriber_id, "de"),
    }
    assert state_of(en) == state_of(de) == EnrolmentState.FINISHED


def test_a_newsletter_waits_for_its_next_issue_whoever_this_one_is_for() -> None:
    letters = newsletter("2026-11-30")
    Step.objects.filter(sequence=letters).update(only_if="audience:family")
    place = join(letters)
    assert local(place) is None
    assert state_of(place) == EnrolmentState.ACTIVE
    assert place.due_reason == "waits for the next issue"


def test_a_sequence_ends_with_a_tag_and_nothing_more_comes() -> None:
    place = join(drip(0, 2, 4, ends_when="tag:through"))
    run(MONDAY, MONDAY + DAY)
    retag(place.subscriber_id, MONDAY + DAY, give=["through"])
    assert state_of(place) == EnrolmentState.ENDED
    assert place.due_at is None
    assert keys(1) == []
    said = told(place.subscriber_id, MONDAY + DAY)
    assert any("It ended before its last letter" in each and "the tag “through”" in each for each in said)


def test_who_has_the_tag_already_is_through_when_they_join() -> None:
    who = reader()
    retag(who.pk, MONDAY, give=["through"])
    assert join(drip(0, 2, ends_when="tag:through"), who=who).state == EnrolmentState.ENDED
    assert send_due(MONDAY + DAY) == []


def test_a_letter_under_way_is_settled_and_nothing_follows() -> None:
    place = join(drip(0, 2, ends_when="tag:through"))
    Enrolment.objects.filter(pk=place.pk).update(due_at=None)  # claimed
    retag(place.subscriber_id, MONDAY, give=["through"])
    assert state_of(place) == EnrolmentState.ENDED
    from keepshowingup.cadence.advancing import advance

    advance(place.pk, after_key="day-0", handed_at=MONDAY, now=MONDAY)
    assert state_of(place) == EnrolmentState.ENDED
    assert place.due_at is None


def test_the_forecast_passes_over_what_the_sender_passes_over() -> None:
    sequence = only(drip(0, 2, 4, 30, ends_when="date:2026-12-20"), day_2="tag:north")
    place = join(sequence)
    foreseen = [letter.step_key for letter in forecast_reader(place.subscriber_id, MONDAY)]
    assert foreseen == ["day-0", "day-4"] == keys()
    assert state_of(place) == EnrolmentState.ENDED
    anybody = forecast(sequence.pk, zone="UTC", hour=MONDAY.time(), start=MONDAY)
    assert [letter.step_key for letter in anybody] == ["day-0", "day-4"]
    assert left_out(sequence.pk) == [("day-2", "it is for readers with the tag “north”")]


def test_a_date_is_reached_by_each_readers_calendar() -> None:
    sequence = drip(0, 8, ends_when="date:2026-12-01")
    east, west = reader(zone="Pacific/Auckland"), reader(zone="America/Los_Angeles")
    places = [join(sequence, who=who) for who in (east, west)]
    until = MONDAY + timedelta(days=20)
    assert {sent.key for sent in run(MONDAY, until)} == {"day-0"}
    for place in places:
        assert state_of(place) == EnrolmentState.ENDED
        assert place.ended_at is not None
        assert f"{place.ended_at.astimezone(load_zone(place.subscriber.zone)):%Y-%m-%d}" == "2026-12-01"
