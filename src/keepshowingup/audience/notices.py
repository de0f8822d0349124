"""One-off letters we owe a reader for something they did themselves: said yes, ended a break, asked for a word.

Those that anybody can ask for with an address (confirm, already) are owed in ``joining``.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from keepshowingup.audience.leaving import MISTAKE
from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.core.errors import Refused


def owe_welcome(subscriber_id: int, now: datetime) -> None:
    """Greet somebody who said yes a moment ago."""
    Notice.objects.create(subscriber_id=subscriber_id, kind=Notice.Kind.WELCOME, due_at=now, created_at=now)


def owe_resume(subscriber_id: int, due_at: datetime, now: datetime) -> None:
    """Say that a break is over, at ``due_at`` (UTC); one that is owed already is not owed twice."""
    if not Notice.objects.filter(subscriber_id=subscriber_id, kind=Notice.Kind.RESUME, due_at__isnull=False).exists():
        Notice.objects.create(subscriber_id=subscriber_id, kind=Notice.Kind.RESUME, due_at=due_at, created_at=now)


def owe_goodbye(subscriber_id: int, now: datetime) -> None:
    """One last note that leaving worked, for a reader who pressed for it on the page that says so.

    Once for each time they leave, and within a day of it. Raises :class:`Refused` after that, for somebody who did not
    leave, and for an address that must not be written to.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id, state=Subscriber.State.LEFT).first()
        if reader is None or reader.left_at is None or reader.left_at <= now - MISTAKE:
            raise Refused("This can no longer be asked for here. You have left, and nothing more will come.")
        if not reader.notices.filter(kind=Notice.Kind.GOODBYE, created_at__gte=reader.left_at).exists():
            Notice.objects.create(subscriber=reader, kind=Notice.Kind.GOODBYE, due_at=now, created_at=now)
