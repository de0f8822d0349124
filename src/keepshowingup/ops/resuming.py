"""Sending again after a restore: counted first, and never what may have left unless an operator says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from keepshowingup.core.clock import Clock
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import Refused, WrongUsage
from keepshowingup.delivery import breaker
from keepshowingup.delivery.models import Gap
from keepshowingup.delivery.restored import AtStake, at_stake, first_hole, resume, skip_until
from keepshowingup.delivery.safemode import open_gap
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note

# Moments are written down without their seconds.
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Prospect:
    """What resuming would mean: the time that is missing, the letters at stake, and from when on nobody knows.

    ``unspoken`` (real time) is None when the evidence covers the time that is missing, and when nothing is at stake.
    """

    gap: Gap
    stake: AtStake
    unspoken: datetime | None


def look_ahead(clock: Clock) -> Prospect:
    """Count what would be sent if sending began again now. Raises :class:`Refused` when it has not stopped."""
    gap = open_gap()
    if gap is None:
        if breaker.EVERYTHING not in breaker.resting(clock.real()):
            raise Refused("There is no safe mode to end: letters are being sent.")
        gap = Gap(begins=None, ends=clock.real())  # a restore that was cut short: nobody knows what is missing
    stake = at_stake(clock.calendar_at(gap.ends), clock.now())
    return Prospect(gap, stake, first_hole(gap) if stake.doubtful else None)


def resume_sending(clock: Clock, by: str, *, skip: datetime | None = None, send_all: bool = False) -> tuple[str, int]:
    """End safe mode. ``skip`` (calendar) passes over what fell due up to then; ``send_all`` sends all that is due.

    Returns what was done, in words, and how many letters were passed over. Raises :class:`Refused` while letters are at
    stake that may have left and neither evidence nor the operator says what to do about them.
    """
    if skip is not None and send_all:
        raise WrongUsage("--skip-until and --send-all say opposite things. Give one of them.")
    prospect = look_ahead(clock)
    passed_over = 0
    if skip is not None:
        if skip > clock.now() + A_MINUTE:
            raise WrongUsage("--skip-until is in the future. What is not due yet can't have left.")
        passed_over = skip_until(skip, clock.now())
        how = f"what fell due up to {skip:%Y-%m-%d %H:%M} UTC was passed over"
    elif send_all:
        how = "everything that is due is sent"
    elif prospect.unspoken is not None:
        raise Refused(_choose(prospect, clock))
    else:
        how = "by evidence" if prospect.gap.evidence else "nothing was at stake"
    resume(settings.DATA_DIR, clock, by, how)
    about = "sending, which was stopped by a restored database"
    note(Entry.What.RESUMED, who=by, about=about, now=clock.now(), reason=how, details={"passed_over": passed_over})
    return how, passed_over


def _choose(prospect: Prospect, clock: Clock) -> str:
    gap = prospect.gap
    until = clock.calendar_at(gap.ends) + A_MINUTE
    known = f" The evidence says nothing from {prospect.unspoken:%Y-%m-%d %H:%M} UTC on." if gap.evidence else ""
    return (
        f"{count_of(prospect.stake.doubtful, 'letter')} may have left already.{known}"
        " Say what is right: `keepshowingup reconcile --log FILE` (or --record) finds those that have; --skip-until"
        f" {until:%Y-%m-%dT%H:%M}Z passes over what fell due up to then; --send-all sends everything."
    )
