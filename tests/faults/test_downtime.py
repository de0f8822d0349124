"""Three days of downtime: what is overdue comes gently, one letter a day, and what is too late does not come at all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.house import House

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("faults-edits"), pytest.mark.timeout(900)]

READERS = 12
DAYS = 3


@pytest.mark.long
def test_three_days_of_downtime_end_in_one_letter_and_not_in_three(make_house: Callable[[], House]) -> None:
    house = make_house()
    house.scene("sequence", slug="patient", days=[0, 1, 2, 3])
    house.scene("sequence", slug="strict", days=[0, 1, 2, 3], too_late_hours=12)
    owed = {slug: house.scene("readers", slug=slug, number=READERS) for slug in ("patient", "strict")}
    house.up()
    for slug in owed:
        house.wait_for_states(slug, {"accepted": READERS})
    house.end()
    house.scene("days_pass", days=DAYS)
    house.up()
    house.wait_for_letters("patient", 2 * READERS)
    house.wait_for_ticks(6)

    came = Counter(each.recipient for each in house.received("patient"))
    assert came == dict.fromkeys(owed["patient"], 2), "one letter each, not the three that had fallen due"
    assert {what for _, what in house.copies("patient")} == {"patient 0", "patient 1"}, "in order"
    assert max(house.copies().values()) == 1
    came_late = dt.datetime.now(dt.UTC)
    for letter in house.records.letters("patient"):
        assert days_until(letter.next_due, came_late) >= 1, "the next one keeps its day's distance"

    # What the sequence calls too late is skipped, one at a time, and the plan goes on from today.
    judge_strict = Counter(each.recipient for each in house.received("strict"))
    assert set(judge_strict.values()) <= {1, 2}, "never two at once"
    assert {what for _, what in house.copies("strict")} <= {"strict 0", "strict 2"}, "the letter of day 1 is too late"
    assert house.records.states("strict")["skipped"] == READERS
    for letter in house.records.letters("strict"):
        assert letter.plan == "active"


def days_until(due: object, now: dt.datetime) -> int:
    """Calendar days in UTC; SQLite gives text."""
    moment = dt.datetime.fromisoformat(due) if isinstance(due, str) else due
    assert isinstance(moment, dt.datetime)
    return (moment.date() - now.date()).days
