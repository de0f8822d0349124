"""What follows a sequence at its end, for a forecast: the rule of ``rounds.py``, foreseen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import read_courses
from keepshowingup.cadence.planning import Course, Place, Reader
from keepshowingup.cadence.rounds import may_begin_again
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import local_date, to_utc
from keepshowingup.editorial.models import Sequence


@dataclass
class Following:
    """The courses that follow others, and what one reader has been in already, by sequence id."""

    courses: Mapping[int, Course]
    again: Mapping[int, int | None]
    live: Collection[int]
    been: Mapping[int, Enrolment] = field(default_factory=dict)
    begun: int = 0

    def after(self, place: Place, reader: Reader, now: datetime) -> Place | None:
        """The place a reader comes into when this one has just come to its end; None where nothing follows."""
        course = self.courses.get(place.course.then_id or 0)
        if course is None or not place.ended or place.state is not EnrolmentState.FINISHED:
            return None
        today = local_date(now, reader.zone)
        before = self.been.get(course.sequence_id)
        if before is not None and (
            before.enrolled_at > place.enrolled_at
            or not may_begin_again(before, self.again[course.sequence_id], reader.zone.key, today)
        ):
            return None
        if any(other.course.sequence_id == course.sequence_id for other in reader.places):
            return None
        self.begun += 1
        return self._tomorrow(course, reader, today + timedelta(days=1))

    def _tomorrow(self, course: Course, reader: Reader, tomorrow: date) -> Place:
        return Place(
            pk=-self.begun,
            course=course,
            started_on=tomorrow,
            enrolled_at=to_utc(datetime.combine(tomorrow, time()), reader.zone),
            live=course.sequence_id in self.live,
        )


def what_follows(courses: Collection[Course], subscriber_id: int | None = None) -> Following:
    """Everything that may follow these courses, one after the other. Without a reader all of it is live."""
    found: dict[int, Course] = {}
    ids = {course.then_id for course in courses if course.then_id is not None}
    while more := ids - found.keys():
        found |= read_courses(more)
        ids |= {course.then_id for course in found.values() if course.then_id is not None}
    if not found:
        return Following({}, {}, ())
    rows = Sequence.objects.filter(pk__in=found)
    if subscriber_id is None:
        ready = {pk: course.as_if_approved() for pk, course in found.items()}
        return Following(ready, dict(rows.values_list("pk", "again_after_days")), found.keys())
    rounds = Enrolment.objects.filter(subscriber_id=subscriber_id, sequence_id__in=found).order_by("round")
    return Following(
        found,
        dict(rows.values_list("pk", "again_after_days")),
        set(rows.filter(state=Sequence.State.LIVE).values_list("pk", flat=True)),
        {row.sequence_id: row for row in rounds},
    )
