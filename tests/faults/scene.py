"""Sets and changes the scene of a fault test, in a process of its own with the product's own settings and verbs.

``python -m tests.faults.scene`` reads a JSON object a line: ``{"verb": "readers", "slug": "notes", …}``, does it, and
answers with one: ``{"answer": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")

import django

django.setup()

import datetime as dt  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import replace  # noqa: E402

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import close_old_connections, models, transaction  # noqa: E402

from keepshowingup.audience.models import Subscriber  # noqa: E402
from keepshowingup.audience.tokens import Purpose, link  # noqa: E402
from keepshowingup.cadence import starting  # noqa: E402
from keepshowingup.cadence.models import Enrolment  # noqa: E402
from keepshowingup.cadence.replanning import replan_sequence  # noqa: E402
from keepshowingup.delivery.models import Breaker, Dispatch  # noqa: E402
from keepshowingup.editorial import composing, publishing, reviewing  # noqa: E402
from keepshowingup.editorial.models import Masthead, Revision, Sequence, Step  # noqa: E402
from tests.factories import (  # noqa: E402
    DispatchFactory,
    EnrolmentFactory,
    MastheadFactory,
    NoticeFactory,
    SequenceFactory,
    StepFactory,
    SubscriberFactory,
)

ANY_HOUR = {"window_start": dt.time(0), "window_end": dt.time(0), "quiet_start": dt.time(0), "quiet_end": dt.time(0)}
OURS = ("audience", "cadence", "delivery", "editorial", "outcomes")


def sequence(slug: str, days: list[int], **fields: object) -> None:
    """A live sequence that may write at any hour, with a letter on each of these days, called ``<slug> <day>``."""
    now = settings.CLOCK.now()
    if not Masthead.objects.exists():
        MastheadFactory.create()
    made = SequenceFactory.create(slug=slug, created_at=now, activated_at=now, **(ANY_HOUR | fields))
    for position, day in enumerate(days):
        StepFactory.create(
            sequence=made, key=f"{slug}-{day}", position=position, after_days=day, subject=f"{slug} {day}"
        )


def readers(slug: str, number: int, domain: str = "example.org", due_in: float = 0, **fields: object) -> list[str]:
    """Readers of a sequence; their addresses, ``<slug>-<number>@…``. Their first letter is due in so many seconds."""
    due = settings.CLOCK.now() + dt.timedelta(seconds=due_in)
    return [each.subscriber.email for each in _enrolments(slug, number, domain, due, fields)]


def due_now(email: str) -> None:
    """The moment of a reader's letter has come."""
    now = settings.CLOCK.now()
    Enrolment.objects.filter(subscriber__email=email).update(due_at=now, promised_at=now)


def _enrolments(
    slug: str, number: int, domain: str, due: dt.datetime | None, fields: dict[str, object]
) -> list[Enrolment]:
    now = settings.CLOCK.now()
    of = Sequence.objects.get(slug=slug)
    first = of.steps.filter(deleted_at=None).order_by("position").first()
    before = Enrolment.objects.filter(sequence=of).count()
    return [
        EnrolmentFactory.create(
            subscriber=SubscriberFactory.create(email=f"{slug}-{n}@{domain}", hour=now.time(), zone="UTC", **fields),
            sequence=of,
            enrolled_at=now,
            started_on=now.date(),
            next_step=first,
            due_at=due,
            promised_at=due or now,
        )
        for n in range(before, before + number)
    ]


def put_off(slug: str, number: int) -> list[str]:
    """Readers whose first letter the mail server has put off, and whose moment to try again has come."""
    now = settings.CLOCK.real()
    made = _enrolments(slug, number, "example.org", None, {})
    for enrolment in made:
        DispatchFactory.create(
            enrolment=enrolment,
            state="retry_at",
            attempts=1,
            retry_at=now,
            due_at=now,
            claimed_at=now,
            message_id=f"<{enrolment.pk:016x}@harbour.example>",
        )
    return [enrolment.subscriber.email for enrolment in made]


