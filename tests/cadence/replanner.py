"""A process that replans a sequence in small chunks, for a test that kills it: ``begin`` stops after the first chunk
and waits on stdin, ``go-on`` does the rest. Both print a line of JSON."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402

from keepshowingup.audience.models import Subscriber  # noqa: E402
from keepshowingup.cadence import crowd, replans  # noqa: E402
from keepshowingup.cadence.models import Enrolment, Replan  # noqa: E402
from keepshowingup.editorial.models import Revision, Sequence, Step  # noqa: E402
from keepshowingup.ops.database import migrate  # noqa: E402

READERS = 100
for size in ("CHUNK", "MANY"):
    setattr(crowd, size, 20)


def begin() -> None:
    migrate()
    now = settings.CLOCK.now()
    sequence = Sequence.objects.create(slug="s", title="S", state="live", created_at=now, activated_at=now)
    step = Step.objects.create(sequence=sequence, key="a", position=1, after_days=5, subject="A", body=".")
    step.current = Revision.objects.create(
        step=step, number=1, subject="A", body=".", html=".", text=".", author="a", created_at=now
    )
    step.save()
    Subscriber.objects.bulk_create(
        Subscriber(email=f"r{n}@example.org", email_key=f"r{n}@example.org", opaque=f"{n:016x}", state="active",
                   created_at=now, confirmed_at=now)
        for n in range(READERS)
    )  # fmt: skip
    Enrolment.objects.bulk_create(
        Enrolment(subscriber=reader, sequence=sequence, enrolled_at=now, started_on=now.date())
        for reader in Subscriber.objects.order_by("pk")
    )
    replans.after_change(sequence.pk, now, within=60, say=lambda _: stop())


def stop() -> None:
    say()
    sys.stdin.read()


def go_on() -> None:
    assert not replans.are_waiting(settings.CLOCK.real()), "somebody may still be at work"
    # Half a minute later.
    Replan.objects.update(lease_until=settings.CLOCK.real() - timedelta(seconds=1))
    assert replans.are_waiting(settings.CLOCK.real())
    assert replans.go_on(settings.CLOCK.now(), within=60)
    say()


def say() -> None:
    planned = Enrolment.objects.exclude(due_at=None).count()
    print(json.dumps({"planned": planned, "finished": Replan.objects.exclude(finished_at=None).count()}), flush=True)


if __name__ == "__main__":
    {"begin": begin, "go-on": go_on}[sys.argv[1]]()
