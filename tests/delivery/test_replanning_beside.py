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

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite lets one connection write at a time"),
]
Answer = TypeVar("Answer")


def elsewhere(work: Callable[[], Answer]) -> Answer:
    """Do it on another connection, while this one has its transaction open."""

    def there() -> Answer:
        try:
            with connection.cursor() as cursor:
                # Whoever waits for a row waits for a transaction that waits for them.
                cursor.execute("SET lock_timeout = '60s'")
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(there).result()


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
        chunk = elsewhere(lambda: crowd._plan_together(anew(sequence.pk, clock.now()), 0))
        assert (chunk.planned, chunk.alone) == (1, [first.pk])
    second.refresh_from_db()
    assert second.next_step is not None
    assert second.next_step.key == "second"


def test_two_chunks_are_planned_abreast(
    clock: StoppedClock, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MANY", 3)
    readers = enrol_many(sequence, 7)
    Step.objects.filter(key="first").update(deleted_at=clock.now())
    wanted = anew(sequence.pk, clock.now())
    assert replan_abreast(wanted, 0) == crowd.Done(readers[5].pk, 6, 6)
    assert replan_abreast(wanted, readers[5].pk) == crowd.Done(readers[6].pk, 1, 1)
    assert replan_abreast(wanted, readers[6].pk) is None
    assert set(Enrolment.objects.values_list("next_step__key", flat=True)) == {"second"}
