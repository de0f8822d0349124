"""Making plans anew: after a break, after an edit, when a reader has moved, after an outage.

Letters keep their spacing from the moment of resuming, nothing comes earlier than it was promised, and never two at
once: the pace is kept by whoever plans the next letter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.notices import owe_resume
from keepshowingup.audience.preferences import clear_pause, set_pace
from keepshowingup.cadence.abreast import replan_abreast
from keepshowingup.cadence.advancing import Break, replan, since_promised
from keepshowingup.cadence.anew import ALWAYS, Anew
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.enrolling import A_DAY, letter_comes_before, stop_for_those_gone
from keepshowingup.cadence.holding import release
from keepshowingup.cadence.meant import PASSED_OVER
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.places import CHUNK, patience, read_courses
from keepshowingup.cadence.reader import Place, Reader
from keepshowingup.core.errors import NotFound
from keepshowingup.core.states import STAYING, EnrolmentState, WhyMoved
from keepshowingup.core.timing import is_allowed, load_zone, local_date, to_utc
from keepshowingup.editorial.models import Sequence, Step

log = logging.getLogger(__name__)


def catch_up(now: datetime) -> None:
    """What has to be put right before letters are claimed at ``now``: called at each tick, and cheap when all is well.

    Ends pauses, stops what is due to readers who are gone, and takes what an outage has left overdue out of hours in
    which no letter may leave.
    """
    end_pauses(now)
    stop_for_those_gone(now)
    move_out_of_quiet(now)


def resume_reader(subscriber_id: int, now: datetime) -> None:
    """End a reader's break: their plan moves by the local days it lasted. Without a break nothing changes."""
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
        if reader is None:
            raise NotFound("There is no such reader.")
        if reader.paused_at is None:
            return
        until = min(now, reader.paused_until or now)
        rested = break_of(reader.paused_at, until)
        replan(_active_of(subscriber_id), now, keep_promises=True, rested=rested, why=WhyMoved.BREAK)
        clear_pause(subscriber_id)


def end_pauses(now: datetime) -> int:
    """End the breaks whose last day has come; returns how many."""
    over = Subscriber.objects.filter(paused_at__isnull=False, paused_until__lte=now)
    ids = list(over.order_by("pk").values_list("pk", flat=True))
    for subscriber_id in ids:
        with transaction.atomic():
            resume_reader(subscriber_id, now)
            _tell(subscriber_id, now)
    return len(ids)


def _tell(subscriber_id: int, now: datetime) -> None:
    """Owe a reader whose break has ended by itself a note at their hour, unless a letter comes that day anyway.

    Who pressed the button knows; who has no letters to come would be told something that is not so.
    """
    reader = Subscriber.objects.get(pk=subscriber_id)
    zone = load_zone(reader.zone)
    today = to_utc(datetime.combine(local_date(now, zone), reader.hour), zone)
    tomorrow = to_utc(datetime.combine(local_date(now, zone) + A_DAY, reader.hour), zone)
    due_at = today if today >= now else tomorrow
    coming = Enrolment.objects.filter(subscriber=reader, state__in=STAYING).exists()
    if reader.state == Subscriber.State.ACTIVE and coming and not letter_comes_before(reader.pk, due_at + A_DAY):
        owe_resume(reader.pk, due_at, now)


def replan_reader(subscriber_id: int, now: datetime) -> None:
    """A reader's zone, hour, tags or language are others: every letter is planned anew.

    None comes earlier than it was promised.
    """
    replan(_active_of(subscriber_id), now, keep_promises=True, leave_overdue=True)


def choose_pace(subscriber_id: int, letters_a_week: int | None, now: datetime) -> None:
    """The reader gets at most so many letters in 7 days from now on, or (None) letters as they come.

    What is planned moves at once, also what is due this minute; nothing comes earlier than it was promised.
    """
    with transaction.atomic():
        if set_pace(subscriber_id, letters_a_week):
            replan(_active_of(subscriber_id), now, keep_promises=True)


def replan_sequence(sequence_id: int, now: datetime) -> int:
    """The steps or the rules of a sequence are others: plan its waiting readers anew; returns how many plans moved.

    Readers who have finished stay finished, unless a letter was added that is for them too. A letter whose moment has
    come is left to be claimed. Who was held by a letter that could not be made goes on: this may have mended it.
    """
    make_ready(sequence_id, now)
    return _replan_all(anew(sequence_id, now))


def make_ready(sequence_id: int, now: datetime) -> None:
    """Bring back those for whom a change is news though no letter of theirs is planned: the held and the finished."""
    release(sequence_id, now)
    give_back(sequence_id)
    reopen(sequence_id)


