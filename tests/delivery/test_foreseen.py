"""What the forecast says is what the sender does: random lives through both, and no difference.

The sender is the real one: a tick, the claim, the last look, a real SMTP server, the settling and planning after it,
against a real database; only the clock is moved by hand. The forecast is taken again just before each span.
``KSU_LIVES=2000`` lives that many instead of the few of every run; a life that fails is lived again by its number.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random
from typing import Any

import pytest

from keepshowingup.audience import preferences
from keepshowingup.audience.leaving import leave
from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence import starting
from keepshowingup.cadence.ahead import letters_ahead
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.enrolling import enrol, leave_sequence
from keepshowingup.cadence.forecast import forecast_reader
from keepshowingup.cadence.models import Enrolment
from keepshowingup.cadence.places import rules_of
from keepshowingup.cadence.replanning import replan_reader, replan_sequence, resume_reader
from keepshowingup.core.errors import WrongUsage
from keepshowingup.core.milestones import add_months
from keepshowingup.core.shifts import shifts
from keepshowingup.core.states import DispatchState
from keepshowingup.core.timing import load_zone, local_date, zone_names
from keepshowingup.delivery.claiming import claim_letters
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.models import Dispatch
from keepshowingup.delivery.own_date import change_date
from keepshowingup.delivery.running import drain, tick
from keepshowingup.editorial.models import Approval, Masthead, Revision, Sequence, Step
from keepshowingup.letters.compile import CompiledLetter, compile_letter
from tests.delivery.conftest import StoppedClock
from tests.factories import SequenceFactory, SubscriberFactory
from tests.smtpd import SmtpServer

LIVES = int(os.environ.get("KSU_LIVES", "20"))
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
YEAR = dt.datetime.now(dt.UTC).year
Span = tuple[dt.time, dt.time]
NONE: Span = (dt.time(), dt.time())
HOURS_OF_LETTERS: list[tuple[Span, Span]] = [
    ((dt.time(8), dt.time(21)), (dt.time(21), dt.time(8))),
    ((dt.time(20), dt.time(2)), (dt.time(3), dt.time(19))),  # over midnight
    ((dt.time(22, 30), dt.time(1, 30)), NONE),
    (NONE, NONE),  # around the clock
    (NONE, (dt.time(23), dt.time(6))),
    ((dt.time(1), dt.time(4)), NONE),  # where most clocks change
    ((dt.time(8), dt.time(20)), (dt.time(12), dt.time(14))),  # cut in two
]
UNTIMED = dict.fromkeys(("after_days", "after_minutes", "on_date", "mark_days", "mark_months"))
WHAT_MAY_HAPPEN = (
    *("rest", "rest_until", "come_back", "move", "add_step", "take_out", "change_day", "outage", "outage"),
    *("pause_sequence", "resume_sequence", "join_another", "leave_one", "leave_all"),
    *("give_a_date", "stop_counting"),
)


@cache
def letter() -> CompiledLetter:
    return compile_letter("step", subject="A note", preheader="A few words for you", body="Somebody stayed.")


@dataclass
class Life:
    """Sequences, readers, and what happens to them until the end."""

    dice: Random
    clock: StoppedClock
    courier: Courier
    numbers: Iterator[int] = field(default_factory=count)
    sequences: list[Sequence] = field(default_factory=list)
    milestones: list[Sequence] = field(default_factory=list)
    readers: list[Subscriber] = field(default_factory=list)
    letters: int = 0

    @property
    def now(self) -> dt.datetime:
        return self.clock.now()

    def begin(self) -> None:
        """At a moment of this year or next, every second time shortly before a clock changes."""
        zones = [self.dice.choice(zone_names()) for _ in range(self.dice.randint(1, 3))]
        first = dt.datetime(YEAR, 1, 1, tzinfo=dt.UTC)
        changes = [each.at for name in zones for each in shifts(load_zone(name), first, first + 700 * DAY)]
        if changes and self.maybe():
            start = self.dice.choice(changes) - self.some_time(days=6)
        else:
            start = first + self.some_time(days=700)
        self.clock.go_on(start - self.now)
        for _ in range(self.dice.randint(1, 3)):
            self.add_sequence()
        for zone in zones:
            self.readers.append(SubscriberFactory.create(zone=zone, hour=self.some_hour(), created_at=self.now))
            alike = [self.readers[-1]]
            if self.maybe():
                alike.append(SubscriberFactory.create(zone=zone, hour=alike[0].hour, created_at=self.now))
            for _ in range(self.dice.randint(1, 2)):
                sequence = self.some_sequence()
                for reader in alike:
                    enrol(reader.pk, sequence.pk, self.now)
            self.readers += alike[1:]
        if self.maybe():
            self.add_milestones()
            self.give_a_date()

    def maybe(self) -> bool:
        return self.dice.random() < 0.5

    def some_time(self, days: int) -> dt.timedelta:
        return self.dice.randint(1, days * 24 * 60) * MINUTE

    def some_hour(self) -> dt.time:
        return dt.time(10) if self.maybe() else dt.time(*divmod(self.dice.randrange(24 * 60), 60))

    def go_on(self, length: dt.timedelta) -> None:
        """Let the sender run for so long, and compare with what was foreseen for each reader."""
        end = self.now + length
        foreseen = {
            (reader.pk, each.sequence_id, each.step_key, each.utc)
            for reader in self.readers
            for each in forecast_reader(reader.pk, self.now, days=length.days + 2)
            if each.utc < end
        }
        self.count_ahead()
        before = set(Dispatch.objects.values_list("pk", flat=True))
        while self.now < end:
            self.send()
            self.clock.go_on(self.next_moment(end) - self.now)
        sent = Dispatch.objects.exclude(pk__in=before).select_related("enrolment")
        handed = {
            (each.subscriber_id, each.enrolment.sequence_id, self.told(each), each.handed_over_at)
            for each in sent
            if each.state == DispatchState.ACCEPTED and each.enrolment
        }
        assert handed == foreseen
        self.letters += len(handed)

    def told(self, letter: Dispatch) -> str:
        """The key that a forecast tells: of milestones none."""
        return "" if letter.step_key.startswith("mark-") else letter.step_key

    def count_ahead(self) -> None:
        """What is counted for all, group by group, is what is foreseen for each."""
        until = self.now.date() + 10 * DAY
        each_by_itself = Counter(
            (letter.local.date(), letter.sequence_id)
            for reader in self.readers
            for letter in forecast_reader(reader.pk, self.now, days=12)
            if letter.local.date() < until
        )
        assert letters_ahead(self.now, days=10).letters == each_by_itself

    def send(self) -> None:
        """A tick, and drains at this moment until nothing more is due."""
        tick(self.clock)
        for _ in range(50):
            if not due_enrolments(self.now).exists():
                return
            drain(claim_letters, self.courier)
        pytest.fail("the sender does not come to an end")

    def next_moment(self, end: dt.datetime) -> dt.datetime:
        waiting = Enrolment.objects.filter(state="active", due_at__gt=self.now, due_at__lt=end)
        pauses = Subscriber.objects.filter(paused_until__gt=self.now, paused_until__lt=end)
        moments = [*waiting.values_list("due_at", flat=True), *pauses.values_list("paused_until", flat=True)]
        return min(filter(None, moments), default=end)

    # --- what may happen ---

    def happen(self) -> None:
        getattr(self, self.dice.choice(WHAT_MAY_HAPPEN))()

    def someone(self) -> Subscriber:
        reader = self.dice.choice(self.readers)
        reader.refresh_from_db()
        return reader

    def some_sequence(self) -> Sequence:
        return self.fresh(self.dice.choice(self.sequences))

    def any_sequence(self) -> Sequence:
        """One that is changed, paused or left: of letters or of milestones."""
        return self.fresh(self.dice.choice(self.sequences + self.milestones))

    @staticmethod
    def fresh(sequence: Sequence) -> Sequence:
        sequence.refresh_from_db()
        return sequence

    def rest(self) -> None:
        if (reader := self.someone()).state == Subscriber.State.ACTIVE:
            preferences.pause(reader.pk, self.now, None)

    def rest_until(self) -> None:
        if (reader := self.someone()).state == Subscriber.State.ACTIVE:
            preferences.pause(reader.pk, self.now, self.dice.randint(1, 12))

    def come_back(self) -> None:
        resume_reader(self.someone().pk, self.now)

    def move(self) -> None:
        reader, zone = self.someone(), self.dice.choice(zone_names())
        if preferences.change(reader.pk, zone=zone, hour=self.some_hour()):
            replan_reader(reader.pk, self.now)

    def outage(self) -> None:
        """Nothing runs for a while."""
        self.clock.go_on(self.some_time(days=5))

    def some_weekdays(self) -> str:
        return "".join(sorted(self.dice.sample("1234567", self.dice.randint(1, 6))))

    def add_sequence(self) -> None:
        window, quiet = self.dice.choice(HOURS_OF_LETTERS)
        sequence = SequenceFactory.create(
            open_ended=self.maybe(),
            weekdays="1234567" if self.maybe() else self.some_weekdays(),
            window_start=window[0], window_end=window[1], quiet_start=quiet[0], quiet_end=quiet[1],
            too_late_hours=self.dice.randint(1, 60) if self.maybe() else None,
            created_at=self.now - DAY, activated_at=self.now,
        )  # fmt: skip
        try:
            rules_of(sequence)
        except WrongUsage:
            pytest.fail("these hours leave no moment")
        self.sequences.append(sequence)
        for _ in range(self.dice.randint(2, 7)):
            self.new_step(sequence)

    def add_milestones(self) -> None:
        window, quiet = self.dice.choice(HOURS_OF_LETTERS)
        sequence = SequenceFactory.create(
            milestones=True, window_start=window[0], window_end=window[1], quiet_start=quiet[0], quiet_end=quiet[1],
            created_at=self.now - DAY, activated_at=self.now,
        )  # fmt: skip
        self.milestones.append(sequence)
        for _ in range(self.dice.randint(3, 8)):
            self.new_step(sequence)

    def mark(self) -> dict[str, object]:
        yearly = self.dice.random() < 0.2
        far = {"mark_months": self.dice.choice((12, 24)) if yearly else self.dice.choice((6, 9, 12, 24))}
        where = far if yearly or self.maybe() else {"mark_days": self.dice.randint(1, 30)}
        return {**UNTIMED, **where, "every_year": yearly, "at_time": self.some_hour() if self.maybe() else None}

    def new_step(self, sequence: Sequence) -> None:
        number = next(self.numbers)
        step = Step.objects.create(
            sequence=sequence, key=f"step-{number}", position=self.dice.randint(1, 9), subject=f"S{number}",
            body="Somebody stayed.", **(self.mark() if sequence.milestones else self.timing()),
        )  # fmt: skip
        words = letter()
        step.current = Revision.objects.create(
            step=step, number=1, subject=words.subject, preheader=words.preheader, body=step.body, html=words.html,
            text=words.text, author="writer", created_at=self.now,
        )  # fmt: skip
        step.save()
        Approval.objects.create(revision=step.current, approver="reader", approved_at=self.now)

    def timing(self) -> dict[str, object]:
        kind = self.dice.choice(("after_days", "after_days", "after_minutes", "on_date"))
        value: object = self.dice.randint(0, 9)
        if kind == "after_minutes":
            value = self.dice.randint(0, 6000)
        elif kind == "on_date":
            value = self.now.date() + self.dice.randint(-3, 20) * DAY
        at_time = self.some_hour() if kind != "after_minutes" and self.maybe() else None
        return {**UNTIMED, "at_time": at_time, kind: value}

    def add_step(self) -> None:
        sequence = self.any_sequence()
        self.new_step(sequence)
        replan_sequence(sequence.pk, self.now)

    def take_out(self) -> None:
        sequence = self.any_sequence()
        if step := self.some_step(sequence):
            Step.objects.filter(pk=step.pk).update(deleted_at=self.now)
            replan_sequence(sequence.pk, self.now)

    def change_day(self) -> None:
        sequence = self.any_sequence()
        if step := self.some_step(sequence):
            Step.objects.filter(pk=step.pk).update(**(self.mark() if sequence.milestones else self.timing()))
            replan_sequence(sequence.pk, self.now)

    def some_step(self, sequence: Sequence) -> Step | None:
        steps = list(sequence.steps.filter(deleted_at=None).order_by("pk"))
        return self.dice.choice(steps) if steps else None

    def pause_sequence(self) -> None:
        if (sequence := self.any_sequence()).state == Sequence.State.LIVE:
            starting.pause(sequence.pk, self.now)

    def resume_sequence(self) -> None:
        if (sequence := self.any_sequence()).state == Sequence.State.PAUSED:
            starting.resume(sequence.pk, self.now)

    def join(self, reader: Subscriber) -> None:
        if reader.state == Subscriber.State.ACTIVE:
            enrol(reader.pk, self.some_sequence().pk, self.now)

    def join_another(self) -> None:
        self.join(self.someone())

    def leave_one(self) -> None:
        leave_sequence(self.someone().pk, self.any_sequence().pk, self.now)

    def give_a_date(self) -> None:
        """A date whose marks are near: some days ago, or some days before so many months or years ago."""
        reader = self.someone()
        if not self.milestones or reader.state != Subscriber.State.ACTIVE:
            return
        today = local_date(self.now, load_zone(reader.zone))
        months = -self.dice.choice((0, 0, 0, 6, 9, 12, 24))
        day = add_months(today, months) + (self.dice.randint(-20, 10) if months else -self.dice.randint(0, 20)) * DAY
        change_date(reader.pk, day, self.now)

    def stop_counting(self) -> None:
        change_date(self.someone().pk, None, self.now)

    def leave_all(self) -> None:
        leave(self.someone().pk, self.now)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(LIVES))
def test_what_is_foreseen_is_what_happens(
    seed: int, masthead: Masthead, server: SmtpServer, clock: StoppedClock, courier: Courier, settings: Any
) -> None:
    life = Life(Random(seed), clock, courier)
    settings.MAX_PER_DAY, settings.MAX_PER_WEEK = life.dice.choice(((1, 3), (1, 7), (2, 5)))
    life.begin()
    for _ in range(5):
        life.go_on(life.some_time(days=12))
        life.happen()
    life.go_on(30 * DAY)
    assert life.letters == len(server.received)
