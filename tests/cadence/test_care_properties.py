"""Whatever happens to a reader, the promises of care hold: made-up lives, planned by the sender's own code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.cadence.course import Course, CourseStep
from keepshowingup.cadence.meant import objection
from keepshowingup.cadence.planning import arrange, is_still_next, settle
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.care import read_exits
from keepshowingup.core.conditions import About, read_conditions, unmet
from keepshowingup.core.milestones import Mark
from keepshowingup.core.pace import Pace
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import AfterDays, AtMark, Rules, load_zone, local_date

START = datetime(2026, 3, 23, 6, 0, tzinfo=UTC)  # a week that has a change of clocks in London
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
COUNTED_FROM = date(2026, 3, 20)
HOUSE = Pace()
PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class Left:
    """One letter as it left: from which place, which step, on which local day, and how many a week were allowed."""

    place: int
    key: str
    number: int
    day: date
    allowed: int


@dataclass
class Life:
    """A reader whose letters leave when they are due, while tags and wishes change."""

    reader: Reader
    now: datetime = START
    left: list[Left] = field(default_factory=list)

    def live_until(self, until: datetime) -> None:
        while waiting := [
            (place.due, place.pk, place) for place in self.reader.places if place.due is not None and place.due < until
        ]:
            due, _, place = min(waiting, key=lambda each: each[:2])
            self.now = max(self.now, due)
            self.deliver(place)
        self.now = until

    def deliver(self, place: Place) -> None:
        step, reader = place.step, self.reader
        assert step is not None
        leaves = objection(place, step, reader, self.now) is None
        if leaves:
            allowed = min(HOUSE.per_week, reader.letters_a_week or HOUSE.per_week)
            day = local_date(self.now, reader.zone)
            number = [each.pk for each in place.course.steps].index(step.pk)
            self.left.append(Left(place.pk, step.key, number, day, allowed))
        settle(place, reader, step.key, handed_at=self.now if leaves else None, now=self.now, patience=PATIENCE)
        arrange(reader, {place.pk: self.now}, pace=HOUSE, now=self.now)

    def happens(self, what: str) -> None:
        """A tag comes (``+north``) or goes (``-north``), or the reader wishes for so many letters a week."""
        reader = self.reader
        if what[0] in "+-":
            tags = reader.about.tags | {what[1:]} if what[0] == "+" else reader.about.tags - {what[1:]}
            reader.about = replace(reader.about, tags=tags)
        else:
            reader.letters_a_week = int(what) or None
        fresh = {
            place.pk: place.due if place.due is not None and is_still_next(place, reader) else self.now
            for place in reader.places
            if place.state is EnrolmentState.ACTIVE
        }
        arrange(reader, fresh, pace=HOUSE, now=self.now)


def course(number: int, days: list[int], conditions: list[str], *, ends_when: str, urgent: bool) -> Course:
    steps = tuple(
        CourseStep(
            pk=100 * number + place,
            key=f"step-{place}",
            subject="",
            timing=AfterDays(day),
            ready_since=ALWAYS,
            only_if=read_conditions(condition),
        )
        for place, (day, condition) in enumerate(zip(sorted(days), conditions, strict=False))
    )
    exits = read_exits(ends_when)
    return Course(number, "", open_ended=False, steps=steps, rules=Rules(), exits=exits, urgent=urgent)


def milestones(days: list[int], conditions: list[str]) -> Course:
    """Marks so many days from the date the reader gave, each for whom it is."""
    counted = course(90, sorted(set(days)), conditions, ends_when="", urgent=False)
    steps = tuple(
        replace(step, timing=AtMark(Mark(days=day))) for step, day in zip(counted.steps, sorted(set(days)), strict=True)
    )
    return replace(counted, steps=steps, milestones=True)


conditions = st.lists(
    st.sampled_from(["", "", "", "tag:north", "not tag:north", "language:de", "date"]), min_size=8, max_size=8
)
courses = st.lists(
    st.builds(
        lambda days, only_if, ends_when, urgent: (days, only_if, ends_when, urgent),
        st.lists(st.integers(0, 40), min_size=1, max_size=8),
        conditions,
        st.sampled_from(["", "", "tag:through", "date:2026-04-20"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
marks = st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=8), conditions)
events = st.lists(
    st.tuples(st.integers(0, 24 * 60), st.sampled_from(["+north", "-north", "+through", "1", "2", "0"])), max_size=6
)


def life_of(
    several: list[tuple[list[int], list[str], str, bool]],
    happens: list[tuple[int, str]],
    own: tuple[list[int], list[str]] | None = None,
) -> Life:
    zone = load_zone("Europe/London")
    reader = Reader(pk=1, zone=zone, hour=time(10, 0), about=About())
    if own:
        reader.counted_from = COUNTED_FROM
        reader.places.append(Place(90, milestones(*own), started_on=local_date(START, zone), enrolled_at=START))
    for number, (days, only_if, ends_when, urgent) in enumerate(several, 1):
        taken = course(number, days, only_if, ends_when=ends_when, urgent=urgent)
        reader.places.append(Place(number, taken, started_on=local_date(START, zone), enrolled_at=START))
    life = Life(reader)
    arrange(reader, {place.pk: START for place in reader.places}, pace=HOUSE, now=START)
    for hours, what in sorted(happens):
        life.live_until(START + timedelta(hours=hours))
        life.happens(what)
    life.live_until(START + timedelta(days=500))
    return life


BUSY = ([0, 1, 2, 3, 4, 5, 6, 7], [""] * 8, "", False)


@settings(max_examples=60)
@given(courses, events, marks)
@example([BUSY, BUSY, BUSY], [(30, "1"), (24 * 20, "0")], BUSY[:2])
def test_nobody_gets_more_in_seven_days_than_they_chose_nor_two_a_day(
    several: list[tuple[list[int], list[str], str, bool]],
    happens: list[tuple[int, str]],
    own: tuple[list[int], list[str]],
) -> None:
    left = life_of(several, happens, own).left
    for place, letter in enumerate(left):
        week = [each for each in left[: place + 1] if (letter.day - each.day).days < 7]
        assert len(week) <= letter.allowed
        assert sum(each.day == letter.day for each in left) == 1


@settings(max_examples=60)
@given(courses, events, marks)
@example([([3, 3], ["tag:north", ""], "", False)], [(24 * 3 + 5, "+north")], ([5], [""] * 8))
def test_no_letter_comes_twice_and_their_order_is_kept(
    several: list[tuple[list[int], list[str], str, bool]],
    happens: list[tuple[int, str]],
    own: tuple[list[int], list[str]],
) -> None:
    life = life_of(several, happens, own)
    for place in life.reader.places:
        numbers = [each.number for each in life.left if each.place == place.pk]
        assert numbers == sorted(set(numbers))


@settings(max_examples=60)
@given(courses, events)
def test_every_letter_comes_or_is_passed_over_for_a_reason_and_every_sequence_ends(
    several: list[tuple[list[int], list[str], str, bool]], happens: list[tuple[int, str]]
) -> None:
    life = life_of(several, happens)
    for place in life.reader.places:
        assert place.state in {EnrolmentState.FINISHED, EnrolmentState.ENDED}
        came = {each.key for each in life.left if each.place == place.pk}
        passed = {each.step_key for each in place.passed_over}
        assert not came & passed
        assert len(passed) == len(place.passed_over)
        for step in place.course.steps:
            if place.state is EnrolmentState.FINISHED and not step.only_if:
                assert step.key in came
            if any(unmet((each,), About(language="en")) for each in step.only_if if each.fact in {"language", "date"}):
                assert step.key not in came


@settings(max_examples=60)
@given(courses, events, marks)
def test_a_letter_about_a_mark_comes_on_its_day_or_the_next_or_never(
    several: list[tuple[list[int], list[str], str, bool]],
    happens: list[tuple[int, str]],
    own: tuple[list[int], list[str]],
) -> None:
    life = life_of(several, happens, own)
    place = life.reader.places[0]
    assert place.state is EnrolmentState.ACTIVE
    assert place.passed_over == []
    for letter in life.left:
        if letter.place == place.pk:
            step = place.course.steps[letter.number]
            assert isinstance(step.timing, AtMark)
            assert letter.day - step.timing.mark.falls_on(COUNTED_FROM) in {timedelta(0), timedelta(days=1)}
            assert not any(each.fact in {"language", "date"} for each in step.only_if)


@settings(max_examples=60)
@given(courses, events)
def test_who_has_come_to_an_end_gets_nothing_more(
    several: list[tuple[list[int], list[str], str, bool]], happens: list[tuple[int, str]]
) -> None:
    life = life_of(several, happens)
    zone = life.reader.zone
    for place in life.reader.places:
        if place.state is EnrolmentState.ENDED:
            assert place.ended is not None
            over = local_date(place.ended, zone)
            assert all(each.day <= over for each in life.left if each.place == place.pk)


@settings(max_examples=30)
@given(st.integers(1, 30), st.booleans())
def test_on_a_clash_help_in_a_crisis_waits_least(day: int, is_first: bool) -> None:
    usual, urgent = ([day], [""] * 8, "", False), ([day], [""] * 8, "", True)
    both = life_of([urgent, usual] if is_first else [usual, urgent], [])
    came = {each.place: (each.day - local_date(START, both.reader.zone)).days for each in both.left}
    assert (came[1], came[2]) == ((day, day + 1) if is_first else (day + 1, day))
