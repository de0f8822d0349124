"""Which letter comes next and when: the decision, as values. The sender and the forecast both ask here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepshowingup.cadence.course import CourseStep
from keepshowingup.cadence.marks import owed_marks, own_wall, wait_out_the_break
from keepshowingup.cadence.meant import first_meant, pass_over, will_come
from keepshowingup.cadence.reader import Move, Place, Reader
from keepshowingup.core.care import exit_reached
from keepshowingup.core.conditions import unmet
from keepshowingup.core.milestones import is_dropped
from keepshowingup.core.pace import Pace, first_free_day
from keepshowingup.core.states import EnrolmentState, WhyMoved
from keepshowingup.core.timing import (
    AfterDays,
    AfterMinutes,
    AtMark,
    Moment,
    OnDate,
    Rules,
    local_date,
    local_days_between,
    moment_of,
    starts_at,
    to_utc,
)

NO_ISSUE_YET = "waits for the next issue"
NO_MARK_YET = "waits for a mark of a date of their own"
NO_LETTER_YET = "waits for the first letter to be written"
NOT_APPROVED_YET = "waits for the next letter to be approved"


def next_step(place: Place, reader: Reader) -> CourseStep | None:
    """The first step still owed that may be sent; None when there is none now. See ``meant.py`` for conditions."""
    return next(_candidates(place, reader), None)


def _candidates(place: Place, reader: Reader) -> Iterator[CourseStep]:
    """The step that comes next; of marks also those after it, for one that is dropped comes never."""
    ready = (step for step in owed_steps(place, reader) if step.ready_since is not None)
    if place.course.milestones:
        yield from (step for step in ready if not unmet(step.only_if, reader.about))
        return
    step = first_meant(ready, place, reader) if place.course.has_conditions else next(ready, None)
    if step is not None:
        yield step


def is_still_next(place: Place, reader: Reader) -> bool:
    """Whether the letter that is planned is the one that comes next as things stand now."""
    step = next_step(place, reader)
    return step is not None and place.step is not None and step.key == place.step.key


def owed_steps(place: Place, reader: Reader) -> Iterator[CourseStep]:
    """The steps still owed, in order.

    Not owed: deleted ones, those behind the reader, dates before they joined, and in a drip those that became
    ready only after the reader had passed a later place (from now on for everyone, no letters from the past).
    """
    if place.course.milestones:
        yield from owed_marks(place, reader)
        return
    passed_later: dict[int, datetime] = {}
    earliest: datetime | None = None
    for step in reversed(place.course.steps):
        if earliest is not None:
            passed_later[step.pk] = earliest
        if (passed := place.past.get(step.key)) is not None:
            earliest = passed if earliest is None else min(earliest, passed)
    for step in place.course.steps:
        if step.deleted or step.key in place.past or _is_before_joining(step, place, reader):
            continue
        later = None if step.backfilled else passed_later.get(step.pk)
        if not place.course.open_ended and later is not None and (step.ready_since is None or step.ready_since > later):
            continue
        yield step


def _is_before_joining(step: CourseStep, place: Place, reader: Reader) -> bool:
    if not isinstance(step.timing, OnDate):
        return False
    wall = starts_at(step.timing, started_on=place.started_on, hour=reader.hour)
    return to_utc(wall, reader.zone) <= place.enrolled_at


def plan(
    place: Place, reader: Reader, *, pace: Pace, taken: Iterable[date], not_before: datetime, now: datetime
) -> None:
    """Set the place's next letter and its moment, or its end, or what it waits for.

    A letter whose day has passed when it is planned moves the ones after it by as many days: they keep their spacing.
    """
    course = place.course
    if course.exits and (rule := exit_reached(course.exits, reader.about.tags, local_date(now, reader.zone))):
        place.end(EnrolmentState.ENDED, rule.say(), now)
        return
    if (rules := course.rules) is None:
        place.wait(course.fault)
        return
    if course.milestones:
        wait_out_the_break(place, reader, now)
    elif course.has_conditions:
        owed = owed_steps(place, reader)
        pass_over(owed, place, reader, lambda step: _moment(step, place, reader, rules, None).local.date(), now)
    taken = list(taken)
    for step in _candidates(place, reader):
        if isinstance(step.timing, AfterDays | AfterMinutes) and not _comes_afterwards(step, place, reader, rules):
            place.move(Move(WhyMoved.PLANNED, _days_gone(step, place, reader, rules, now), now, now))
        if step.only_if and (why_not := unmet(step.only_if, reader.about)):
            moment = _moment(step, place, reader, rules, not_before)
            moment = replace(moment, reason=f"{moment.reason}; then it is asked again whether {why_not}")
        else:
            moment = _paced(step, place, reader, rules, pace, taken, not_before)
        if isinstance(step.timing, AtMark):
            wall = own_wall(step.timing, reader)
            if is_dropped(to_utc(wall, reader.zone), moment.utc):
                continue
            # Kept beside the letter: whoever hands it over sees by it when it has become too late.
            moment = replace(moment, local=wall)
        place.promise(step, moment)
        return
    if any(step.ready_since is None for step in owed_steps(place, reader)):
        place.wait(NOT_APPROVED_YET)
    elif course.open_ended:
        place.wait(NO_ISSUE_YET)
    elif course.milestones:
        place.wait(NO_MARK_YET)
    elif not course.steps:
        place.wait(NO_LETTER_YET)
    else:
        place.end(EnrolmentState.FINISHED, "", now)


def _comes_afterwards(step: CourseStep, place: Place, reader: Reader, rules: Rules) -> bool:
    """Whether its day was over for this reader when it was added for them too: the letters to come keep their days."""
    if not step.backfilled or step.ready_since is None:
        return False
    return _moment(step, place, reader, rules, None).utc < step.ready_since


def _days_gone(step: CourseStep, place: Place, reader: Reader, rules: Rules, now: datetime) -> int:
    """How many local days later than its own day a letter comes because that day is over at ``now``.

    One that is only put off to the morning, by quiet hours, is not: the day after tomorrow stays what it was.
    """
    own = _moment(step, place, reader, rules, None).local.date()
    if own >= local_date(now, reader.zone):
        return 0
    return (_moment(step, place, reader, rules, now).local.date() - own).days


def _moment(step: CourseStep, place: Place, reader: Reader, rules: Rules, floor: datetime | None) -> Moment:
    """The step's moment for this reader, not before ``floor`` (UTC)."""
    known = place.course.moments
    # Minutes are counted from the moment of joining, which readers do not share.
    key = (step.pk, place.started_on, reader.zone.key, reader.hour, place.moved_days, floor)
    # Nor do they share the date that marks are counted from.
    shared = not isinstance(step.timing, AfterMinutes | AtMark)
    if shared and key in known:
        return known[key]
    moment = moment_of(
        step.timing,
        started_on=_start_of(step, place, reader),
        enrolled_at=place.enrolled_at,
        zone=reader.zone,
        hour=reader.hour,
        rules=rules,
        moved_days=place.moved_days,
        not_before=floor,
    )
    if shared:
        known[key] = moment
    return moment


