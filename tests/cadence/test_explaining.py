from __future__ import annotations

import pytest

from keepshowingup.audience.leaving import leave
from keepshowingup.audience.preferences import pause
from keepshowingup.cadence import starting
from keepshowingup.cadence.advancing import advance
from keepshowingup.cadence.explaining import explain
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.errors import NotFound
from tests.cadence.world import DAY, HOUR, drip, issue, join, newsletter, reader, run
from tests.factories import MONDAY, StepFactory

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


def test_it_tells_what_came_what_comes_next_and_what_follows() -> None:
    enrolment = join(drip(0, 2, 7, title="Finding your people"))
    run(MONDAY, MONDAY + DAY)
    outcomes = {(enrolment.pk, "day-0"): "was accepted by the mail server"}
    assert explain(enrolment.subscriber_id, MONDAY + DAY, outcomes=outcomes) == [
        "Finding your people: joined on Mon 23 November 2026 at 09:00 (Europe/London).",
        "“Day 0” left on Mon 23 November 2026 at 10:00 and was accepted by the mail server; why then: "
        "day 0 at the reader's hour 10:00.",
        "Next is “Day 2”, on Wed 25 November 2026 at 10:00: day 2 at the reader's hour 10:00.",
        "“Day 7” follows, as things stand on Mon 30 November 2026 at 10:00.",
    ]


def test_it_says_why_a_letter_was_passed_over() -> None:
    enrolment = join(drip(0, 2))
    advance(enrolment.pk, after_key="day-0", handed_at=None, now=TEN)
    said = explain(enrolment.subscriber_id, TEN, outcomes={(enrolment.pk, "day-0"): "was not sent: too late"})
    assert "“Day 0” was not sent: too late." in said
    assert "“Day 0” was passed over." in explain(enrolment.subscriber_id, TEN)


def test_it_says_that_a_letter_is_under_way() -> None:
    enrolment = join(drip(0))
    Enrolment.objects.update(due_at=None)
    assert "“Day 0” is under way." in explain(enrolment.subscriber_id, TEN)


def test_it_says_why_nothing_comes() -> None:
    left = join(drip(0))
    leave(left.subscriber_id, MONDAY)
    assert "The reader left all letters on Mon 23 November 2026 at 09:00, so none are sent." in explain(
        left.subscriber_id, TEN
    )
    resting = join(drip(0))
    pause(resting.subscriber_id, MONDAY, 3)
    said = explain(resting.subscriber_id, TEN)
    assert "Letters rest since Mon 23 November 2026 at 09:00, until Thu 26 November 2026 at 09:00." in said
    assert "Next is “Day 0”, when the rest is over." in said
    paused = join(drip(0))
    starting.pause(paused.sequence_id, MONDAY)
    assert any(
        "but the sequence is paused since Mon 23 November" in each for each in explain(paused.subscriber_id, TEN)
    )
    finished = join(drip(0))
    run(MONDAY, MONDAY + DAY)
    assert "All its letters are behind the reader: nothing more comes." in explain(finished.subscriber_id, MONDAY + DAY)
    assert explain(reader().pk, TEN) == ["The reader is in no sequence."]


def test_nothing_is_foretold_to_a_reader_who_left() -> None:
    left = join(drip(0, 2))
    run(MONDAY, MONDAY + DAY)
    leave(left.subscriber_id, MONDAY + DAY)
    said = explain(left.subscriber_id, MONDAY + DAY)
    assert said[-1] == "“Day 2” would be next, but nothing is sent to this reader."
    assert not any(" follows" in each or each.startswith("Next is") for each in said)


def test_it_says_which_letters_will_not_come() -> None:
    sequence = drip(0, 2, 4)
    StepFactory.create(sequence=sequence, key="draft", position=9, after_days=9, approved=False, subject="Draft")
    enrolment = join(sequence)
    sequence.steps.filter(key="day-4").update(deleted_at=MONDAY)
    said = explain(enrolment.subscriber_id, MONDAY)
    assert "“Day 4” does not come: it was taken out of the sequence." in said
    assert "“Draft” waits for somebody to approve it." in said


def test_it_says_that_an_issue_was_before_their_time() -> None:
    sequence = newsletter("2026-11-01")
    enrolment = join(sequence)
    said = explain(enrolment.subscriber_id, MONDAY)
    assert "The reader waits for the next issue." in said
    assert "“2026-11-01” does not come: its date was before the reader joined." in said
    issue(sequence, "2026-12-01")


def test_it_can_be_asked_about_one_sequence_only() -> None:
    maya = reader()
    one, _ = join(drip(0, title="One"), who=maya), join(drip(0, title="Two"), who=maya)
    said = explain(maya.pk, MONDAY, sequence_id=one.sequence_id)
    assert not any("Two" in each for each in said)
    assert explain(maya.pk, MONDAY, sequence_id=drip(1).pk) == ["The reader is not in this sequence."]


def test_a_reader_who_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        explain(12345, MONDAY)
