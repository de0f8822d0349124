"""The oracle: what each reader should have got and when, and whether that is what the mail server has.

It knows nothing of the engine. A letter is owed some local days after its reader joined, at their hour; a break moves
what is still to come by its local days, and so does a letter that was itself late by an outage, because letters keep
their spacing. Where two answers are right (a break begun while a letter was on its way) it keeps both: nothing may come
before the earlier, and lateness counts from the later.

From the product it takes two things: what it says became of a letter, and when it believes it handed one over. Both
are checked against the server's record. Nothing is lost as long as there is hope: that is said at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from tests.chaos.doubts import Doubts, find_doubts
from tests.chaos.moods import is_about_the_address
from tests.chaos.plan import STEPS_APART, Plan
from tests.chaos.record import Calendar, Done, Fate, Kill, ServerRecord, Took
from tests.chaos.story import Life, Owed, Story

# Promised: no DATA starts more than a second after a leave was committed. A break is read in the same look.
SECOND = 1.0
# Real seconds after which nobody asks a mailbox again that has said it does not exist. A worker that was killed with
# the answer in its hand may have left the question to another.
HEARD_WITHIN = 60.0
# Real seconds: clocks have microseconds, and a calendar that runs fast makes more of them.
ROUNDING = 0.001


@dataclass
class Verdict:
    """What was found, in sentences where something is wrong. ``late`` are real seconds, one for each letter."""

    owed: int = 0
    came: int = 0
    doubts: Doubts = field(default_factory=Doubts)
    late: list[float] = field(default_factory=list)
    put_off: list[float] = field(default_factory=list)  # the same, of letters the server itself had refused before
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    after_leaving: list[str] = field(default_factory=list)
    in_a_break: list[str] = field(default_factory=list)
    bunched: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # not come yet: the run had better go on

    @property
    def faults(self) -> list[str]:
        """Everything that must not be; empty when every promise was kept."""
        wrong = (self.lost, self.twice, self.early, self.after_leaving, self.in_a_break, self.bunched, self.odd)
        return [sentence for sentences in wrong for sentence in sentences]

    def late_by(self, percent: float) -> float:
        """Seconds that ``percent`` of the letters were late at most."""
        ordered = sorted(self.late)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


@dataclass(frozen=True)
class Evidence:
    """All that is known at ``now`` (real time). ``tick`` is the product's, in real seconds."""

    plan: Plan
    calendar: Calendar
    doings: tuple[Done, ...]
    server: ServerRecord
    fates: Mapping[tuple[str, int], Fate]
    now: float
    tick: float
    kills: tuple[Kill, ...] = ()
    is_final: bool = False  # nobody is left who could still bring what has not come

    @property
    def patience(self) -> timedelta:
        """How late a letter may be before it counts as an outage: a quarter of an hour, or three ticks."""
        return max(timedelta(minutes=15), timedelta(seconds=3 * self.tick * self.calendar.rate))


BREAK_IS_OVER = "Your break is over"
"""The note at the end of a break is owed by no plan, and as often as there are breaks."""


def judge(evidence: Evidence) -> Verdict:
    """Compare what was owed with what the server has."""
    verdict = Verdict()
    copies: defaultdict[tuple[str, int], list[Took]] = defaultdict(list)
    for took in evidence.server.took:
        if took.subject != BREAK_IS_OVER:
            copies[took.recipient, _step_of(took)].append(took)
    lives = {life.reader.address: life for life in _lives(evidence.plan, evidence.doings)}
    put_off = evidence.server.put_off()
    for life in lives.values():
        _Reading(evidence, life, copies, put_off.get(life.reader.address, []), verdict).read()
    for (address, step), taken in copies.items():
        what = f"note {step} to {address}"
        if len(taken) > 1:
            verdict.twice.append(f"{what} was taken {len(taken)} times, {taken[-1].at - taken[0].at:.1f} s apart")
        if address not in lives:
            verdict.odd.append(f"{what} came, and nobody with that address had joined")
    for address, began in evidence.server.began:
        if address in lives:
            _check_wish(lives[address], began, evidence.calendar, verdict)
    _check_server(evidence.server, verdict)
    for done in evidence.doings:
        _check_calendar(done, evidence.calendar, verdict)
    verdict.doubts = find_doubts(evidence.fates, evidence.server, evidence.kills)
    verdict.odd += verdict.doubts.odd
    if evidence.is_final:
        verdict.lost += verdict.waiting
    return verdict


