"""Plans made for many at once are the plans that the planner alone makes for each, in whatever state they are."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence import alike, crowd
from keepshowingup.cadence.advancing import replan
from keepshowingup.cadence.anew import Anew
from keepshowingup.cadence.models import Enrolment, PastStep
from keepshowingup.cadence.moves import moves_of
from keepshowingup.cadence.reader import Move
from keepshowingup.cadence.replanning import anew
from keepshowingup.core.editions import Way
from keepshowingup.core.milestones import mark_key
from keepshowingup.core.states import WhyMoved
from keepshowingup.core.timing import load_zone, local_date
from keepshowingup.editorial.models import Approval, Edit, Kept, Revision, Sequence, Step
from tests.factories import MONDAY, SequenceFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati")
HOURS = (time(10), time(7, 30), time(22, 15))
COLUMNS = (
    *("pk", "state", "next_step_id", "next_key", "due_at", "promised_at", "due_local", "due_reason"),
    *("moved_days", "rested_until", "last_handed_at"),
)


class World:
    """A sequence of some kind with readers in all the places one can be in."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = MONDAY + self.dice.choice([0, 3, 13, 20]) * HOUR
        self.notes = self.sequence_of(open_ended=False, milestones=True)
        kind = self.dice.random()
        self.sequence = self.notes if kind > 0.9 else self.sequence_of(open_ended=kind < 0.3)
        self.other = self.sequence_of(open_ended=self.dice.random() < 0.5)
        for _ in range(30):
            self.reader()

    def sequence_of(self, *, open_ended: bool, milestones: bool = False) -> Sequence:
        weekdays = "1234567" if milestones else self.dice.choice(["1234567", "1234567", "135"])
        sequence = SequenceFactory.create(
            open_ended=open_ended, milestones=milestones, weekdays=weekdays, created_at=MONDAY - 90 * DAY
        )
        for position in range(self.dice.randint(1, 6)):
            self.step(sequence, position)
        if self.dice.random() < 0.4:
            self.keep(sequence)
        return sequence

    def step(self, sequence: Sequence, position: int) -> None:
        kind = "date" if sequence.open_ended else self.dice.choice(["day", "day", "day", "day", "minutes", "date"])
        kind = "mark" if sequence.milestones else kind
        days = self.dice.randint(0, 14)
        step = Step.objects.create(
            sequence=sequence,
            key=f"s-{position}",
            position=position,
            subject="A letter",
            body=".",
            after_days=days if kind == "day" else None,
            after_minutes=days * 600 if kind == "minutes" else None,
            on_date=(MONDAY + (days - 7) * DAY).date() if kind == "date" else None,
            mark_days=days + 1 if kind == "mark" else None,
            at_time=time(9, 45) if self.dice.random() < 0.2 and kind != "minutes" else None,
            deleted_at=MONDAY if self.dice.random() < 0.15 else None,
            backfilled=self.dice.random() < 0.2,
            there_since=self.some_moment() if self.dice.random() < 0.2 else None,
        )
        if self.dice.random() < 0.85:
            step.current = self.revision(step)
            step.save()

    def revision(self, step: Step) -> Revision:
        made = Revision.objects.create(
            step=step, number=1, subject="A letter", body=".", html=".", text=".", author="a", created_at=MONDAY
        )
        approved = MONDAY - 60 * DAY if self.dice.random() < 0.7 else self.some_moment()
        Approval.objects.create(revision=made, approver="b", approved_at=approved)
        return made

    def keep(self, sequence: Sequence) -> None:
        until = self.some_moment()
        edit = Edit.objects.create(sequence=sequence, way=Way.NEW_READERS, made_by="a", made_at=until)
        timing = {"after_days": 3, "after_minutes": None, "on_date": None, "mark_days": None, "at_time": "11:00:00"}
        if sequence.milestones:
            timing |= {"after_days": None, "mark_days": 3}
        for step in sequence.steps.all():
            if self.dice.random() < 0.5:
                Kept.objects.create(
                    step=step,
                    edit=edit,
                    until=until,
                    is_there=self.dice.choice([None, True, False]),
                    position=self.dice.choice([None, 0, 5]),
                    timing=self.dice.choice([None, timing]),
                )
                Step.objects.filter(pk=step.pk).update(kept_until=until)

    def some_moment(self) -> datetime:
        return MONDAY - self.dice.randint(-30, 15 * 24 * 60) * timedelta(minutes=1)

    def reader(self) -> None:
        reader = SubscriberFactory.create(zone=self.dice.choice(ZONES), hour=self.dice.choice(HOURS))
        if self.dice.random() < 0.1:
            Subscriber.objects.filter(pk=reader.pk).update(paused_at=self.some_moment())
        if self.sequence == self.notes or self.dice.random() < 0.3:
            counted_from = (MONDAY - self.dice.randint(0, 16) * DAY).date()
            Subscriber.objects.filter(pk=reader.pk).update(counted_from=counted_from)
            self.enrol(reader, self.notes)
        if self.sequence != self.notes:
            self.enrol(reader, self.sequence)
        if self.dice.random() < 0.3:
            self.enrol(reader, self.other, state=self.dice.choice(["active", "finished", "left"]))

    def enrol(self, reader: Subscriber, sequence: Sequence, state: str = "active") -> None:
        steps = list(sequence.steps.order_by("position"))
        enrolled_at = self.some_moment()
        enrolment = Enrolment.objects.create(
            subscriber=reader,
            sequence=sequence,
            state=state,
            enrolled_at=enrolled_at,
            started_on=local_date(enrolled_at, load_zone(reader.zone)),
            moved_days=self.dice.choice([0, 0, 0, 2]),
            rested_until=self.dice.choice([None, None, self.some_moment()]),
        )
        keys = {step.pk: mark_key(step.key, enrolled_at) if sequence.milestones else step.key for step in steps}
        behind = steps[: self.dice.randint(0, len(steps))]
        for step in behind:
            if self.dice.random() < 0.85:
                moment = self.some_moment()
                handed = moment if self.dice.random() < 0.8 else None
                PastStep.objects.create(
                    enrolment=enrolment, subscriber=reader, step_key=keys[step.pk], settled_at=moment, handed_at=handed
                )
        planned = self.dice.random()
        if planned < 0.7:
            enrolment.next_step = step = self.dice.choice(steps)
            enrolment.next_key = keys[step.pk] if sequence.milestones else ""
        if planned < 0.6:
            enrolment.due_at = enrolment.promised_at = (
                MONDAY + self.dice.randint(-3, 9) * DAY + self.dice.randint(0, 23) * HOUR
            )
            enrolment.due_local, enrolment.due_reason = "2026-11-23T10:00:00", "as it was"
        enrolment.save()

    def plans_by(self, way: Any, rested: datetime | None) -> tuple[list[tuple[Any, ...]], list[list[Move]]]:
        """What everybody's plan is after this, and what has moved it; all of which is taken back."""
        with transaction.atomic():
            way(self, rested)
            rows = list(Enrolment.objects.order_by("pk").values_list(*COLUMNS))
            moves = [moves_of(each) for each in Enrolment.objects.order_by("pk")]
            transaction.set_rollback(True)
        return rows, moves