def notice(email: str) -> None:
    """Somebody has asked to join and is owed a request to confirm."""
    now = settings.CLOCK.now()
    if not Masthead.objects.exists():
        MastheadFactory.create()
    NoticeFactory.create(
        due_at=now,
        created_at=now,
        invitation__subscriber__email=email,
        invitation__created_at=now,
        invitation__expires_at=now + dt.timedelta(days=7),
    )


def retry_now() -> None:
    """A mail server's "later" has come, and everybody who rested has rested enough."""
    now = settings.CLOCK.real()
    Dispatch.objects.filter(state="retry_at").update(retry_at=now)
    Breaker.objects.update(open_until=now)


def stop_link(email: str) -> str:
    """The path behind a reader's stop link."""
    return "/unsubscribe/" + link(Purpose.LEAVE, Subscriber.objects.get(email=email).opaque).rpartition("/")[2]


def spoil(slug: str, key: str, text: str) -> None:
    """Put a template into an approved letter that no door would have let in."""
    Revision.objects.filter(step__sequence__slug=slug, step__key=key).update(text=text)


def rewrite(slug: str, key: str, body: str) -> None:
    """An editor rewrites a letter, and a second person approves it."""
    now = settings.CLOCK.now()
    step = Step.objects.get(sequence__slug=slug, key=key)
    composing.edit_step(
        step.pk, subject=step.subject, preheader=step.preheader, body=body, author="writer@harbour.example", now=now
    )
    _approve(step.sequence)


def move(slug: str, key: str, places: int) -> None:
    """An editor moves a letter up or down."""
    step = Step.objects.get(sequence__slug=slug, key=key)
    composing.move_step(step.pk, places, now=settings.CLOCK.now())
    replan_sequence(step.sequence_id, settings.CLOCK.now())


def delete(slug: str, key: str) -> None:
    """An editor deletes a letter."""
    step = Step.objects.get(sequence__slug=slug, key=key)
    composing.delete_step(step.pk, now=settings.CLOCK.now())
    replan_sequence(step.sequence_id, settings.CLOCK.now())


def pause(slug: str) -> None:
    """An editor lets a sequence rest."""
    starting.pause(Sequence.objects.get(slug=slug).pk, settings.CLOCK.now())


def resume(slug: str) -> None:
    """An editor lets it go on."""
    starting.resume(Sequence.objects.get(slug=slug).pk, settings.CLOCK.now())


def clone(slug: str, to: str) -> None:
    """An editor makes a second sequence of the same letters, and starts it."""
    now = settings.CLOCK.now()
    folder = replace(publishing.folder_of(Sequence.objects.get(slug=slug)), slug=to)
    publishing.apply(folder, author="writer@harbour.example", now=now)
    of = Sequence.objects.get(slug=to)
    _approve(of)
    Sequence.objects.filter(pk=of.pk).update(state=Sequence.State.LIVE, activated_at=now)
    replan_sequence(of.pk, now)


def _approve(of: Sequence) -> None:
    now = settings.CLOCK.now()
    yes = reviewing.Override("a fault test")
    reviewing.approve(of.pk, approver="second@harbour.example", now=now, overrides=[yes])
    replan_sequence(of.pk, now)


def days_pass(days: float) -> None:
    """Everything that is kept was so many days longer ago: as if the house had stood still in between."""
    ago = dt.timedelta(days=days)
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            moments = [each.attname for each in model._meta.concrete_fields if isinstance(each, models.DateField)]
            if moments:
                model._default_manager.update(**{name: models.F(name) - ago for name in moments})


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb
    for verb in (
        sequence,
        readers,
        due_now,
        put_off,
        notice,
        retry_now,
        stop_link,
        days_pass,
        spoil,
        rewrite,
        move,
        delete,
        pause,
        resume,
        clone,
    )
}


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        close_old_connections()
        try:
            # At once or not at all: a worker must not find half a scene.
            with transaction.atomic():
                answer = {"answer": VERBS[asked.pop("verb")](**asked)}
        except Exception:  # noqa: BLE001 - whoever asked is told, whatever it was
            answer = {"error": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
