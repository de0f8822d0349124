"""Marks of a reader's own date, in values: whatever happens, none twice, none early, none late, none made up for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.cadence.marks import owed_marks
from keepshowingup.cadence.planning import arrange, settle
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.milestones import LATEST, Mark
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import AfterDays, AtMark, Rules, Timing, load_zone, local_date, to_local, to_utc
from tests.factories import MONDAY

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ZONES = ["Europe/London", "America/Santiago", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"]
PACE = Pace()
SHIPPED = (
    *(AtMark(Mark(days=days)) for days in (1, 7, 30, 60, 90)),
    *(AtMark(Mark(months=months)) for months in (6, 9, 12, 18)),
    AtMark(Mark(months=24), yearly=True),
)


def course(timings: tuple[Timing, ...], sequence_id: int = 1) -> Course:
    steps = tuple(
        CourseStep(n, f"s{sequence_id}-{n}", f"Letter {n}", timing, LONG_AGO) for n, timing in enumerate(timings)
    )
    return Course(sequence_id, "Letters", False, steps, Rules(), milestones=isinstance(timings[0], AtMark))


@dataclass
class World:
    """One reader with milestones, and a drip beside it; a sender that hands over what is due, when it is awake."""

    zone: str
    start: date
    now: datetime
    hour: time = time(10)
    sent: list[tuple[str, datetime]] = field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = Reader(1, load_zone(self.zone), self.hour, counted_from=self.start)
        today = local_date(self.now, self.reader.zone)
        self.marks = Place(1, course(SHIPPED), today, self.now)
        drip = course(tuple(AfterDays(day) for day in range(0, 60, 2)), 2)
        self.reader.places = [self.marks, Place(2, drip, today, self.now)]
        self.plan()

    def plan(self) -> None:
        fresh = {place.pk: self.now for place in self.reader.places if place.state is EnrolmentState.ACTIVE}
        arrange(self.reader, fresh, pace=PACE, now=self.now)

    def go_on(self, until: datetime) -> None:
        """The sender is awake until then."""
        while True:
            due = min((p for p in self.reader.places if p.due), key=lambda p: p.due or until, default=None)
            if due is None or due.due is None or max(due.due, self.now) > until or self.reader.paused_at:
                break
            self.now = max(self.now, due.due)
            assert due.step is not None
            key = due.step.key
            late = due is self.marks and self.now - to_utc(datetime.fromisoformat(due.local), self.reader.zone) > LATEST
            if not late and due is self.marks:
                self.sent.append((key, self.now))
            settle(due, self.reader, key, handed_at=None if late else self.now, now=self.now, patience=HOUR)
            arrange(self.reader, {due.pk: self.now}, pace=PACE, now=self.now)
        self.now = until

    def asleep(self, until: datetime) -> None:
        self.now = until

    def pause(self, until: datetime) -> None:
        self.pauses.append((self.now, until))
        self.reader.paused_at = self.now
        self.now = until
        self.plan()
        self.reader.paused_at = None

    def move(self, zone: str, hour: time) -> None:
        self.reader.zone, self.reader.hour = load_zone(zone), hour
        fresh = {p.pk: p.due for p in self.reader.places if p.due}
        arrange(self.reader, fresh, pace=PACE, now=self.now)


def days_of(letters: list[datetime], zone: str) -> list[date]:
    return [to_local(at, load_zone(zone)).date() for at in letters]


def test_the_marks_we_ship_come_on_their_days() -> None:
    world = World("Europe/London", date(2026, 11, 22), MONDAY)
    world.go_on(MONDAY + 366 * 4 * DAY)
    start = date(2026, 11, 22)
    expected = [start + relativedelta(days=n) for n in (7, 30, 60, 90)]
    expected += [start + relativedelta(months=n) for n in (6, 9, 12, 18, 24, 36, 48)]
    assert days_of([at for _, at in world.sent], "Europe/London") == expected


def test_the_day_on_which_the_date_is_given_has_no_mark() -> None:
    place = World("Europe/London", MONDAY.date() - 7 * DAY, MONDAY - 5 * HOUR).marks
    assert place.due is not None
    assert place.due.date() == MONDAY.date() + 23 * DAY


def test_from_a_date_of_today_the_first_mark_is_tomorrow() -> None:
    place = World("Europe/London", MONDAY.date(), MONDAY).marks
    assert place.due == MONDAY + DAY + HOUR


@pytest.mark.parametrize(
    ("start", "expected"), [(date(2024, 2, 29), date(2027, 2, 28)), (date(2025, 1, 31), date(2027, 1, 31))]
)
def test_years_end_with_the_month(start: date, expected: date) -> None:
    world = World("Europe/London", start, MONDAY)
    assert world.marks.due is not None
    assert world.marks.due.date() == expected


def test_a_mark_with_a_letter_of_its_own_is_not_that_of_the_yearly_one() -> None:
    ten = AtMark(Mark(months=120))
    reader = Reader(1, load_zone("UTC"), time(10), counted_from=date(2017, 5, 1))
    place = Place(1, course((*SHIPPED, ten)), MONDAY.date(), MONDAY)
    marks = owed_marks(place, reader)
    assert [(step.subject, step.timing.mark.months) for step, _ in zip(marks, range(2), strict=False)
            if isinstance(step.timing, AtMark)] == [("Letter 10", 120), ("Letter 9", 132)]  # fmt: skip


def test_a_mark_outranks_the_other_letters() -> None:
    world = World("Europe/London", MONDAY.date() - 5 * DAY, MONDAY)
    drip = world.reader.places[1]
    world.go_on(MONDAY + 2 * DAY + 2 * HOUR)
    assert [at for _, at in world.sent] == [MONDAY + 2 * DAY + HOUR]
    assert drip.due == MONDAY + 3 * DAY + HOUR  # it was to come on the same day


def test_a_mark_inside_a_break_is_not_made_up_for() -> None:
    world = World("Europe/London", MONDAY.date() - 6 * DAY, MONDAY)
    world.pause(MONDAY + DAY + 2 * HOUR)  # an hour after it
    world.move("Europe/London", time(18))  # planned anew, and still it is behind them
    assert world.marks.due is not None
    assert world.marks.due.date() == MONDAY.date() + 24 * DAY


def test_after_an_outage_of_a_day_it_still_comes_and_after_two_it_does_not() -> None:
    for hours, comes in ((30, True), (44, False)):
        world = World("Europe/London", MONDAY.date() - 6 * DAY, MONDAY)
        world.go_on(MONDAY + 2 * HOUR)
        world.asleep(MONDAY + DAY + hours * HOUR)
        world.go_on(world.now + 5 * DAY)
        assert bool(world.sent) is comes


def test_a_reader_without_a_date_waits() -> None:
    place = Place(1, course(SHIPPED), MONDAY.date(), MONDAY)
    arrange(Reader(1, load_zone("UTC"), time(10), places=[place]), {1: MONDAY}, pace=PACE, now=MONDAY)
    assert (place.due, place.state, place.reason) == (
        None, EnrolmentState.ACTIVE, "waits for a mark of a date of their own")  # fmt: skip


happenings = st.lists(
    st.tuples(
        st.sampled_from(["awake", "asleep", "pause", "move"]),
        st.integers(1, 24 * 50),
        st.sampled_from(ZONES),
        st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(st.integers(0, 800), st.sampled_from(ZONES), happenings)
def test_whatever_happens_no_mark_comes_twice_early_late_or_from_before(
    ago: int, zone: str, happens: list[tuple[str, int, str, time]]
) -> None:
    given_on = local_date(MONDAY, load_zone(zone))
    start = given_on - ago * DAY
    world = World(zone, start, MONDAY)
    marks = {
        step.key: start + relativedelta(days=step.timing.mark.days, months=step.timing.mark.months)
        for step in owed_marks(world.marks, world.reader)
        if isinstance(step.timing, AtMark)
    }
    looked_at = 0
    for what, hours, there, hour in happens:
        until = world.now + hours * HOUR
        if what == "awake":
            world.go_on(until)
        elif what == "asleep":
            world.asleep(until)
        elif what == "pause":
            world.pause(until)
        else:
            world.move(there, hour)
        for key, at in world.sent[looked_at:]:
            # By the clock the reader has now, which is the one they had when it came.
            own = to_utc(datetime.combine(marks[key], world.reader.hour), world.reader.zone)
            assert marks[key] > given_on
            assert own <= at <= own + LATEST
            assert not any(since < own <= ended for since, ended in world.pauses)
        looked_at = len(world.sent)
    assert len({key for key, _ in world.sent}) == len(world.sent)
