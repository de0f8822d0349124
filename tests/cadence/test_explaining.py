from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest

from keepshowingup.audience.leaving import leave
from keepshowingup.audience.preferences import pause
from keepshowingup.cadence import explaining, starting
from keepshowingup.cadence.advancing import advance
from keepshowingup.cadence.explaining import About
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.moves import moves_of
from keepshowingup.core.errors import NotFound
from tests.cadence.world import DAY, HOUR, drip, issue, join, newsletter, reader, run
from tests.factories import MONDAY, StepFactory

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


def explain(*arguments: Any, **more: Any) -> list[str]:
    return [told.sentence for told in explaining.explain(*arguments, **more)]


def test_it_tells_what_came_what_comes_next_and_what_follows() -> None:
    enrolment = join(drip(0, 2, 7, title="Finding your people"))
    run(MONDAY, MONDAY + DAY)
    outcomes = {(enrolment.pk, "day-0"): "was accepted by the mail server"}
    assert explain(enrolment.subscriber_id, MONDAY + DAY, outcomes=outcomes) == [
        "Finding your people: joined on Mon 23 November 2026 at 09:00 (Europe/London).",
        "“Day 0” left on Mon 23 November 2026 at 10:00 and was accepted by the mail server. Why then: "
        "day 0 at the reader's hour 10:00.",
        "Next is “Day 2”, on Wed 25 November 2026 at 10:00: day 2 at the reader's hour 10:00.",
        "“Day 7” follows, as things stand on Mon 30 November 2026 at 10:00: day 7 at the reader's hour 10:00.",
    ]


def test_it_says_why_a_letter_was_passed_over() -> None:
    enrolment = join(drip(0, 2))
    advance(enrolment.pk, after_key="day-0", handed_at=None, now=TEN)
    said = explain(enrolment.subscriber_id, TEN, outcomes={(enrolment.pk, "day-0"): "was not sent: too late"})
    assert "“Day 0” was not sent: too late. Why then: day 0 at the reader's hour 10:00." in said
    assert "“Day 0” was passed over. Why then: day 0 at the reader's hour 10:00." in explain(
        enrolment.subscriber_id, TEN
    )


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
    assert "Next is “Day 0”, when the rest is over: as things stand on Thu 26 November 2026 at 10:00." in said
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


def test_it_says_what_moved_the_plan() -> None:
    enrolment = join(drip(0, 2, 4, 6))
    run(MONDAY, MONDAY + DAY)
    pause(enrolment.subscriber_id, MONDAY + DAY, 3)
    run(MONDAY + DAY, MONDAY + 6 * DAY)
    run(MONDAY + 9 * DAY, MONDAY + 10 * DAY)  # nothing was sent for a while
    starting.pause(enrolment.sequence_id, MONDAY + 10 * DAY)
    starting.resume(enrolment.sequence_id, MONDAY + 12 * DAY)
    told = explaining.explain(enrolment.subscriber_id, MONDAY + 12 * DAY)
    assert [each.sentence for each in told if each.about is About.MOVE] == [
        "The reader took a break from Tue 24 November 2026 at 09:00 to Fri 27 November 2026 at 09:00, "
        "so the letters after that come 3 days later.",
        "What was due on Mon 30 November 2026 at 10:00 could not leave until Wed 2 December 2026 at 09:00, "
        "so the letters after that come 2 days later.",
        "The sequence rested from Thu 3 December 2026 at 09:00 to Sat 5 December 2026 at 09:00, "
        "so the letters after that come 2 days later.",
    ]
    (late,) = (each for each in told if each.step_key == "day-4")
    assert "It was planned for Mon 30 November 2026 at 10:00 and could leave only 47 hours later." in late.sentence
    assert [each.about for each in told if each.step_key] == [About.PAST, About.PAST, About.PAST, About.NEXT]
    enrolment.refresh_from_db()
    assert enrolment.moved_days == sum(move.days for move in moves_of(enrolment)) == 7


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"weekdays": "1234"}, "moved to Monday, the next day for letters"),
        ({"window_start": time(18), "window_end": time(21)}, "10:00 is outside the hours for letters, so 18:00"),
        ({"quiet_start": time(9), "quiet_end": time(12)}, "10:00 is in the quiet hours, so 12:00"),
    ],
)
def test_it_says_which_rule_a_letter_waited_for(rules: dict[str, Any], why: str) -> None:
    enrolment = join(drip(4, **rules))
    run(MONDAY, MONDAY + 10 * DAY)
    assert any(why in each for each in explain(enrolment.subscriber_id, MONDAY + 10 * DAY))


def test_it_says_what_the_pace_and_the_clocks_did() -> None:
    paced = join(drip(0, 1, 2, 3))
    run(MONDAY, MONDAY + 20 * DAY)
    assert any("moved 4 days: at most 1 a day and 3 in 7 days" in each for each in explain(paced.subscriber_id, TEN))
    springs = datetime.fromisoformat("2027-03-27T12:00+00:00")
    night = {"window_start": time(), "window_end": time(), "quiet_start": time(), "quiet_end": time()}
    gap = join(drip(1, **night), now=springs, who=reader(hour=time(1, 30)))
    run(springs, springs + 3 * DAY)
    assert any(
        "01:30 does not exist that day, so 02:30" in each for each in explain(gap.subscriber_id, springs + 3 * DAY)
    )


def test_a_reader_who_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        explain(12345, MONDAY)
