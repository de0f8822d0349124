"""While a sequence is planned anew its letters leave: neither the replanning nor the sender waits for the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection, transaction

from keepshowingup.cadence import crowd
from keepshowingup.cadence.abreast import replan_abreast
from keepshowingup.cadence.advancing import advance
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.replanning import anew
from keepshowingup.delivery.models import Dispatch
from keepshowingup.editorial.models import Sequence, Step
from tests.delivery.conftest import StoppedClock, claim, enrol_many
from tests.factories import StepFactory
from tests.processes import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite lets one connection write at a time"),
]
Answer = TypeVar("Answer")


def elsewhere(work: Callable[[], Answer]) -> Answer:
    """Do it on another connection, while this one has its transaction open."""

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(alone_there, work).result()


def alone_there(work: Callable[[], Answer]) -> Answer:
    """On the connection of a thread of its own."""
    try:
        with connection.cursor() as cursor:
            # Whoever waits for a row waits for a transaction that waits for them.
            cursor.execute("SET lock_timeout = '60s'")
        return work()
    finally:
        connection.close()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone() == (1,))


def test_letters_are_claimed_and_settled_while_a_chunk_is_planned(
    clock: StoppedClock, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MANY", 3)
    readers = enrol_many(sequence, 6)
    ((under_way, _),) = claim(clock, limit=1).letters
    theirs = Dispatch.objects.get(pk=under_way).enrolment_id
    assert theirs == readers[0].pk
    Step.objects.filter(key="second").update(after_days=3)

    def send() -> int:
        advance(theirs, after_key="first", handed_at=clock.now(), now=clock.now())
        return len(claim(clock).letters)

    wanted = anew(sequence.pk, clock.now())
    with transaction.atomic():
        done = crowd.replan_chunk(wanted, 0)
        assert done is not None
        assert (done.last, done.readers) == (readers[2].pk, 3)
        assert elsewhere(send) == 3, "all but those of the chunk"
    assert len(claim(clock).letters) == 2, "and those when it is done"
    while done is not None:
        done = crowd.replan_chunk(wanted, done.last)
    # Who has had the first letter by now waits for the second on its new day.
    assert Enrolment.objects.get(pk=theirs).due_local == "2026-11-26T10:00:00"


def test_a_chunk_is_planned_while_letters_are_claimed(clock: StoppedClock, sequence: Sequence) -> None:
    first, second = enrol_many(sequence, 2)
    StepFactory.create(sequence=sequence, key="third", position=3, after_days=4)
    Step.objects.filter(key="first").update(deleted_at=clock.now())
    with transaction.atomic():
        Enrolment.objects.select_for_update().get(pk=first.pk)  # as a claim does
        chunk = elsewhere(lambda: crowd.plan_together(anew(sequence.pk, clock.now()), 0))
        assert (chunk.planned, chunk.alone) == (1, [first.pk])
    second.refresh_from_db()
    assert second.next_step is not None
    assert second.next_step.key == "second"


def test_who_changes_between_the_look_and_the_lock_is_planned_alone(
    clock: StoppedClock, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = enrol_many(sequence, 2)
    Step.objects.filter(key="second").update(after_days=3)
    # The look begins, and takes its time; meanwhile the first letter of one of them is settled elsewhere.
    slowly = crowd._TELL.replace(
        "SELECT id, ctid AS place FROM cadence_enrolment",
        "SELECT id, ctid AS place FROM (SELECT pg_advisory_xact_lock(1) OFFSET 0) AS turn, cadence_enrolment",
    )
    assert slowly != crowd._TELL
    monkeypatch.setattr(crowd, "_TELL", slowly)
    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        chunk = pool.submit(alone_there, lambda: crowd.plan_together(anew(sequence.pk, clock.now()), 0))
        eventually(somebody_waits, "the look begins")
        advance(readers[0].pk, after_key="first", handed_at=clock.now(), now=clock.now())
        cursor.execute("SELECT pg_advisory_unlock(1)")
        assert chunk.result().alone == [readers[0].pk]
    assert readers[0].past_steps.count() == 1


def test_chunks_are_planned_abreast(clock: StoppedClock, sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MANY", 3)
    readers = enrol_many(sequence, 13)
    Step.objects.filter(key="first").update(deleted_at=clock.now())
    wanted = anew(sequence.pk, clock.now())
    assert replan_abreast(wanted, 0) == crowd.Done(readers[11].pk, 12, 12), "four at once"
    assert replan_abreast(wanted, readers[11].pk) == crowd.Done(readers[12].pk, 1, 1)
    assert replan_abreast(wanted, readers[12].pk) is None
    assert set(Enrolment.objects.values_list("next_step__key", flat=True)) == {"second"}