def alone(world: World, rested: datetime | None) -> None:
    """Everybody through the planner alone."""
    wanted = anew(world.sequence.pk, world.now, rested=rested)
    ids = list(Enrolment.objects.filter(sequence=world.sequence, state="active").values_list("pk", flat=True))
    overdue, why = rested is None, WhyMoved.REST
    replan(ids, world.now, rested=wanted.break_, why=why, leave_overdue=overdue, keep_promises=not overdue)


def together(world: World, rested: datetime | None) -> None:
    """In chunks of a few, as it is done: what is decided in one is known in the next."""
    wanted, last = anew(world.sequence.pk, world.now, rested=rested), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowd, "MANY", 7)
        while done := crowd.replan_chunk(wanted, last):
            last = done.last


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=False)
def test_everybody_gets_the_plan_they_would_get_alone(seed: int) -> None:
    with transaction.atomic():
        world = World(seed)
        for rested in (None, MONDAY - 4 * DAY):
            assert world.plans_by(together, rested) == world.plans_by(alone, rested)
        transaction.set_rollback(True)


def readers_alike(number: int) -> Sequence:
    """A sequence of two letters, and so many readers who share everything a plan is made of."""
    sequence = SequenceFactory.create()
    world = World.__new__(World)
    world.dice, world.sequence, world.now = random.Random(1), sequence, MONDAY
    for position, day in enumerate((2, 4)):
        step = Step.objects.create(sequence=sequence, key=f"s-{position}", position=position, after_days=day, body=".")
        step.current = world.revision(step)
        step.save()
    for _ in range(number):
        reader = SubscriberFactory.create(hour=time(10))
        Enrolment.objects.create(subscriber=reader, sequence=sequence, enrolled_at=MONDAY, started_on=MONDAY.date())
    return sequence


def days_planned() -> list[str]:
    return list(Enrolment.objects.order_by("pk").values_list("due_local", flat=True))


FIRST_DAY, DAY_AFTER = "2026-11-25T10:00:00", "2026-11-26T10:00:00"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="elsewhere everybody is planned alone")
class TestReadersWhoShareEverything:
    def test_are_decided_about_once(self) -> None:
        wanted = anew(readers_alike(20).pk, MONDAY)
        assert crowd.replan_chunk(wanted, 0) == crowd.Done(Enrolment.objects.latest("pk").pk, 20, 20)
        assert len(wanted.decided) == 1
        assert set(days_planned()) == {FIRST_DAY}

    def test_get_what_is_known_in_the_same_statement_that_finds_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crowd, "MANY", 5)
        wanted = anew(readers_alike(10).pk, MONDAY)
        first = crowd.replan_chunk(wanted, 0)
        assert first is not None
        monkeypatch.setattr(crowd, "decide", None)  # nobody asks
        with CaptureQueriesContext(connection) as asked:
            second = crowd.replan_chunk(wanted, first.last)
        assert second == crowd.Done(Enrolment.objects.latest("pk").pk, 5, 5)
        assert sum("cadence_enrolment" in query["sql"] for query in asked) == 1
        assert days_planned() == [FIRST_DAY] * 10

    def test_are_planned_although_another_chunk_makes_their_plan_known_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = anew(readers_alike(3).pk, MONDAY)
        another = anew(wanted.sequence_id, MONDAY)
        with transaction.atomic():
            crowd.replan_chunk(another, 0)
            transaction.set_rollback(True)
        tell = alike.word_of

        def word_of(anew: Anew) -> str:
            anew.keep(another.known)
            return tell(anew)

        monkeypatch.setattr(crowd, "word_of", word_of)
        assert crowd.replan_chunk(wanted, 0) == crowd.Done(Enrolment.objects.latest("pk").pk, 3, 3)
        assert days_planned() == [FIRST_DAY] * 3

    def test_are_planned_by_the_letters_as_they_are_when_their_rows_are_locked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = anew(readers_alike(3).pk, MONDAY)
        crowd.replan_chunk(wanted, 0)
        tell = alike.word_of

        def somebody_edits(anew: Anew) -> str:
            Step.objects.filter(key="s-0").update(after_days=3)
            return tell(anew)

        monkeypatch.setattr(crowd, "word_of", somebody_edits)
        crowd.replan_chunk(wanted, 0)
        assert days_planned() == [DAY_AFTER] * 3
