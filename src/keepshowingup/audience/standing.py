"""Finding the reader at an address, in a way that is the same work whether there is one."""

from __future__ import annotations

from datetime import datetime

from keepshowingup.audience.models import Subscriber


def locked_reader(email: str, email_key: str, now: datetime, *, language: str = "en") -> Subscriber:
    """The reader at this address, made as unconfirmed if there is none; call inside a transaction.

    Their row is locked from here on (on SQLite all writers wait): of two requests at once the second sees what the
    first did. Whoever wants no trace of a reader who was not there rolls back.
    """
    Subscriber.objects.bulk_create(
        [Subscriber(email=email, email_key=email_key, language=language, created_at=now)], ignore_conflicts=True
    )
    return Subscriber.objects.select_for_update().get(email_key=email_key)
