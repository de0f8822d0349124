"""Letters in doubt: the server may have them, and did not say.

A letter in doubt counts as handed over: the reader's next letter comes on its day. Evidence settles it (see
``reconciling`` and the outcomes), or a person does (``deciding``). Under ``KSU_UNKNOWN=hold`` nothing else happens.
Under ``resend`` it is offered once more at the next tick, by the same Message-ID and with the same Date: once, however
that copy fares, and never what was let be, is too old, or has a reader who left.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.claiming import Claimed, Offer
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.lastlook import look
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.delivery.settling import Settlement

RESEND = "resend"
FELL_SILENT = "its machine fell silent before it said what became of it"
BY_POLICY = "KSU_UNKNOWN"
# Who turns to ``resend`` does not mean the doubts of last month.
SAME_DAY = timedelta(days=1)


def in_doubt(held: Held, clock: Clock, at: datetime | None = None, transport: str = "") -> Settlement:
    """The server may have it. It counts as handed over ``at`` (its Date, UTC, on the calendar) for spacing.

    What is done about it is no matter of the hand-over: it is decided when the doubt has been written down.
    """
    return Settlement(
        held,
        DispatchState.UNKNOWN,
        "the connection ended before the server answered",
        handed_at=at or clock.now(),
        asked=True,
        transport=transport,
    )


def in_doubt_letters() -> QuerySet[Dispatch]:
    """Letters in doubt about which nobody has decided, oldest first."""
    let_be = Decision.objects.filter(dispatch=OuterRef("pk"), fence=OuterRef("fence"))
    return Dispatch.objects.filter(~Exists(let_be), state=DispatchState.UNKNOWN).order_by("handed_over_at", "pk")


def resend_by_policy(clock: Clock, lease_until: datetime, *, limit: int) -> Claimed:
    """Under ``resend``, offer once more what came into doubt within the last day and was not sent again before."""
    if settings.UNKNOWN_POLICY != RESEND:
        return Claimed()
    now = clock.now()
    lately = now - max(SAME_DAY, timedelta(seconds=30 * settings.TICK_SECONDS * clock.rate))
    # Of a machine that fell silent nobody can say which few letters left: all it had in hand would come twice.
    found = in_doubt_letters().filter(resent_at=None, handed_over_at__gt=lately).exclude(reason=FELL_SILENT)
    fences = dict(found.values_list("pk", "fence")[:limit])
    if not fences:
        return Claimed()
    wanted = [pk for pk, verdict in look(fences, now).verdicts.items() if verdict is None]
    return send_again([(pk, fences[pk]) for pk in wanted], lease_until, by=BY_POLICY, now=now)


def send_again(doubts: Iterable[Offer], lease_until: datetime, *, by: str, now: datetime) -> Claimed:
    """Offer letters in doubt once more, though the server may have them; who decided it is written down.

    ``doubts`` are (id, fence) as they were read: one that has been settled or sent again since is left alone.
    """
    letters: list[Offer] = []
    notices: list[Offer] = []
    for pk, fence in doubts:
        with transaction.atomic():
            doubt = Dispatch.objects.filter(pk=pk, fence=fence, state=DispatchState.UNKNOWN)
            if not doubt.update(
                state=DispatchState.CLAIMED,
                fence=F("fence") + 1,
                lease_until=lease_until,
                retry_at=None,
                owner="",
                resent_at=now,
            ):
                continue
            Decision.objects.create(
                dispatch_id=pk, fence=fence, what=Decision.What.SEND_AGAIN, by=by[:254], decided_at=now
            )
            is_letter = Dispatch.objects.filter(pk=pk, enrolment__isnull=False).exists()
            (letters if is_letter else notices).append((pk, fence + 1))
    return Claimed(tuple(letters), tuple(notices))
