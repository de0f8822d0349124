"""Where tests of the public pages begin; tests of the desk have a sequence of their own (``staff_desk``)."""

from __future__ import annotations

import datetime as dt

import pytest
from pytest_django.fixtures import Settings

from keepshowingup.audience.models import Subscriber
from keepshowingup.cadence.enrolling import enrol
from keepshowingup.editorial.models import Sequence
from tests.factories import SubscriberFactory
from tests.web.public_site import EARLY, harbour_sequence


@pytest.fixture
def early_morning(settings: Settings) -> None:
    """Before every hour a reader may choose: a first letter comes on the day somebody joins."""
    settings.CLOCK = EARLY


@pytest.fixture
def sequence(masthead: object) -> Sequence:
    """What there is to join."""
    return harbour_sequence()


@pytest.fixture
def reader(sequence: Sequence, settings: Settings) -> Subscriber:
    """Somebody in London who reads it at half past eight."""
    reader = SubscriberFactory.create(email="maya@example.org", zone="Europe/London", hour=dt.time(8, 30))
    enrol(reader.pk, sequence.pk, settings.CLOCK.now())
    return reader
