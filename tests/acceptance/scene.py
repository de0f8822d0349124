"""Sets and reads the scene of an acceptance test, in a process of its own with the product's own settings.

``python -m tests.acceptance.scene set READERS STEPS`` makes a live sequence and readers whose first letter is due;
``… leave EMAIL`` commits a leave and prints when.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")

import django

django.setup()

import datetime as dt  # noqa: E402

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from keepshowingup.audience.leaving import leave  # noqa: E402
from keepshowingup.audience.models import Subscriber  # noqa: E402
from tests.factories import (  # noqa: E402
    EnrolmentFactory,
    MastheadFactory,
    SequenceFactory,
    StepFactory,
    SubscriberFactory,
)

ALWAYS = {
    "window_start": dt.time(0),
    "window_end": dt.time(0),
    "quiet_start": dt.time(0),
    "quiet_end": dt.time(0),
}


def set_scene(readers: int, steps: int) -> None:
    """Readers in a sequence that may write at any hour, each with a first letter that is due."""
    now = settings.CLOCK.now()
    with transaction.atomic():
        MastheadFactory.create()
        sequence = SequenceFactory.create(created_at=now, activated_at=now, **ALWAYS)
        for number in range(steps):
            StepFactory.create(
                sequence=sequence, key=f"s{number}", position=number, after_days=number * 3, subject=f"Note {number}"
            )
        for number in range(readers):
            EnrolmentFactory.create(
                subscriber=SubscriberFactory.create(email=f"r{number}@example.org", hour=now.time(), zone="UTC"),
                sequence=sequence,
                enrolled_at=now,
                started_on=now.date(),
                due_at=now,
            )


def main(arguments: list[str]) -> None:
    """Do what the first word says."""
    match arguments:
        case ["set", readers, steps]:
            set_scene(int(readers), int(steps))
        case ["leave", email]:
            leave(Subscriber.objects.get(email=email).pk, settings.CLOCK.now())
            print(time.time())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
