"""The private date a reader may give, to be told of its marks. It is kept as long as it is counted from, and no longer.

Only its newest value is kept, nobody is told that it was changed, and no log names it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from keepshowingup.audience.leaving import MISTAKE
from keepshowingup.audience.models import Subscriber
from keepshowingup.core.errors import WrongUsage

FARTHEST = timedelta(days=365 * 110)


def check_date(day: date, today: date) -> None:
    """Raises :class:`WrongUsage` for a date that can't be counted from. ``today`` is the reader's local date."""
    if day > today:
        raise WrongUsage("That day is still to come. You can give it to us when it is here.")
    if today - day > FARTHEST:
        raise WrongUsage("That is very long ago. Please look at the year once more.")


def keep_date(subscriber_id: int, day: date) -> None:
    """Let this be the reader's date. What it was before is gone."""
    Subscriber.objects.filter(pk=subscriber_id).update(counted_from=day)


def forget_date(subscriber_id: int) -> None:
    """The reader has no date any more."""
    Subscriber.objects.filter(pk=subscriber_id, counted_from__isnull=False).update(counted_from=None)


def forget_dates_of_those_gone(now: datetime) -> int:
    """Forget the dates of readers who left for good or may not be written to; returns how many.

    Whoever comes back after a year must not be greeted with a count from a date that may no longer be theirs.
    """
    dated = Subscriber.objects.filter(counted_from__isnull=False)
    left = dated.filter(left_at__lte=now - MISTAKE).exclude(state=Subscriber.State.ACTIVE).update(counted_from=None)
    return left + dated.filter(state=Subscriber.State.SUPPRESSED).update(counted_from=None)