def _step_of(took: Took) -> int:
    name, _, number = took.subject.rpartition(" ")
    return int(number) if name == "Note" and number.isdigit() else -1


def _lives(plan: Plan, doings: Iterable[Done]) -> Iterable[Life]:
    did: defaultdict[str, dict[str, Done]] = defaultdict(dict)
    for done in doings:
        did[done.address][done.verb] = done
    for reader in plan.readers:
        if "join" in (mine := did[reader.address]):
            yield Life(reader, mine["join"], mine.get("pause"), mine.get("resume"), mine.get("leave"))


@dataclass
class _Reading:
    """One reader's letters against the evidence, up to the first one that is not settled."""

    evidence: Evidence
    life: Life
    copies: Mapping[tuple[str, int], list[Took]]
    refused_at: list[float]
    verdict: Verdict

    def read(self) -> None:
        story = Story(self.life, self.evidence.patience)
        before: datetime | None = None
        for step in range(self.evidence.plan.size.steps):
            key = self.life.reader.address, step
            took = self.copies[key][0] if self.copies.get(key) else None
            fate = self.evidence.fates.get(key)
            handed = self._handed(took, fate)
            owed = story.owed(step, self.evidence.calendar.shown_at(took.began) if took else handed)
            if took is None and self.life.left is not None and not (fate and fate.state == "accepted"):
                return  # whatever had not come by then is owed no more
            if handed is None or owed is None:
                self._missing(step, owed, fate)
                return
            self.verdict.owed += 1
            self._came(step, owed, took, fate, handed)
            self._check_spacing(step, before, handed)
            story.handed(step, owed, handed)
            before = handed

    def _handed(self, took: Took | None, fate: Fate | None) -> datetime | None:
        """When it left the house as far as the product knows; None when it has not, or only says so."""
        if took is not None:
            return (fate and fate.handed_at) or self.evidence.calendar.shown_at(took.at)
        return fate.handed_at if fate and fate.state == "unknown" else None

    def _came(self, step: int, owed: Owed, took: Took | None, fate: Fate | None, handed: datetime) -> None:
        what, calendar = f"note {step} to {self.life.reader.address}", self.evidence.calendar
        if took is None:
            return  # in doubt, and counted there
        self.verdict.came += 1
        due = calendar.real(owed.first)
        put_off = any(due <= at < took.at for at in self.refused_at)
        (self.verdict.put_off if put_off else self.verdict.late).append(max(0.0, took.at - calendar.real(owed.last)))
        if (too_soon := due - took.began) > 0:
            self.verdict.early.append(f"{what} came {too_soon:.2f} s before its moment")
        if fate is None:
            self.verdict.odd.append(f"{what} is with the server, and the product knows of no such letter")
            return
        if fate.message_id != took.message_id:
            self.verdict.odd.append(f"{what} has the Message-ID {took.message_id}, by the product {fate.message_id}")
        if fate.state in {"refused", "skipped"}:
            self.verdict.odd.append(f"{what} is with the server, and the product calls it {fate.state}: {fate.reason}")
        elif fate.state not in {"accepted", "unknown"}:
            self.verdict.waiting.append(f"{what} is with the server, and still {fate.state}")
        elif fate.state == "unknown":
            # A copy has to be the same to the last byte: a letter in doubt counts from its Date, in whole seconds. That
            # of one that went with its host is not known, so it counts from when it was given up.
            since = handed - parsedate_to_datetime(took.dated)
            is_lost = any(took.message_id in kill.lost for kill in self.evidence.kills)
            if not (timedelta(seconds=-1) < since < (timedelta.max if is_lost else timedelta(seconds=1))):
                self.verdict.odd.append(f"{what} is of {took.dated}, and in doubt since {handed}")
        elif handed < calendar.shown_at(took.began):
            self.verdict.odd.append(f"{what} was accepted, by the product, before its DATA began")

    def _check_spacing(self, step: int, before: datetime | None, handed: datetime) -> None:
        if before is None:
            return
        days = (self.life.on(handed) - self.life.on(before)).days
        # A lateness that is no outage moves nothing, and may reach over a midnight.
        least = STEPS_APART - self.evidence.patience // timedelta(days=1) - 1
        if days < least:
            what = f"note {step} to {self.life.reader.address}"
            self.verdict.bunched.append(f"{what} came {days} days after the one before it, planned were {STEPS_APART}")

    def _missing(self, step: int, owed: Owed | None, fate: Fate | None) -> None:
        what = f"note {step} to {self.life.reader.address}"
        if self.life.reader.doomed and self._has_ended():
            if fate is None or fate.state not in {"refused", "skipped"}:
                self.verdict.waiting.append(f"{what} was refused, and is {fate.state if fate else 'unheard of'}")
            return
        self.verdict.owed += 1
        state = f"{fate.state}, {fate.reason}" if fate else "never claimed"
        if fate is not None and fate.state in {"accepted", "refused", "skipped"}:
            self.verdict.lost.append(f"{what} never came, and the product has closed it: {state}")
        elif owed is None:
            self.verdict.waiting.append(f"{what} waits for the reader to come back")
        else:
            since = self.evidence.now - self.evidence.calendar.real(owed.last)
            self.verdict.waiting.append(f"{what} was due {since:.0f} s ago and has not come: {state}")

    def _has_ended(self) -> bool:
        address = self.life.reader.address
        return any(no.recipient == address and is_about_the_address(no.words) for no in self.evidence.server.refused)


