"""How many letters come on each day, for everybody: exact, and without planning for each of a million readers.

Readers whose letters are decided by the same facts get them on the same days: their zone and hour, where they stand in
which sequences and since when, what they have behind them, what they got lately. One of each group is read and planned
by the sender's own code, and counts as many times as the group has readers. Readers of a sequence that asks for more
than that are planned one by one. What is counted is the reader's own day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple

from django.db.models import Min, Q

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.course import Course
from keepshowingup.cadence.following import what_follows
from keepshowingup.cadence.forecast import letters_to_come
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import LATELY, house_pace, read_courses, read_readers_of
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import AfterMinutes, OnDate, load_zone, local_date, starts_at, to_utc
from keepshowingup.editorial.models import Sequence as Letters
from keepshowingup.store.joined import Joined

# So many readers are compared, and so many groups planned, at a time: memory stays flat.
AT_A_TIME = 10_000
GROUPS_AT_A_TIME = 500
Key = tuple[object, ...]


@dataclass(frozen=True)
class Ahead:
    """Letters by (reader's own date, sequence id), from how many readers in how many groups."""

    letters: Counter[tuple[date, int]]
    readers: int
    groups: int

    def on_days(self, sequence_id: int | None = None) -> Counter[date]:
        """Letters by date, of one sequence or of all."""
        days: Counter[date] = Counter()
        for (day, sequence), letters in self.letters.items():
            if sequence_id in {None, sequence}:
                days[day] += letters
        return days


def letters_ahead(now: datetime, days: int = 90, sequence_id: int | None = None) -> Ahead:
    """Every letter to come on the ``days`` dates from today's (in UTC) on, if nobody changes anything.

    Where a zone is still in yesterday its letters of that day are there too. With ``sequence_id`` only the readers of
    that sequence are looked at; what else they receive counts for their pace, and is in the answer.
    """
    until, pace = now.date() + timedelta(days=days), house_pace()
    standing = _Standing(now)
    groups = _groups(standing.keys(sequence_id))
    courses = {pk: each.course for pk, each in standing.courses.items()}
    letters: Counter[tuple[date, int]] = Counter()
    ones = sorted(groups.values())
    for start in range(0, len(ones), GROUPS_AT_A_TIME):
        alike = dict(ones[start : start + GROUPS_AT_A_TIME])
        for reader in read_readers_of(alike.keys(), [], now, courses, lock=False):
            end = to_utc(datetime.combine(until, time()), reader.zone)
            theirs = [place.course for place in reader.places]
            following = what_follows(theirs, reader.pk) if any(course.then_id for course in theirs) else None
            for letter in letters_to_come(reader, now, end, pace, following):
                letters[letter.local.date(), letter.sequence_id] += alike[reader.pk]
    return Ahead(letters, sum(readers for _, readers in groups.values()), len(ones))


def _groups(readers: Iterable[tuple[Key, int]]) -> dict[Key, tuple[int, int]]:
    """One reader of each group, and how many there are."""
    found: dict[Key, tuple[int, int]] = {}
    for key, subscriber_id in readers:
        one, alike = found.get(key, (subscriber_id, 0))
        found[key] = (one, alike + 1)
    return found


class _Place(NamedTuple):
    """An enrolment, as far as it decides."""

    subscriber_id: int
    pk: int
    sequence_id: int
    next_step_id: int | None
    due_at: datetime | None
    promised_at: datetime | None
    started_on: date
    moved_days: int
    enrolled_at: datetime
    rested_until: datetime | None


@dataclass
class _Course:
    """What of a sequence's readers decides, beside what is written in their enrolment."""

    course: Course
    walls: dict[tuple[str, time], list[datetime]] = field(default_factory=dict)

    @cached_property
    def is_personal(self) -> bool:
        """Whether it asks for more about a reader than is compared here, or leads to another sequence."""
        return self.course.is_personal or self.course.then_id is not None

    def version(self, joined: datetime) -> int:
        """Which of its versions readers have who joined then."""
        return bisect_right([until for until, _ in self.course.kept], joined)

    @cached_property
    def counts_minutes(self) -> bool:
        """Whether a letter is counted from the very moment of joining."""
        return any(isinstance(step.timing, AfterMinutes) for step in self.course.all_steps)

    @cached_property
    def counts_days(self) -> bool:
        """Whether a letter is counted from the day of joining at all: those of a newsletter have dates."""
        return any(not isinstance(step.timing, OnDate) for step in self.course.all_steps)

    def dates_before(self, joined: datetime, zone: str, hour: time) -> int:
        """How many of its dates were over when the reader joined."""
        if (walls := self.walls.get((zone, hour))) is None:
            there = load_zone(zone)
            walls = self.walls[zone, hour] = sorted(
                to_utc(starts_at(step.timing, started_on=date.min, hour=hour), there)
                for step in self.course.all_steps
                if isinstance(step.timing, OnDate)
            )
        return bisect_right(walls, joined) if walls else 0


class _Standing:
    """Reads where readers stand, by the ten thousand, and says what decides about each."""

    def __init__(self, now: datetime) -> None:
        self.now, self.lately = now, now - LATELY
        self.courses = {pk: _Course(each) for pk, each in read_courses(_all_sequences()).items()}
        self.words: dict[str, tuple[str, ...]] = {}

    def keys(self, sequence_id: int | None) -> Iterator[tuple[Key, int]]:
        """What decides about each reader who may get a letter, and the reader's number."""
        readers = Subscriber.objects.filter(state=Subscriber.State.ACTIVE)
        mine = Enrolment.objects.filter(state=EnrolmentState.ACTIVE)
        if sequence_id is not None:
            readers = readers.filter(pk__in=mine.filter(sequence=sequence_id).values("subscriber"))
        last = 0
        columns = ("pk", "zone", "hour", "paused_at", "paused_until", "letters_a_week")
        while chunk := list(readers.filter(pk__gt=last).order_by("pk").values_list(*columns)[:AT_A_TIME]):
            last = chunk[-1][0]
            # All of them are a stretch of an index; those of one sequence may lie far apart.
            theirs = Q(subscriber_id__gte=chunk[0][0], subscriber_id__lte=last)
            if sequence_id is not None:
                theirs = Q(subscriber_id__among=[pk for pk, *_ in chunk])
            places: defaultdict[int, list[_Place]] = defaultdict(list)
            for row in mine.filter(theirs).order_by("pk").values_list(*_Place._fields):
                if row[2] in self.courses:  # one that is new since has not begun
                    places[row[0]].append(_Place._make(row))
            behind = self._behind(theirs, {each.pk: each.sequence_id for some in places.values() for each in some})
            handed = self._handed(theirs)
            for pk, zone, hour, paused_at, paused_until, a_week in chunk:
                if pk not in places or (paused_at is not None and paused_until is None):
                    continue
                lately = tuple(sorted(local_date(each, load_zone(zone)) for each in handed[pk])) if pk in handed else ()
                exactly = paused_at is not None
                stands = tuple(
                    (*self._place(each, zone, hour, exactly), behind.get(each.pk, ())) for each in places[pk]
                )
                alone = pk if any(self.courses[each.sequence_id].is_personal for each in places[pk]) else 0
                yield (zone, hour, paused_at, paused_until, a_week, lately, stands, alone), pk

    def _place(self, place: _Place, zone: str, hour: time, exactly: bool) -> Key:
        course = self.courses[place.sequence_id]
        # A break or an outage is counted from when they joined or last rested, where that was later.
        exactly = exactly or place.due_at is None or place.due_at <= self.now
        joined = place.enrolled_at if exactly or course.counts_minutes else None
        rested = place.rested_until if exactly else None
        before = course.dates_before(place.enrolled_at, zone, hour)
        counted = (place.started_on, place.moved_days) if course.counts_days else ()
        return (*place[2:6], counted, joined, rested, before, course.version(place.enrolled_at))

    def _behind(self, theirs: Q, sequences: Mapping[int, int]) -> dict[int, Key]:
        """What each of these enrolments (with the sequence of each) has behind it."""
        rows = PastStep.objects.filter(theirs).values("enrolment_id").annotate(keys=Joined("step_key"))
        rows = rows.annotate(first_at=Min("settled_at"))
        behind: dict[int, Key] = {}
        ranked: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        for pk, keys, first_at in rows.values_list("enrolment_id", "keys", "first_at"):
            if pk not in sequences:
                continue
            ready = self.courses[sequences[pk]].course.ready_moments
            if ready and first_at < ready[-1]:
                # Approved after this reader had passed a letter: whether it was added behind them is to be seen.
                ranked[pk] = []
            elif keys in self.words:
                behind[pk] = self.words[keys]
            else:
                behind[pk] = self.words[keys] = tuple(sorted(keys.split(",")))
        settled = PastStep.objects.filter(enrolment__among=list(ranked))
        for pk, key, at in settled.values_list("enrolment_id", "step_key", "settled_at"):
            ranked[pk].append((key, bisect_right(self.courses[sequences[pk]].course.ready_moments, at)))
        return behind | {pk: tuple(sorted(steps)) for pk, steps in ranked.items()}

    def _handed(self, theirs: Q) -> dict[int, list[datetime]]:
        handed: defaultdict[int, list[datetime]] = defaultdict(list)
        rows = PastStep.objects.filter(theirs, handed_at__gt=self.lately)
        for subscriber_id, at in rows.values_list("subscriber_id", "handed_at"):
            if at is not None:
                handed[subscriber_id].append(at)
        return handed


def _all_sequences() -> Sequence[int]:
    return list(Letters.objects.values_list("pk", flat=True))
