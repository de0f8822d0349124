"""A crowd whose plans are made anew, in a process of its own, with the product's own settings and models.

``python -m benchmarks.crowd scene NUMBER`` puts so many readers into a drip, all over its letters, and as many into a
newsletter. ``… edit``, ``… rest`` and ``… issue`` have them planned anew and print what came of it; ``… alone NUMBER``
does an edit for so many with the planner alone, reader by reader, and takes it back. ``… steady NUMBER DUE SPACING``
adds readers of the drip whose first letter is due at DUE (seconds since 1970), each SPACING seconds after the one
before; no edit moves that.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from benchmarks.figures import NotMeasured  # noqa: E402
from benchmarks.scene import ON_POSTGRES, ZONES, Sql, add_readers, add_rows, zone_by  # noqa: E402
from keepshowingup.cadence import replans  # noqa: E402
from keepshowingup.cadence.advancing import replan  # noqa: E402
from keepshowingup.cadence.models import Enrolment, PastStep  # noqa: E402
from keepshowingup.cadence.places import CHUNK, read_courses  # noqa: E402
from keepshowingup.editorial.models import Approval, Revision, Sequence, Step  # noqa: E402

Numbers = dict[str, float]

LETTERS = 10
DAYS_BETWEEN = 5
# The first letter is counted in minutes. Nobody is past the last one: each has another coming, tomorrow or later.
WELCOME = timedelta(minutes=60)
DAYS = (LETTERS - 1) * DAYS_BETWEEN
NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


def scene(number: int) -> Numbers:
    """A drip whose readers joined over the last weeks and have had its letters up to today, and a newsletter."""
    drip = Sequence.objects.get()
    steps = _letters(drip)
    paper = Sequence.objects.create(
        slug="paper", title="Paper", open_ended=True, state=Sequence.State.LIVE, created_at=NOW, activated_at=NOW
    )
    coming = [day // DAYS_BETWEEN + 1 for day in range(DAYS)]
    due = [TODAY + (place * DAYS_BETWEEN - day) * DAY + timedelta(hours=10) for day, place in enumerate(coming)]
    who = {
        "subscriber_id": Sql("id"),
        "state": "active",
        "enrolled_at": _by_day([NOW - day * DAY - timedelta(hours=1) for day in range(DAYS)]),
        "started_on": _by_day([(NOW - day * DAY).date() for day in range(DAYS)]),
    }
    plan = {
        "next_step_id": _by_day([steps[place].pk for place in coming]),
        "due_at": _by_day(due),
        "promised_at": _by_day(due),
        "due_local": f"{TODAY:%Y-%m-%dT%H:%M:%S}",
        "due_reason": "day 5 at the reader's hour 10:00",
    }
    with transaction.atomic():
        # In every few thousand of them there is somebody of each kind: a day of joining, a zone, an hour.
        first = add_readers(2 * number, zone=zone_by(f"n / {DAYS}"), hour=_hour())
        add_rows(
            Enrolment, {**who, **plan, "sequence_id": drip.pk},
            "audience_subscriber WHERE id >= %(first)s AND id < %(end)s", first=first, end=first + number,
        )  # fmt: skip
        add_rows(
            Enrolment, {**who, "sequence_id": paper.pk, "due_reason": "waits for the next issue"},
            "audience_subscriber WHERE id >= %(first)s", first=first + number,
        )  # fmt: skip
        since = "(mine.subscriber_id %% %(days)s - COALESCE(step.after_days, 0))"
        handed = _by_day([TODAY - day * DAY - timedelta(hours=14) for day in range(DAYS)], since)
        add_rows(
            PastStep,
            {"enrolment_id": Sql("mine.id"), "subscriber_id": Sql("mine.subscriber_id"), "step_key": Sql("step.key"),
             "settled_at": handed, "handed_at": handed},
            "cadence_enrolment AS mine JOIN editorial_step AS step ON step.sequence_id = mine.sequence_id"
            f" AND step.deleted_at IS NULL WHERE mine.sequence_id = %(drip)s AND {since} >= 0", drip=drip.pk, days=DAYS,
        )  # fmt: skip
    with connection.cursor() as cursor:
        for statement in ("VACUUM ANALYZE", "CHECKPOINT") if ON_POSTGRES else ("ANALYZE",):
            cursor.execute(statement)
    return {"readers": number, "past": PastStep.objects.count()}


def _hour() -> Sql:
    """One of twelve in the day."""
    hour = f"7 + (n / {DAYS * len(ZONES)}) %% 12"
    return Sql(f"make_time(({hour})::int, 30, 0)" if ON_POSTGRES else f"printf('%%02d:30:00', {hour})")


def _by_day(values: list[Any], which: str = f"id %% {DAYS}") -> Sql:
    """One value for each of the days on which readers joined."""
    return Sql(f"CASE {which} {' '.join(f'WHEN {day} THEN {_literal(value)}' for day, value in enumerate(values))} END")


def _literal(value: object) -> str:
    if isinstance(value, dt.datetime):
        return f"TIMESTAMPTZ '{value}'" if ON_POSTGRES else f"'{value.replace(tzinfo=None)}'"
    if isinstance(value, dt.date):
        return f"DATE '{value}'" if ON_POSTGRES else f"'{value}'"
    return str(value)


def _letters(drip: Sequence) -> list[Step]:
    """The drip's own letters make way for ones that come some days after each other, with the words of the first."""
    model = drip.steps.order_by("position")[0]
    words = model.revisions.latest("number")
    drip.steps.update(deleted_at=NOW, position=99)
    long_ago = NOW - 400 * DAY
    made = []
    for place in range(LETTERS):
        timing = {"after_days": place * DAYS_BETWEEN} if place else {"after_minutes": WELCOME.seconds // 60}
        step = Step.objects.create(
            sequence=drip, key=f"letter-{place}", position=place, subject=f"{place}", body=".", **timing
        )
        words.pk, words.step, words.number, words.created_at = None, step, 1, long_ago
        words._state.adding = True
        words.save()
        Approval.objects.create(revision=words, approver="approver@harbour.example", approved_at=long_ago)
        Step.objects.filter(pk=step.pk).update(current=words.pk)
        made.append(step)
    return made


def edit() -> Numbers:
    """Every letter comes a day later."""
    drip = _drip()
    drip.steps.filter(deleted_at=None).update(after_days=F("after_days") + 1)
    return _measured(drip.pk, lambda: replans.after_change(drip.pk, NOW, within=float("inf")))


def rest() -> Numbers:
    """The sequence goes on after ten days."""
    drip, since = _drip(), NOW - 10 * DAY
    Sequence.objects.filter(pk=drip.pk).update(state=Sequence.State.PAUSED, paused_at=since)
    return _measured(drip.pk, lambda: replans.after_rest(drip.pk, since, NOW, within=float("inf")))


def issue() -> Numbers:
    """A newsletter's readers, all of whom waited for it, get its next issue."""
    paper = Sequence.objects.get(open_ended=True)
    words = Revision.objects.order_by("pk").first()
    day = (NOW + 3 * DAY).date()
    Step.objects.create(sequence=paper, key="issue", position=1, on_date=day, subject="1", body=".", current=words)
    return _measured(paper.pk, lambda: replans.after_change(paper.pk, NOW, within=float("inf")))


def _measured(sequence_id: int, work: Callable[[], bool]) -> Numbers:
    """How long it took, and how many plans are other ones then."""
    theirs = Enrolment.objects.filter(sequence=sequence_id).exclude(next_step__key="letter-0")
    before = dict(theirs.values_list("pk", "due_at"))
    since, began, busy = time.time(), time.perf_counter(), time.process_time()
    if not work():
        raise NotMeasured("The replanning was not done.")
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    after = theirs.values_list("pk", "due_at")
    changed = sum(pk in before and before[pk] != due_at for pk, due_at in after)
    return {"readers": len(before), "changed": changed, "seconds": seconds, "busy": busy, "since": since}


def alone(number: int) -> Numbers:
    """So many readers of the drip with the planner alone, and back to where they were."""
    drip = _drip()
    ids = list(Enrolment.objects.filter(sequence=drip).order_by("pk").values_list("pk", flat=True)[:number])
    with transaction.atomic():
        drip.steps.filter(deleted_at=None).update(after_days=F("after_days") + 1)
        courses = read_courses([drip.pk])
        began, busy = time.perf_counter(), time.process_time()
        for start in range(0, len(ids), CHUNK):
            replan(ids[start : start + CHUNK], NOW, leave_overdue=True, courses=courses)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        transaction.set_rollback(True)
    return {"readers": len(ids), "seconds": seconds, "busy": busy}


def steady(number: int, due: float, spacing: float) -> Numbers:
    """Readers who fall due one after the other while the others are planned anew; the first one's key."""
    drip = _drip()
    moment = f"TIMESTAMPTZ '{dt.datetime.fromtimestamp(due, dt.UTC)}' + (id - %(first)s) * INTERVAL '{spacing} seconds'"
    with transaction.atomic():
        first = add_readers(number)
        add_rows(
            Enrolment,
            {"subscriber_id": Sql("id"), "sequence_id": drip.pk, "state": "active",
             "enrolled_at": Sql(f"{moment} - INTERVAL '{WELCOME}'"), "started_on": NOW.date(),
             "next_step_id": drip.steps.get(key="letter-0").pk, "due_at": Sql(moment), "promised_at": Sql(moment),
             "due_local": f"{NOW:%Y-%m-%dT%H:%M:%S}", "due_reason": "60 minutes after joining"},
            "audience_subscriber WHERE id >= %(first)s", first=first,
        )  # fmt: skip
    return {"first": first}


def _drip() -> Sequence:
    return Sequence.objects.get(open_ended=False)


def main(arguments: list[str]) -> Numbers:
    """Do what the first word says."""
    match arguments:
        case ["scene", number]:
            return scene(int(number))
        case ["alone", number]:
            return alone(int(number))
        case ["steady", number, due, spacing]:
            return steady(int(number), float(due), float(spacing))
        case ["edit" | "rest" | "issue" as kind]:
            return {"edit": edit, "rest": rest, "issue": issue}[kind]()
    sys.exit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
