"""What a reader may change: name, zone, time of day, and a break from letters."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.db import transaction

from keepshowingup.audience.joining import tidy_name
from keepshowingup.audience.models import Subscriber
from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.timing import load_zone

LONGEST_PAUSE = 366
FEWER = (1, 2)
"""How many letters a week a reader may choose to get at most."""


def change(
    subscriber_id: int,
    *,
    first_name: str | None = None,
    zone: str | None = None,
    hour: time | None = None,
    country: str | None = None,
    language: str | None = None,
    theme: str | None = None,
) -> bool:
    """Change what is given, keep the rest. True when that may move letters: the reader's plan is to be made anew.

    Raises :class:`WrongUsage` for a malformed value, :class:`NotFound` for a reader who is gone.
    """
    if zone is not None:
        load_zone(zone)
    given = {
        "first_name": tidy_name(first_name) if first_name is not None else None,
        "zone": zone,
        "hour": hour,
        "country": country,
        "language": language,
        "theme": theme,
    }
    with transaction.atomic():
        reader = _find(subscriber_id)
        moved = any(
            given[name] is not None and given[name] != getattr(reader, name) for name in ("zone", "hour", "language")
        )
        for field, value in given.items():
            if value is not None:
                setattr(reader, field, value)
        reader.save(update_fields=list(given))
    return moved


def pause(subscriber_id: int, now: datetime, days: int | None) -> datetime | None:
    """Rest all letters for so many local days, or (None) until the reader says; returns when it ends (UTC).

    A reader who is paused already keeps the moment it began, so that their plan moves by the whole break. Raises
    :class:`WrongUsage` for days out of 1 to 366, :class:`Refused` for a reader who gets no letters.
    """
    if days is not None and not 1 <= days <= LONGEST_PAUSE:
        raise WrongUsage(f"A break lasts from 1 to {LONGEST_PAUSE} days.")
    with transaction.atomic():
        reader = _find(subscriber_id)
        if reader.state != Subscriber.State.ACTIVE:
            raise Refused("No letters are coming, so there is nothing to pause.")
        # Days are the reader's own: the same wall time, so many dates later.
        local = now.astimezone(load_zone(reader.zone))
        until = None if days is None else (local + timedelta(days=days)).astimezone(UTC)
        reader.paused_at = reader.paused_at or now
        reader.paused_until = until
        reader.save(update_fields=["paused_at", "paused_until"])
    return until


def set_pace(subscriber_id: int, letters_a_week: int | None) -> bool:
    """Keep how many letters in 7 days a reader wants at most (None: as they come); true when that is another number.

    The plan is not touched: that is ``cadence.replanning.choose_pace``. Raises :class:`WrongUsage` for a number that
    can't be chosen.
    """
    if letters_a_week not in {None, *FEWER}:
        raise WrongUsage(f"Choose {' or '.join(map(str, FEWER))} letters a week, or letters as they come.")
    with transaction.atomic():
        reader = _find(subscriber_id)
        if reader.letters_a_week == letters_a_week:
            return False
        reader.letters_a_week = letters_a_week
        reader.save(update_fields=["letters_a_week"])
    return True


def clear_pause(subscriber_id: int) -> None:
    """Forget the break. The plan is not touched: resuming a reader is ``cadence.replanning.resume_reader``."""
    Subscriber.objects.filter(pk=subscriber_id).update(paused_at=None, paused_until=None)


def _find(subscriber_id: int) -> Subscriber:
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    if reader is None:
        raise NotFound("There is no such reader.")
    return reader
