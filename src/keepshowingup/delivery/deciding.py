"""What people decide about a letter in doubt: it arrived, send it again, let it be. Who and when is written down."""

from __future__ import annotations

import logging

from django.db import transaction

from keepshowingup.core.clock import Clock
from keepshowingup.core.errors import NotFound, Refused
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery.doubt import send_again
from keepshowingup.delivery.held import read_held
from keepshowingup.delivery.lastlook import Verdict, look
from keepshowingup.delivery.models import Decision, Dispatch
from keepshowingup.delivery.settling import Settlement, settle
from keepshowingup.logbook.models import Entry
from keepshowingup.logbook.noting import note

log = logging.getLogger(__name__)

WHY_NOT = {
    SkipReason.LEFT: "The reader has left.",
    SkipReason.SUPPRESSED: "The address must not be written to: it bounced, complained or was stopped.",
    SkipReason.TOO_LATE: "The letter is older than its sequence allows.",
    SkipReason.STEP_DELETED: "The letter was deleted from its sequence.",
    SkipReason.NOT_FOR_READER: "The letter is for other readers, as things stand.",
    SkipReason.ENDED: "The sequence has ended for this reader.",
    SkipReason.NOT_NEEDED: "The reader has confirmed, so the letter arrived.",
}


def decide(dispatch_id: int, what: Decision.What, by: str, clock: Clock) -> None:
    """Settle a letter in doubt by somebody's word. ``by`` is a staff address or a system user.

    A letter that is sent again leaves after the next tick, under its Message-ID. Raises :class:`NotFound`, and
    :class:`Refused` for a letter that is not in doubt (any more) and for one that may not be sent.
    """
    now = clock.now()
    with transaction.atomic():
        doubt = Dispatch.objects.select_for_update().filter(pk=dispatch_id).first()
        if doubt is None:
            raise NotFound("There is no such letter. Its reader may have been erased.")
        if doubt.state != DispatchState.UNKNOWN:
            raise Refused("This letter is not in doubt any more: load the page again.")
        if what is Decision.What.SEND_AGAIN:
            _refuse_unless_wanted(look([doubt.pk], now).verdicts.get(doubt.pk))
            # Its lease has run out as it is made: the sweep of the next tick takes it up.
            send_again([(doubt.pk, doubt.fence)], clock.real(), by=by, now=now)
        else:
            Decision.objects.get_or_create(
                dispatch=doubt, fence=doubt.fence, what=what, defaults={"by": by[:254], "decided_at": now}
            )
            if what is Decision.What.ARRIVED:
                settle(
                    [Settlement(held, DispatchState.ACCEPTED, "by somebody's word") for held in read_held([doubt.pk])],
                    now,
                )
        note(
            Entry.What.SETTLED,
            who=by,
            about=f"letter {dispatch_id} in doubt: {what.label}",
            now=now,
            details={"letter": dispatch_id},
        )
    log.info("letter %d in doubt was decided: %s", dispatch_id, what.value)


def _refuse_unless_wanted(verdict: Verdict) -> None:
    if verdict is None:
        return
    why = WHY_NOT.get(verdict) if isinstance(verdict, SkipReason) else f"{verdict.value.capitalize()}: try later."
    raise Refused(f"It can't be sent again. {why or 'It could not be made for this reader.'}")
