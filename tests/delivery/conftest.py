"""A reader with a letter due, a real SMTP server, and a courier between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.clock import Clock
from keepshowingup.delivery.claiming import Claimed, claim_letters, claim_notices
from keepshowingup.delivery.courier import Courier
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.transports.house import Transports, alone
from keepshowingup.delivery.ways import open_ways
from keepshowingup.editorial.models import Masthead, Sequence
from tests.factories import MONDAY, EnrolmentFactory, SequenceFactory, StepFactory, SubscriberFactory
from tests.smtpd import SmtpServer, running_smtp


class StoppedClock(Clock):
    """A clock that shows what the test says."""

    def __init__(self, moment: dt.datetime) -> None:
        super().__init__(real=lambda: self.moment)
        object.__setattr__(self, "moment", moment)

    moment: dt.datetime

    def go_on(self, by: dt.timedelta) -> None:
        object.__setattr__(self, "moment", self.moment + by)


@pytest.fixture
def clock() -> StoppedClock:
    """Monday, 10:00 in London, when the first letter is an hour due."""
    return StoppedClock(MONDAY + dt.timedelta(hours=1))


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with running_smtp() as running:
        yield running


@pytest.fixture
def courier(server: SmtpServer, clock: StoppedClock, tmp_path: Path) -> Iterator[Courier]:
    carrying = courier_to(server, clock, tmp_path)
    yield carrying
    carrying.close()


def courier_to(server: SmtpServer, clock: Clock, folder: Path) -> Courier:
    """A courier with one connection, to be closed by the caller."""
    (relay,) = alone(server.url).all
    house = Transports((replace(relay, connections=1),))
    return Courier(house, open_ways(house, "tests.example"), Journal(folder / "journal"), clock)


@pytest.fixture
def sequence(masthead: Masthead) -> Sequence:
    """Two letters: day 0 and day 2."""
    made = SequenceFactory.create()
    StepFactory.create(sequence=made, key="first", position=1, after_days=0, subject="A first note")
    StepFactory.create(sequence=made, key="second", position=2, after_days=2, subject="A second note")
    return made


@pytest.fixture
def enrolment(sequence: Sequence) -> Enrolment:
    """Maya, whose first letter is due."""
    return EnrolmentFactory.create(sequence=sequence, subscriber__email="maya@example.org")


@pytest.fixture
def reader(enrolment: Enrolment) -> Subscriber:
    return enrolment.subscriber


def enrol_many(sequence: Sequence, number: int) -> list[Enrolment]:
    return [EnrolmentFactory.create(sequence=sequence, subscriber=SubscriberFactory.create()) for _ in range(number)]


def claim(clock: Clock, limit: int = 100) -> Claimed:
    """Claim what is due, and leave it to be begun by somebody else."""
    lease_until = clock.real() + dt.timedelta(minutes=1)
    return Claimed(
        letters=tuple((held.pk, held.fence) for held in claim_letters(clock.now(), lease_until, limit=limit)),
        notices=tuple((held.pk, held.fence) for held in claim_notices(clock.now(), lease_until, limit=limit)),
    )
