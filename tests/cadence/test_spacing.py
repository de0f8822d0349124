"""Letters keep their spacing when a break and an outage fall together: whoever plans a letter late moves the rest."""

from __future__ import annotations

import pytest

from keepshowingup.audience.preferences import pause
from keepshowingup.cadence.replanning import resume_reader
from tests.cadence.test_replanning import days
from tests.cadence.world import DAY, HOUR, drip, join, run
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


def test_a_break_that_ends_in_a_long_outage_leaves_the_spacing_as_it_was() -> None:
    enrolment = join(drip(0, 3, 6))
    pause(enrolment.subscriber_id, MONDAY, 3)
    sent = run(MONDAY + 30 * DAY + 5 * HOUR, MONDAY + 60 * DAY)
    assert days(sent) == [("day-0", 31), ("day-3", 34), ("day-6", 37)]


def test_a_break_that_began_when_a_letter_was_overdue_leaves_the_spacing_as_it_was() -> None:
    enrolment = join(drip(0, 3, 6))
    pause(enrolment.subscriber_id, MONDAY + 2 * DAY, None)
    resume_reader(enrolment.subscriber_id, MONDAY + 2 * DAY + 3 * HOUR)
    sent = run(MONDAY + 20 * DAY, MONDAY + 60 * DAY)
    first, *_ = [day for _, day in days(sent)]
    assert [day for _, day in days(sent)] == [first, first + 3, first + 6]
