"""What follows a sequence at its end, for a forecast: the rule of ``rounds.py``, foreseen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keepshowingup.cadence.course import Course
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import read_courses
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.cadence.rounds import may_follow, tomorrow
from keepshowingup.core.states import EnrolmentState
from keepshowingup.core.timing import local_date
from keepshowingup.editorial.models import Sequence


@dataclass
class Following:
    """The courses that follow others, and what one reader has been in already, by sequence id."""

    courses: Mapping[int, Course] = field(default_factory=dict)
    again: Mapping[int, int | None] = field(default_factory=dict)
    live: Collection[int] = ()
    been: Mapping[int, Enrolment] = field(default_factory=dict)
    begun: int = 0

    def after(self, place: Place, reader: Reader, now: datetime) -> Place | None:
        """The place a reader comes into when this one has just come to its end; None where nothing follows."""
        course = self.courses.get(place.course.then_id or 0)
        if course is None or not place.ended or place.state is not EnrolmentState.FINISHED:
            return None
        today = local_date(now, reader.zone)
        last, again = self.been.get(course.sequence_id), self.again[course.sequence_id]
        if not may_follow(last, place.enrolled_at, again, reader.zone.key, today):
            return None
        if any(other.course.sequence_id == course.sequence_id for other in reader.places):
            return None
        self.begun += 1
        started_on, enrolled_at = tomorrow(today, reader.zone)
        is_live = course.sequence_id in self.live
        return Place(-self.begun, course, started_on=started_on, enrolled_at=enrolled_at, live=is_live)


def what_follows(courses: Collection[Course], subscriber_id: int) -> Following:
    """Everything that may follow these courses for a reader, one after the other."""
    found: dict[int, Course] = {}
    while more := {course.then_id for course in courses if course.then_id is not None} - found.keys():
        new = read_courses(more)
        found |= new
        courses = new.values()
    if not found:
        return Following()
    rows = Sequence.objects.filter(pk__in=found)
    rounds = Enrolment.objects.filter(subscriber_id=subscriber_id, sequence_id__in=found).order_by("round")
    return Following(
        found,
        dict(rows.values_list("pk", "again_after_days")),
        set(rows.filter(state=Sequence.State.LIVE).values_list("pk", flat=True)),
        {row.sequence_id: row for row in rounds},
    )
