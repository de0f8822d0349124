"""What the tests of the public pages share: a sequence to join, and a person who fills in its form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.conf import settings
from django.test import Client

from keepshowingup.audience.models import Subscriber
from keepshowingup.audience.tokens import Purpose, make
from keepshowingup.core.clock import Clock
from keepshowingup.editorial.models import Sequence
from keepshowingup.web.public.shown import stamp
from tests.factories import SequenceFactory, StepFactory

EARLY = Clock(real=lambda: dt.datetime(2026, 11, 23, 5, 0, tzinfo=dt.UTC))
"""Monday, 5:00 in London and 2:00 in Santiago: before every hour a reader may choose."""

SUBJECTS = [
    (0, "What to expect"),
    (2, "You don't have to do it alone"),
    (7, "Trust comes back slowly"),
    (14, "Someone who has been there"),
    (30, "A small thing for today"),
    (90, "Still here"),
]


def harbour_sequence(slug: str = "people", title: str = "Finding your people", **details: Any) -> Sequence:
    """A live sequence of six letters over three months."""
    sequence = SequenceFactory.create(slug=slug, title=title, **details)
    for position, (day, subject) in enumerate(SUBJECTS, start=1):
        StepFactory.create(sequence=sequence, key=f"step-{day}", position=position, after_days=day, subject=subject)
    return sequence


def filled_in(**changes: str) -> dict[str, str]:
    """The form as a person sends it ten seconds after they saw it."""
    form = {
        "email": "maya@example.org",
        "first_name": "Maya",
        "when": "evening",
        "zone": "America/Santiago",
        "consent": "on",
        "website": "",
        "shown": stamp(settings.CLOCK.real() - dt.timedelta(seconds=10)),
    }
    return form | changes


def page_of(purpose: Purpose, reader: Subscriber) -> str:
    """The path of a reader's page."""
    path = {Purpose.LEAVE: "unsubscribe", Purpose.PREFERENCES: "preferences"}[purpose]
    return f"/{path}/{make(purpose, reader.opaque)}"


def words(client: Client, path: str) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"<[^>]+>", " ", client.get(path).content.decode())
    return " ".join(text.split())
