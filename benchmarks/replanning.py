"""A sequence's readers planned anew: after an edit, after a rest, for a new issue; readers a second.

Run as ``python -m benchmarks.replanning scene NUMBER`` it puts readers into one drip and one newsletter, all over their
letters; as ``… edit``, ``… rest`` or ``… issue`` it does that in this process and prints what came of it; as ``… alone
NUMBER`` it does an edit for so many readers with the planner alone, reader by reader, as every replanning once was.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from typing import cast

from benchmarks.figures import Figure, NotMeasured
from benchmarks.house import Bench

LETTERS = 10
DAYS_BETWEEN = 5
KINDS = {"edit": "an edit", "rest": "a pause", "issue": "an issue"}


def crowds(bench: Bench) -> list[Figure]:
    """A million of them on PostgreSQL, beside a sample the way it was."""
    number = bench.size(1_000_000, 100_000)
    figures = []
    with bench.house("postgres") as house:
        bench.say(f"{number:,} readers are put in …")
        house.child("benchmarks.replanning", "scene", number)
        bench.say("a sample goes through the planner alone …")
        alone = cast("dict[str, float]", house.child("benchmarks.replanning", "alone", min(number, 20_000)))
        naive = alone["readers"] / alone["seconds"]
        for kind, name in KINDS.items():
            bench.say(f"replanning {number:,} after {name} …")
            done = cast("dict[str, float]", house.child("benchmarks.replanning", kind))
            # A rest moves nobody who joined on its last day, and some readers finish.
            if done["changed"] < 0.9 * number:
                raise NotMeasured(f"Of {number} readers {done['changed']} had another plan after {name}.")
            rate = number / done["seconds"]
            note = f"{number:,} in {done['seconds']:.1f} s; beside it {alone['readers']:,.0f} reader by reader"
            figures.append(
                Figure(
                    f"replanning after {name}",
                    rate,
                    "readers/s",
                    at_least=50_000,
                    naive=naive,
                    ratio=rate / naive,
                    note=note,
                )
            )
    return figures


def scene(number: int) -> dict[str, float]:
    """A drip whose readers joined over the last weeks and have had its letters up to today, and a newsletter."""
    from django.db import connection, transaction

    from benchmarks.scene import Sql, add_readers, add_rows
    from keepshowingup.cadence.models import Enrolment, PastStep
    from keepshowingup.editorial.models import Sequence

    drip = Sequence.objects.get(open_ended=False)
    _letters(drip, LETTERS)
    paper = Sequence.objects.create(
        slug="paper", title="Paper", open_ended=True, state=Sequence.State.LIVE, created_at=_now(), activated_at=_now()
    )
    steps = list(drip.steps.filter(deleted_at=None).order_by("position"))
    # Nobody is past the last letter: each reader has another one coming, tomorrow or later.
    days = (LETTERS - 1) * DAYS_BETWEEN
    had = f"(id %% {days} / {DAYS_BETWEEN})"
    with transaction.atomic():
        first = add_readers(2 * number)
        cases = " ".join(f"WHEN {place} THEN {steps[place + 1].pk}" for place in range(LETTERS - 1))
        due = (
            f"date_trunc('day', now()) + ({had} + 1) * INTERVAL '{DAYS_BETWEEN} days'"
            f" - id %% {days} * INTERVAL '1 day' + INTERVAL '10 hours'"
        )
        coming = f"CASE {had} {cases} ELSE {steps[-1].pk} END"
        shared = {
            "state": "active",
            "due_local": "2026-11-23T10:00:00",
            "due_reason": "day 5 at the reader's hour 10:00",
        }
        common = {"enrolled_at": Sql(f"now() - (id %% {days}) * INTERVAL '1 day' - INTERVAL '1 hour'")}
        started = Sql(f"(now() - (id %% {days}) * INTERVAL '1 day')::date")
        who = {"subscriber_id": Sql("id"), "started_on": started, **common}
        add_rows(
            Enrolment,
            {**who, **shared, "sequence_id": drip.pk, "next_step_id": Sql(coming),
             "due_at": Sql(due), "promised_at": Sql(due)},
            "audience_subscriber WHERE id >= %(first)s AND id < %(end)s", first=first, end=first + number,
        )  # fmt: skip
        add_rows(
            Enrolment,
            {**who, "state": "active", "sequence_id": paper.pk, "due_local": "", "due_reason": "waits for it"},
            "audience_subscriber WHERE id >= %(first)s", first=first + number,
        )  # fmt: skip
        handed = (
            f"date_trunc('day', now()) - (mine.subscriber_id %% {days} - step.after_days) * INTERVAL '1 day'"
            " - INTERVAL '14 hours'"
        )
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "INSERT INTO cadence_paststep (enrolment_id, subscriber_id, step_key, settled_at, handed_at, due_local,"
                f" due_reason) SELECT mine.id, mine.subscriber_id, step.key, {handed}, {handed}, '', ''"
                " FROM cadence_enrolment AS mine JOIN editorial_step AS step ON step.sequence_id = mine.sequence_id"
                f" AND step.after_days <= mine.subscriber_id %% {days} AND step.deleted_at IS NULL"
                " WHERE mine.sequence_id = %s",
                [drip.pk],
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return {"readers": number, "past": PastStep.objects.count()}


def _letters(drip: object, number: int) -> None:
    """So many letters, each some days after the one before; the words are those of the first."""
    from keepshowingup.editorial.models import Approval, Sequence, Step

    assert isinstance(drip, Sequence)
    model = drip.steps.order_by("position").first()
    assert model is not None
    words = model.revisions.latest("number")
    drip.steps.update(deleted_at=_now(), position=99)
    long_ago = _now() - dt.timedelta(days=400)
    for place in range(number):
        step = Step.objects.create(
            sequence=drip,
            key=f"letter-{place}",
            position=place,
            after_days=place * DAYS_BETWEEN,
            subject=f"{place}",
            body=".",
        )
        words.pk, words.step, words.number, words.created_at = None, step, 1, long_ago
        words._state.adding = True
        words.save()
        Approval.objects.create(revision=words, approver="approver@harbour.example", approved_at=long_ago)
        Step.objects.filter(pk=step.pk).update(current=words.pk)


def edit() -> dict[str, float]:
    """Every letter comes a day later."""
    from django.db.models import F

    from keepshowingup.cadence import replans
    from keepshowingup.editorial.models import Sequence

    drip = Sequence.objects.get(open_ended=False)
    drip.steps.filter(deleted_at=None).update(after_days=F("after_days") + 1)
    return _measured(drip.pk, lambda: replans.after_change(drip.pk, _now(), within=float("inf")))


def rest() -> dict[str, float]:
    """The sequence goes on after ten days."""
    from keepshowingup.cadence import replans
    from keepshowingup.editorial.models import Sequence

    drip = Sequence.objects.get(open_ended=False)
    since = _now() - dt.timedelta(days=10)
    Sequence.objects.filter(pk=drip.pk).update(state=Sequence.State.PAUSED, paused_at=since)
    return _measured(drip.pk, lambda: replans.after_rest(drip.pk, since, _now(), within=float("inf")))


def issue() -> dict[str, float]:
    """A newsletter's readers, all of whom waited for it, get its next issue."""
    from keepshowingup.cadence import replans
    from keepshowingup.editorial.models import Revision, Sequence, Step

    paper = Sequence.objects.get(open_ended=True)
    words = Revision.objects.order_by("pk").first()
    Step.objects.create(
        sequence=paper, key="issue", position=1, on_date=_now().date() + dt.timedelta(days=3), subject="1", body=".",
        current=words,
    )  # fmt: skip
    return _measured(paper.pk, lambda: replans.after_change(paper.pk, _now(), within=float("inf")))


