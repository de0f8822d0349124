"""Sets the scene and tells how it stands, in one process that stays: a process for each question costs seconds.

``python -m tests.acceptance.teller`` reads a JSON list a line, a verb and its arguments, and answers with a line each.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

from tests.acceptance.scene import ALWAYS  # sets Django up

from django.conf import settings  # isort: skip
from django.db import transaction

from keepshowingup.audience.models import Subscriber, Suppression
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.delivery.models import Breaker, Bucket, Dispatch, Heartbeat
from keepshowingup.delivery.watching import status
from keepshowingup.editorial.models import Sequence
from tests.factories import (
    EnrolmentFactory,
    MastheadFactory,
    NoticeFactory,
    SequenceFactory,
    StepFactory,
    SubscriberFactory,
)


def open_house(*crowds: tuple[str, int]) -> None:
    """Readers whose first and only letter is due: so many at each domain, the first named due first."""
    now = settings.CLOCK.now()
    with transaction.atomic():
        MastheadFactory.create()
        sequence = SequenceFactory.create(slug="notes", created_at=now, activated_at=now, **ALWAYS)
        StepFactory.create(sequence=sequence, key="s0", position=0, subject="A note")
    more_readers(*crowds)


def more_readers(*crowds: tuple[str, int]) -> None:
    """More of them, due now."""
    now = settings.CLOCK.now()
    before = Subscriber.objects.count()
    domains = [domain for domain, number in crowds for _ in range(number)]
    with transaction.atomic():
        sequence = Sequence.objects.get(slug="notes")
        for number, domain in enumerate(domains, before):
            EnrolmentFactory.create(
                subscriber=SubscriberFactory.create(email=f"r{number}@{domain}", hour=now.time(), zone="UTC"),
                sequence=sequence,
                enrolled_at=now,
                started_on=now.date(),
                due_at=now + dt.timedelta(microseconds=number - before - len(domains)),
            )


def ask_to_confirm(email: str) -> None:
    """Somebody has asked to join."""
    now = settings.CLOCK.now()
    NoticeFactory.create(
        invitation__subscriber__email=email,
        invitation__created_at=now,
        invitation__expires_at=now + dt.timedelta(days=7),
        due_at=now,
        created_at=now,
    )


def tell() -> dict[str, Any]:
    """How it stands. Moments are Unix time."""
    now, real_now = settings.CLOCK.now(), settings.CLOCK.real()
    rows = Dispatch.objects.order_by("pk").values("subscriber__email", "state", "reason", "attempts", "owner")
    first = Dispatch.objects.order_by("claimed_at").values_list("claimed_at", flat=True).first()
    return {
        "letters": list(rows),
        "first_claim": first.timestamp() if first else None,
        "due": due_enrolments(now).count(),
        "failures": dict(Breaker.objects.values_list("transport", "failures")),
        "resting": list(Breaker.objects.filter(open_until__gt=real_now).values_list("transport", flat=True)),
        "used": dict(Bucket.objects.values_list("name", "used")),
        "suppressed": Suppression.objects.count()
        + Subscriber.objects.filter(state=Subscriber.State.SUPPRESSED).count(),
        "ticked": [beat.seen_at.timestamp() for beat in Heartbeat.objects.filter(part="tick")],
        "sentences": status(now, real_now).sentences,
    }


VERBS = {verb.__name__: verb for verb in (open_house, more_readers, ask_to_confirm, tell)}


def main() -> None:
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        print(json.dumps(VERBS[verb](*arguments)), flush=True)


if __name__ == "__main__":
    main()