def _check_server(server: ServerRecord, verdict: Verdict) -> None:
    """What no client may do, whatever the server does to it."""
    verdict.odd += [f"{who} was named before TLS, though TLS was asked for" for who in server.in_the_clear]
    if server.told_nobody:
        verdict.odd.append(f"{server.told_nobody} times a message was sent although all recipients had been refused")
    ended = {no.recipient: no.at for no in reversed(server.refused) if is_about_the_address(no.words)}
    for ask in server.asked:
        if (since := ask.at - ended.get(ask.recipient, ask.at)) > HEARD_WITHIN:
            verdict.odd.append(f"{ask.recipient} was written to {since:.0f} s after it was said not to exist")


def _check_calendar(done: Done, calendar: Calendar, verdict: Verdict) -> None:
    """Whether everybody's calendar has gone on evenly, whatever was killed or frozen."""
    asked, did = calendar.shown_at(done.asked - ROUNDING), calendar.shown_at(done.done + ROUNDING)
    if not asked <= done.earliest <= done.latest <= did:
        verdict.odd.append(
            f"{done.address} did {done.verb} on {done.earliest:%d %B %H:%M} by the product's calendar,"
            f" and between {asked:%d %B %H:%M} and {did:%d %B %H:%M} by ours"
        )


def _check_wish(life: Life, began: float, calendar: Calendar, verdict: Verdict) -> None:
    """Whether a hand-over began although its reader had said no, for good or for a while."""
    address = life.reader.address
    if life.left is not None and began > life.left.done + SECOND:
        verdict.after_leaving.append(f"DATA for {address} began {began - life.left.done:.2f} s after they left")
    if life.paused is not None and began > life.paused.done + SECOND:
        back = life.resumed.asked if life.resumed else None
        if back is None and life.paused.days and (ends := life.back()):
            back = calendar.real(ends[0])
        if back is None or began < back:
            since = began - life.paused.done
            verdict.in_a_break.append(f"DATA for {address} began {since:.2f} s after their break did")
