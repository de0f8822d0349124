from __future__ import annotations

import pytest

from keepshowingup.cadence import starting
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.editorial import help_now
from keepshowingup.editorial.models import Approval, Masthead, Revision, Sequence
from tests.cadence.world import DAY, HOUR, drip, join, local, run
from tests.factories import MONDAY, StepFactory

pytestmark = pytest.mark.django_db

TEN = MONDAY + HOUR


@pytest.fixture(autouse=True)
def _no_other_obstacles(masthead: Masthead) -> None:
    assert help_now.obstacles(MONDAY) == [], "the help-now data are out of date for these tests"


def draft() -> Sequence:
    """Approved, never started: nothing is current yet."""
    sequence = drip(0, 2, state=Sequence.State.DRAFT, activated_at=None)
    sequence.steps.update(current=None)
    return sequence


def test_a_started_sequence_sends_what_was_approved_and_readers_who_waited_begin_that_day() -> None:
    sequence = draft()
    enrolment = join(sequence)
    assert run(MONDAY, MONDAY + 3 * DAY) == []
    starting.activate(sequence.pk, MONDAY + 4 * DAY)
    sequence.refresh_from_db()
    assert (sequence.state, sequence.activated_at) == (Sequence.State.LIVE, MONDAY + 4 * DAY)
    assert sequence.steps.filter(current__isnull=True).count() == 0
    assert local(enrolment) == "Fri 2026-11-27 10:00"
    sent = run(MONDAY + 4 * DAY, MONDAY + 9 * DAY)
    assert [(each.key, each.at) for each in sent] == [("day-0", TEN + 4 * DAY), ("day-2", TEN + 6 * DAY)]


def test_what_stands_in_the_way_is_said_and_nothing_starts() -> None:
    sequence = drip(state=Sequence.State.DRAFT)
    StepFactory.create(sequence=sequence, key="draft", approved=False)
    with pytest.raises(Refused, match="not approved"):
        starting.activate(sequence.pk, MONDAY)
    sequence.refresh_from_db()
    assert sequence.state == Sequence.State.DRAFT


def test_rules_that_leave_no_hour_are_refused() -> None:
    sequence = draft()
    Sequence.objects.filter(pk=sequence.pk).update(weekdays="")
    with pytest.raises(WrongUsage, match="No day of the week"):
        starting.activate(sequence.pk, MONDAY)


def test_starting_a_live_sequence_again_takes_new_words_into_use_and_moves_nothing() -> None:
    sequence = drip(0, 2)
    enrolment = join(sequence)
    step = sequence.steps.get(key="day-2")
    old = step.revisions.get()
    new = Revision.objects.create(
        step=step, number=2, subject="New", body="New", html=old.html, text=old.text, author="a", created_at=MONDAY
    )
    Approval.objects.create(revision=new, approver="b", approved_at=MONDAY)
    starting.activate(sequence.pk, MONDAY)
    step.refresh_from_db()
    assert step.current == new
    assert local(enrolment) == "Mon 2026-11-23 10:00"


def test_starting_a_paused_sequence_resumes_it() -> None:
    sequence = drip(2)
    enrolment = join(sequence)
    starting.pause(sequence.pk, MONDAY)
    starting.activate(sequence.pk, MONDAY + 3 * DAY)
    sequence.refresh_from_db()
    assert (sequence.state, sequence.paused_at, sequence.activated_at) == (Sequence.State.LIVE, None, MONDAY)
    assert local(enrolment) == "Sat 2026-11-28 10:00"


def test_pausing_and_resuming_are_refused_where_they_mean_nothing() -> None:
    sequence = drip(2)
    with pytest.raises(Refused, match="not paused"):
        starting.resume(sequence.pk, MONDAY)
    starting.pause(sequence.pk, MONDAY)
    with pytest.raises(Refused, match="not live"):
        starting.pause(sequence.pk, MONDAY)
    for verb in (starting.activate, starting.pause, starting.resume):
        with pytest.raises(NotFound):
            verb(12345, MONDAY)