def _start_of(step: CourseStep, place: Place, reader: Reader) -> date:
    if isinstance(step.timing, AtMark) and reader.counted_from is not None:
        return reader.counted_from
    return place.started_on


def _paced(
    step: CourseStep, place: Place, reader: Reader, rules: Rules, pace: Pace, taken: list[date], not_before: datetime
) -> Moment:
    first = paced = _moment(step, place, reader, rules, not_before)
    while (free := first_free_day(paced.local.date(), taken, pace)) != paced.local.date():
        floor = max(not_before, to_utc(datetime.combine(free, time()), reader.zone))
        paced = _moment(step, place, reader, rules, floor)
    if paced is first:
        return first
    days = (paced.local.date() - first.local.date()).days
    return replace(paced, reason=f"{first.reason}; moved {days} day{'s' if days != 1 else ''}: {pace}")


def arrange(reader: Reader, fresh: Mapping[int, datetime], *, pace: Pace, now: datetime) -> list[Place]:
    """Plan the places named in ``fresh`` anew, each not before its moment, and let lesser letters make room.

    Higher priorities are placed first; among equals what is already promised keeps its day. A letter that has to
    make room never moves forward in time. Returns the places that changed.
    """
    pace = pace.at_most(reader.letters_a_week)
    today = local_date(now, reader.zone)
    taken = [local_date(handed, reader.zone) for handed in reader.handed]
    taken += [
        _day_of(place, reader, today)
        for place in reader.places
        if place.is_under_way and place.live and place.pk not in fresh
    ]
    changed = []
    for place in sorted(reader.places, key=lambda place: _precedence(place, fresh)):
        if place.state is not EnrolmentState.ACTIVE or (place.is_under_way and place.pk not in fresh):
            continue
        if place.pk in fresh:
            plan(place, reader, pace=pace, taken=taken, not_before=max(now, fresh[place.pk]), now=now)
            changed.append(place)
        elif place.due is not None and place.live and will_come(place, reader):
            day = _day_of(place, reader, today)
            if first_free_day(day, taken, pace) != day:
                plan(place, reader, pace=pace, taken=taken, not_before=max(now, place.due), now=now)
                changed.append(place)
        # A place that is planned now counts even if its sequence is only about to go live.
        if place.due is not None and (place.live or place.pk in fresh) and will_come(place, reader):
            taken.append(_day_of(place, reader, today))
    return changed


def _day_of(place: Place, reader: Reader, today: date) -> date:
    """The local day a planned letter will count on: what is overdue goes out today at the earliest."""
    return max(today, local_date(place.promised, reader.zone)) if place.promised else today


def _precedence(place: Place, fresh: Mapping[int, datetime]) -> tuple[int, bool, datetime, int]:
    due = place.due or datetime.max.replace(tzinfo=UTC)
    return (place.course.priority, place.pk in fresh, due, place.pk)


def settle(
    place: Place, reader: Reader, key: str, *, handed_at: datetime | None, now: datetime, patience: timedelta
) -> None:
    """Put the step ``key`` behind the reader.

    A letter that was later than ``patience`` because of an outage moves the rest of the plan by the local days it was
    late, so that the letters after it keep their spacing. Marks stay on their dates.
    """
    if place.step is not None and place.step.key == key and place.promised is not None and not place.course.milestones:
        settled = handed_at or now
        if settled - place.promised > patience:
            late = local_days_between(place.promised, settled, reader.zone)
            place.move(Move(WhyMoved.OUTAGE, late, place.promised, settled))
    place.past.setdefault(key, now)
    if handed_at is not None:
        place.last_handed = handed_at
        reader.handed.append(handed_at)


def rest(place: Place, zone: ZoneInfo, since: datetime, until: datetime, why: WhyMoved = WhyMoved.OUTAGE) -> None:
    """Count a break from ``since`` to ``until`` (UTC) into the plan, except what has been counted before.

    Marks stay on their dates, whatever rests.
    """
    if place.course.milestones:
        return
    start = max(filter(None, (since, place.enrolled_at, place.rested_until)))
    if until > start:
        place.move(Move(why, local_days_between(start, until, zone), start, until))
        place.rested_until = until