def alone(number: int) -> dict[str, float]:
    """So many readers of the drip with the planner alone, and back to where they were."""
    from django.db import transaction
    from django.db.models import F

    from keepshowingup.cadence.advancing import replan
    from keepshowingup.cadence.models import Enrolment
    from keepshowingup.cadence.places import CHUNK, read_courses
    from keepshowingup.editorial.models import Sequence

    drip = Sequence.objects.get(open_ended=False)
    ids = list(Enrolment.objects.filter(sequence=drip).order_by("pk").values_list("pk", flat=True)[:number])
    with transaction.atomic():
        drip.steps.filter(deleted_at=None).update(after_days=F("after_days") + 1)
        courses = read_courses([drip.pk])
        began, busy = time.perf_counter(), time.process_time()
        for start in range(0, len(ids), CHUNK):
            replan(ids[start : start + CHUNK], _now(), leave_overdue=True, courses=courses)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        transaction.set_rollback(True)
    return {"readers": len(ids), "seconds": seconds, "busy": busy}


def _measured(sequence_id: int, work: Callable[[], bool]) -> dict[str, float]:
    from keepshowingup.cadence.models import Enrolment

    theirs = Enrolment.objects.filter(sequence=sequence_id)
    before = dict(theirs.values_list("pk", "due_at"))
    began, busy = time.perf_counter(), time.process_time()
    if not work():
        raise NotMeasured("The replanning was not done.")
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    changed = sum(before[pk] != due_at for pk, due_at in theirs.values_list("pk", "due_at"))
    return {"readers": len(before), "changed": changed, "seconds": seconds, "busy": busy}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def main(arguments: list[str]) -> dict[str, float]:
    """Do what the first word says."""
    import django

    django.setup()
    match arguments:
        case ["scene", number]:
            return scene(int(number))
        case ["alone", number]:
            return alone(int(number))
        case [kind] if kind in KINDS:
            return {"edit": edit, "rest": rest, "issue": issue}[kind]()
    sys.exit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