def give_back(sequence_id: int) -> int:
    """Owe letters again that were passed over for somebody and then brought back for those past them; returns how many.

    Whether such a letter is for them is asked anew when they are planned.
    """
    steps = Step.objects.filter(sequence=sequence_id, backfilled=True, deleted_at=None, there_since__isnull=False)
    passed = PastStep.objects.filter(handed_at=None, due_reason__startswith=PASSED_OVER)
    return sum(
        passed.filter(enrolment__sequence=sequence_id, step_key=key, settled_at__lt=since).delete()[0]
        for key, since in steps.values_list("key", "there_since")
        if since is not None
    )


def reopen(sequence_id: int) -> int:
    """Let those who have finished go on whom a letter was added for that they have not had; returns how many."""
    steps = Step.objects.filter(sequence=sequence_id, backfilled=True, deleted_at=None)
    added = list(steps.values_list("key", flat=True))
    if not added:
        return 0
    past = PastStep.objects.filter(enrolment=OuterRef("pk"), step_key__in=added)
    had = past.order_by().values("enrolment").annotate(number=Count("pk")).values("number")
    later = Enrolment.objects.filter(
        subscriber=OuterRef("subscriber"), sequence=sequence_id, round__gt=OuterRef("round")
    )
    finished = Enrolment.objects.filter(~Exists(later), sequence=sequence_id, state=EnrolmentState.FINISHED)
    lacking = finished.annotate(had=Coalesce(Subquery(had), 0)).filter(had__lt=len(added))
    return Enrolment.objects.filter(pk__in=lacking.values("pk")).update(state=EnrolmentState.ACTIVE, ended_at=None)


def resume_sequence(sequence_id: int, since: datetime | None, now: datetime) -> int:
    """The sequence rested from ``since`` (None: it was never live) to ``now``: move its readers' plans by those days.

    Call it before the sequence is live. It may be called again after a crash: no break counts twice.
    """
    return _replan_all(anew(sequence_id, now, rested=since or ALWAYS))


def anew(sequence_id: int, now: datetime, *, rested: datetime | None = None, until: datetime | None = None) -> Anew:
    """A replanning of the whole sequence, to be done chunk by chunk; ``rested`` is when its rest began, if it had one.

    ``until`` is when that rest was over, where it is not ``now``.
    """
    return Anew(sequence_id, now, read_courses([sequence_id])[sequence_id], rested, until)


def move_out_of_quiet(now: datetime) -> int:
    """Plan anew what is overdue by an outage and may not leave at this hour of its reader's day; returns how many."""
    overdue = due_enrolments(now - patience())
    groups = list(overdue.order_by().values_list("sequence_id", "subscriber__zone").distinct())
    courses = read_courses({sequence_id for sequence_id, _ in groups})
    moved = 0
    for sequence_id, zone in groups:
        rules = courses[sequence_id].rules
        if rules is None or is_allowed(now, load_zone(zone), rules):
            continue
        there = overdue.filter(sequence_id=sequence_id, subscriber__zone=zone)
        if rules.too_late is not None:
            # What is too late by now is skipped at any hour: it must not depend on when an outage ends.
            there = there.filter(due_at__gte=now - rules.too_late)
        for ids in _chunks(there):
            moved += replan(ids, now, rested=since_promised(now), courses=courses)
    if moved:
        log.warning("%d letters were overdue at an hour when none may leave; they wait for the next", moved)
    return moved


def break_of(since: datetime, until: datetime) -> Break:
    """A reader's break (UTC), without the days on which the sequence rests too: those count when that resumes."""
    resting = dict(Sequence.objects.exclude(state=Sequence.State.LIVE).values_list("pk", "paused_at"))

    def rested(place: Place, _: Reader) -> tuple[datetime, datetime]:
        if place.course.sequence_id not in resting:
            return since, until
        return since, min(until, resting[place.course.sequence_id] or ALWAYS)

    return rested


def _active_of(subscriber_id: int) -> list[int]:
    active = Enrolment.objects.filter(subscriber=subscriber_id, state=EnrolmentState.ACTIVE)
    return list(active.values_list("pk", flat=True))


def _replan_all(wanted: Anew) -> int:
    planned, last = 0, 0
    while done := replan_abreast(wanted, last):
        planned, last = planned + done.planned, done.last
    return planned


def _chunks(enrolments: QuerySet[Enrolment]) -> Iterator[list[int]]:
    last = 0
    while ids := list(enrolments.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield ids
        last = ids[-1]
