"""After a restore: which letters are at stake, and passing over those that may have left already.

A database that was put back in time would send again what was sent in the time it has missed. Before it may send, an
operator gives evidence (``missed``), or passes over what fell due then, or says that everything is to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from keepshowingup.audience.models import Notice, Subscriber
from keepshowingup.cadence import advancing
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState, EnrolmentState, SkipReason
from keepshowingup.delivery import breaker, ledger
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.highwater import begin_anew
from keepshowingup.delivery.models import Dispatch, Gap
from keepshowingup.delivery.naming import letter_name, notice_name
from keepshowingup.delivery.safemode import open_gap
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.editorial.masthead import masthead
from keepshowingup.editorial.models import Sequence

AT_A_TIME = 500
# A quiet server writes no line for a while. A log with a longer silence in it may be one of which a part is missing.
SILENCE = timedelta(hours=1)
UNDER_WAY = (DispatchState.CLAIMED, DispatchState.HANDING_OVER, DispatchState.RETRY_AT)


@dataclass(frozen=True)
class AtStake:
    """Letters a restored database would send at once. The first two may have left in the time it has missed."""

    fell_due: int
    under_way: int
    due_since: int

    @property
    def doubtful(self) -> int:
        """Those that may have left already."""
        return self.fell_due + self.under_way


def at_stake(until: datetime, now: datetime) -> AtStake:
    """Count what would be sent. ``until`` (calendar) is the end of the time that is missing."""
    return AtStake(
        fell_due=_waiting(until).count() + Notice.objects.filter(due_at__lte=until).count(),
        under_way=Dispatch.objects.filter(state__in=UNDER_WAY).count(),
        due_since=_waiting(now).filter(due_at__gt=until).count(),
    )


def _waiting(until: datetime) -> QuerySet[Enrolment]:
    """All that is due, also the second letter to one reader."""
    return Enrolment.objects.filter(
        state=EnrolmentState.ACTIVE,
        due_at__lte=until,
        sequence__state=Sequence.State.LIVE,
        subscriber__state=Subscriber.State.ACTIVE,
        subscriber__paused_at__isnull=True,
    )


def skip_until(until: datetime, now: datetime) -> int:
    """Pass over everything that fell due up to ``until`` (calendar), as if it had left on its day; returns how many.

    Each reader's plan goes on from there with its spacing. What a worker had in hand is in doubt.
    """
    domain = masthead().domain
    done = _settle_what_was_under_way(until, now) + _skip_notices(until, domain, now)
    while rows := list(due_enrolments(until).order_by("due_at").select_related("next_step")[:AT_A_TIME]):
        done += _skip(rows, domain, now)
    return done


def _settle_what_was_under_way(until: datetime, now: datetime) -> int:
    states = dict(Dispatch.objects.filter(state__in=UNDER_WAY, due_at__lte=until).values_list("pk", "state"))
    return settle(
        [
            Settlement(
                held,
                DispatchState.UNKNOWN if states[held.pk] == DispatchState.HANDING_OVER else DispatchState.SKIPPED,
                SkipReason.RESTORED,
                handed_at=held.handed_over_at or held.due_at,
            )
            for held in read_held(states)
        ],
        now,
    )


def _skip(rows: list[Enrolment], domain: str, now: datetime) -> int:
    with transaction.atomic():
        had = set(
            Dispatch.objects.filter(enrolment__in=[row.pk for row in rows]).values_list("enrolment_id", "step_key")
        )
        passed = [(row, row.next_key or row.next_step.key, row.due_at) for row in rows if row.next_step and row.due_at]
        letters = [skipped(row, key, due_at, domain) for row, key, due_at in passed if (row.pk, key) not in had]
        Dispatch.objects.bulk_create(letters)
        count(letters, now)
        Enrolment.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=None)
        # The plan goes on from the letter's own moment, so that it comes to today by as many letters as were due.
        advancing.advance_many(
            [advancing.Settled(row.pk, row.subscriber_id, key, due_at) for row, key, due_at in passed],
            min((due_at for _, _, due_at in passed), default=min(row.enrolled_at for row in rows)),
        )
        return len(passed)


def skipped(enrolment: Enrolment, step_key: str, due_at: datetime, domain: str) -> Dispatch:
    """A letter that is passed over because it may have left in the time that is missing; not saved yet."""
    return Dispatch(
        message_id=f"<{letter_name(enrolment.pk, enrolment.enrolled_at, step_key)}@{domain}>",
        subscriber_id=enrolment.subscriber_id,
        enrolment=enrolment,
        step_key=step_key,
        state=DispatchState.SKIPPED,
        reason=SkipReason.RESTORED,
        due_at=due_at,
        claimed_at=due_at,
    )


def _skip_notices(until: datetime, domain: str, now: datetime) -> int:
    with transaction.atomic():
        rows = list(Notice.objects.select_for_update().filter(due_at__lte=until))
        letters = [
            Dispatch(
                message_id=f"<{notice_name(row.pk, row.created_at)}@{domain}>",
                subscriber_id=row.subscriber_id,
                notice=row,
                state=DispatchState.SKIPPED,
                reason=SkipReason.RESTORED,
                due_at=row.due_at or row.created_at,
                claimed_at=row.due_at or row.created_at,
            )
            for row in rows
        ]
        Dispatch.objects.bulk_create(letters)
        count(letters, now)
        Notice.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=None)
        return len(rows)


def count(letters: Iterable[Dispatch], now: datetime) -> None:
    """Enter letters that were never in hand here into the ledger."""
    ledger.enter(
        (
            ledger.Entry(DispatchState(each.state), each.reason, each.due_at, each.handed_over_at, asked=False)
            for each in letters
        ),
        now,
    )


def note_evidence(gap: Gap, spans: list[tuple[datetime, datetime]]) -> None:
    """Remember of which time (real) evidence has spoken."""
    gap.evidence = [*gap.evidence, *([since.isoformat(), until.isoformat()] for since, until in spans)]
    gap.save(update_fields=["evidence"])


def first_hole(gap: Gap) -> datetime | None:
    """From when on (real time) nothing has spoken of the time that is missing; None when all of it is covered.

    Of a database that had never run nobody can say when it began to miss something.
    """
    if gap.begins is None:
        return gap.ends
    spans = sorted([datetime.fromisoformat(each) for each in span] for span in gap.evidence)
    reached, spoken = gap.begins, False
    for since, until in spans:
        if until < gap.begins:
            continue
        if since - reached > SILENCE:
            break
        reached, spoken = max(reached, until), True
    return None if spoken and gap.ends - reached <= SILENCE else reached


def resume(data_dir: Path, clock: Clock, by: str, how: str) -> bool:
    """End safe mode, whoever and however; False when there was none."""
    real_now = clock.real()
    with transaction.atomic():
        gap = open_gap()
        if gap is None and breaker.EVERYTHING not in breaker.resting(real_now):
            return False
        if gap is not None:
            gap.closed_at, gap.closed_by, gap.how = real_now, by[:254], how[:200]
            gap.save(update_fields=["closed_at", "closed_by", "how"])
        begin_anew(data_dir, real_now)
        breaker.mend({breaker.EVERYTHING})
    return True
