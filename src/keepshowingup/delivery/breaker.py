"""Resting a transport, or a recipient's domain, that does not take letters now.

While a breaker is open its letters wait without using up attempts. When the rest is over it is half open: one letter
is tried, of the whole house, and the others wait until it is accepted, so that nobody rushes at a server that is still
down. Its name is a transport's, a domain's (:func:`domain_of`), a domain's on one transport (:func:`domain_on`), or
:data:`EVERYTHING` for the safe mode after a restore.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from keepshowingup.delivery.domains import domain_in, name_of
from keepshowingup.delivery.models import Breaker

log = logging.getLogger(__name__)

EVERYTHING = "*"
# Whose trial letter is lost with its worker is tried again after this long.
TRIAL_LASTS = timedelta(seconds=60)
# How often those who wait for a trial ask how it went.
TRIAL_WAIT = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Rests:
    """How long a breaker rests: ``first``, then twice as long each time in a row, up to ``longest``."""

    first: timedelta
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """The rest after so many failures in a row, 1 or more."""
        return min(self.first * (1 << min(failures - 1, 20)), self.longest)


# A server that was restarted is back in seconds.
DOWN = Rests(timedelta(seconds=5), timedelta(minutes=5))
# A domain that refuses us for what it thinks of us thinks so for hours, and each further letter confirms it.
REFUSED_AT_MOST = timedelta(hours=4)


class State(StrEnum):
    """Of a breaker. One that is not kept is closed: letters flow."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Known(NamedTuple):
    """A breaker that is kept. ``rests`` is how long it does so yet, nothing when it is half open.

    ``reason`` is a server's words, which may hold an address.
    """

    name: str
    state: State
    rests: timedelta
    failures: int
    reason: str


@dataclass(frozen=True)
class Standing:
    """The breakers at one moment: until when (real time) each rests, and which may be tried with one letter."""

    resting: dict[str, datetime]
    half_open: frozenset[str] = frozenset()

    @property
    def troubled(self) -> frozenset[str]:
        """All that have not taken a letter since they were tripped: what an accepted letter may mend."""
        return self.half_open | self.resting.keys()


def trip(name: str, reason: str, real_now: datetime) -> datetime:
    """Open a breaker, for twice as long each time in a row; until when (real time).

    ``reason`` is for staff: a server's words, which may hold an address. It is not logged.
    """
    with transaction.atomic():
        breaker, _ = Breaker.objects.select_for_update().get_or_create(transport=name)
        if breaker.open_until is None or not _rests(name, breaker.open_until, real_now):
            breaker.failures += 1
            breaker.open_until = real_now + _rests_of(name).after(breaker.failures)
            breaker.trial_until = None
        breaker.reason = reason[:200]
        breaker.save()
    # A domain of one's own is as good as an address.
    called = "a domain" if domain_in(name) else name
    log.error("%s rests until %s, failure %d in a row", called, breaker.open_until, breaker.failures)
    return breaker.open_until


def mend(names: Collection[str]) -> None:
    """These work again: their next failure counts from one."""
    if names:
        Breaker.objects.filter(transport__in=names).delete()


def standing(real_now: datetime) -> Standing:
    """All breakers, as they stand now."""
    resting: dict[str, datetime] = {}
    half_open: set[str] = set()
    for name, open_until, trial_until in Breaker.objects.values_list("transport", "open_until", "trial_until"):
        if open_until is not None and _rests(name, open_until, real_now):
            resting[name] = open_until
        elif trial_until is not None and real_now < trial_until <= real_now + TRIAL_LASTS:
            resting[name] = min(trial_until, real_now + TRIAL_WAIT)
        else:
            half_open.add(name)
    return Standing(resting, frozenset(half_open))


def known(real_now: datetime) -> list[Known]:
    """All breakers for people who watch, by name. One on trial is half open."""
    found = []
    for each in Breaker.objects.order_by("transport"):
        is_open = each.open_until is not None and _rests(each.transport, each.open_until, real_now)
        rests = each.open_until - real_now if is_open and each.open_until else timedelta()
        state = State.OPEN if is_open else State.HALF_OPEN
        found.append(Known(each.transport, state, rests, each.failures, each.reason))
    return found


def resting(real_now: datetime) -> dict[str, datetime]:
    """The breakers that are open or on trial, and until when (real time) each rests."""
    return standing(real_now).resting


def try_again(names: Collection[str], real_now: datetime) -> bool:
    """Win the right to try half-open breakers with one letter, all of ``names`` or none.

    Of all workers one wins; it answers by :func:`mend`, :func:`trip` or :func:`give_back`.
    """
    with transaction.atomic():
        for name in sorted(names):
            over = Q(open_until=None) | Q(open_until__lte=real_now) | Q(open_until__gt=_last(name, real_now))
            free = Q(trial_until=None) | Q(trial_until__lte=real_now) | Q(trial_until__gt=real_now + TRIAL_LASTS)
            won = Breaker.objects.filter(over, free, transport=name).update(trial_until=real_now + TRIAL_LASTS)
            if not won:
                transaction.set_rollback(True)
                return False
    return True


def give_back(names: Collection[str]) -> None:
    """The letter that was to try these did not go after all: another may, at once."""
    if names:
        Breaker.objects.filter(transport__in=names).update(trial_until=None)


def forget_old(real_now: datetime) -> None:
    """Forget those whose rest was over a week ago, and who have had no letter since."""
    Breaker.objects.filter(open_until__lt=real_now - FORGOTTEN_AFTER).delete()


def domain_of(address: str) -> str:
    """The breaker's name for an address' domain."""
    return name_of(address.rpartition("@")[2].lower())


def domain_on(address: str, transport: str) -> str:
    """The breaker's name for an address' domain on one transport: another may be welcome there."""
    return f"{domain_of(address)} by {transport}"


def _rests_of(name: str) -> Rests:
    if domain_in(name):
        return Rests(timedelta(seconds=settings.DOMAIN_REST_SECONDS), REFUSED_AT_MOST)
    return DOWN


def _rests(name: str, open_until: datetime, real_now: datetime) -> bool:
    return real_now < open_until <= _last(name, real_now)


def _last(name: str, real_now: datetime) -> datetime:
    """A rest beyond this was said by a clock that has been set back since. The safe mode has no end."""
    return datetime.max.replace(tzinfo=real_now.tzinfo) if name == EVERYTHING else real_now + _rests_of(name).longest
