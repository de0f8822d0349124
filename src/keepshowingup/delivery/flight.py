"""A letter on its way: offered to the server, its outcome not known yet."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepshowingup.core.clock import Clock
from keepshowingup.core.states import DispatchState, SkipReason
from keepshowingup.delivery import lastlook
from keepshowingup.delivery.answers import outcome, put_back
from keepshowingup.delivery.doubt import in_doubt
from keepshowingup.delivery.held import Held
from keepshowingup.delivery.journal import Journal
from keepshowingup.delivery.settling import Settlement, withdraw
from keepshowingup.delivery.transports.reply import AnswerLost, ConnectionDown, NotTried, Outcome, Reply

log = logging.getLogger(__name__)

# The look that a letter was composed by may be a little older when it leaves, but never a second.
TOO_OLD = 0.9
# A full disk is not made empty by asking often.
DISK_WAIT = timedelta(seconds=30)


@dataclass(eq=False, slots=True)
class Flight:
    """``seen_at`` (monotonic seconds) is how old what we know of the reader is.

    ``door`` is the transport's name, ``group`` the domain the address counts as, ``dated`` the letter's Date
    (calendar).
    """

    held: Held
    journal: Journal
    clock: Clock
    seen_at: float
    door: str
    group: str
    dated: datetime
    verdict: lastlook.Verdict = None
    """Why it was kept back at the dot."""
    unwritable: bool = False
    """It was kept back because the journal can't be written."""

    def still_wanted(self) -> bool:
        """Whether what we know of the reader is still good; it is asked again when it is old."""
        if time.monotonic() - self.seen_at > TOO_OLD:
            seen_at = time.monotonic()
            look = lastlook.look([self.held.pk], self.clock.now())
            self.verdict = look.verdicts.get(self.held.pk, SkipReason.LEFT)
            if self.held.pk in look.held and look.held[self.held.pk].fence != self.held.fence:
                self.verdict = lastlook.Rest.NOT_OURS
            self.seen_at = seen_at
        return self.verdict is None

    def at_the_dot(self) -> bool:
        """The server waits for the message."""
        if not self.still_wanted():
            return False
        try:
            self.journal.dot(self.held.pk, self.held.fence, self.held.message_id, self.dated)
        except OSError as error:
            log.error("nothing leaves: the journal can't be written: %s", error.strerror)
            self.unwritable = True
        return not self.unwritable

    def answered(self, reply: Reply) -> None:
        """The server's word on the letter, before any other dot leaves."""
        self.journal.answered(self.held.pk, self.held.fence, reply.code, str(reply))

    def conclude(self, what: Outcome) -> Settlement | None:
        """What becomes of the letter; None when it was taken back and is owed again."""
        held, journal = self.held, self.journal
        if isinstance(what, Reply):
            journal.say()
            return outcome(held, what, self.clock, self.door)
        if isinstance(what, AnswerLost):
            log.error("dispatch %d is in doubt: the connection ended before the server answered", held.pk)
            return in_doubt(held, self.clock, self.dated, self.door)
        journal.put_down(held.pk, held.fence)  # it did not leave after all
        if self.unwritable:
            return put_back(held, "the journal can't be written", self.clock.real() + DISK_WAIT)
        if isinstance(what, ConnectionDown | NotTried):
            return put_back(held, "the server was not there", self.clock.real())
        return keep_back(held, self.verdict, self.clock)


def keep_back(held: Held, verdict: lastlook.Verdict, clock: Clock) -> Settlement | None:
    """A letter the last look is against: skipped, or owed again and planned anew (None)."""
    if isinstance(verdict, SkipReason):
        return Settlement(held, DispatchState.SKIPPED, verdict)
    withdraw(held.pk, held.fence, clock.now())
    return None
