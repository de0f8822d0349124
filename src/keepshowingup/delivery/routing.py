"""By which transport each letter leaves now, or when it may ask again: breakers, limits and weights in one answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from keepshowingup.core.shares import Shares
from keepshowingup.core.turns import Asking, Leave, Limit, Wait
from keepshowingup.delivery import breaker, limits
from keepshowingup.delivery.breaker import Standing
from keepshowingup.delivery.domains import domain_in, name_of
from keepshowingup.delivery.transports.house import Transports, alone

# While nothing may be sent at all, letters in hand are put down for this long.
SAFE_MODE_WAIT = timedelta(minutes=1)


class Wish(NamedTuple):
    """A letter that wants to leave. ``urgent`` for one that a reader waits for; ``promised`` as the dispatch has it.

    ``avoid``: transports that keep its domain's other letters waiting just now.
    """

    dispatch: int
    email: str
    urgent: bool = False
    promised: bool = False
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Go:
    """It leaves by ``transport``, not before ``at`` (real time, at most :attr:`Router.in_hand` from now).

    ``trials`` are the breakers it is the trial letter of: if it does not go after all, they are given back.
    """

    transport: str
    at: datetime
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Later:
    """It asks again at ``at`` (real time); no attempt is used up. ``promised`` goes onto the dispatch."""

    at: datetime
    reason: str
    promised: bool


def transports() -> Transports:
    """The transports in the settings: ``KSU_TRANSPORTS``, or ``SMTP_URL`` alone, or the built-in mailbox."""
    return settings.TRANSPORTS or alone(settings.SMTP_URL or f"smtp://127.0.0.1:{settings.MAILBOX_SMTP_PORT}")


def is_full(house: Transports, real_now: datetime) -> bool:
    """Whether no transport could take one more letter this very moment, for its limits. Who stands in is not asked."""
    asked = [transport for transport in house.all if transport.weight] or house.all
    rooms = limits.room({transport.name: transport.limit for transport in asked}, real_now, real_now)
    return all(room == 0 for room in rooms.values())


class Router:
    """One worker's way of choosing. Not for several threads at once."""

    def __init__(self, house: Transports) -> None:
        self.house = house
        # Promised letters come back with the ticks, a few at a time: so many have to fit into a hand.
        self.in_hand = timedelta(seconds=max(2.0, 2 * settings.TICK_SECONDS))
        self.troubled: frozenset[str] = frozenset()
        self._shares = Shares({transport.name: transport.weight for transport in house.all})
        self._doors = {transport.name: transport.limit for transport in house.all}
        self._counts = house.limited

    def room(self, real_now: datetime, most: int) -> int:
        """How many letters are worth claiming now, up to ``most``; the rest is better off where it is, due.

        So a long run is not claimed as a whole to be told that it has to wait. Requests to confirm need not ask.
        """
        standing = breaker.standing(real_now)
        if breaker.EVERYTHING in standing.resting:
            return 0
        able = self._shares.first_choice(self._doors.keys() - standing.troubled)
        if not able:
            return min(most, len(self._doors.keys() & standing.half_open))
        rooms = limits.room({name: self._doors[name] for name in able}, real_now, real_now + self.in_hand).values()
        return most if None in rooms else min(most, sum(room or 0 for room in rooms))

    def route(self, wishes: Sequence[Wish], real_now: datetime, standing: Standing | None = None) -> list[Go | Later]:
        """What becomes of each of ``wishes``, in order; meant for some hundred at once, right before they leave.

        Pass ``standing`` when the breakers have been read just now. :attr:`troubled` says afterwards which of them
        an accepted letter may mend.
        """
        standing = breaker.standing(real_now) if standing is None else standing
        self.troubled = standing.troubled
        if breaker.EVERYTHING in standing.resting:
            return [Later(real_now + SAFE_MODE_WAIT, "nothing is sent", wish.promised) for wish in wishes]
        if not standing.troubled and not self._counts and len(self._doors) == 1:
            # The house as it is set up first: at no cost.
            return [Go(self.house.all[0].name, real_now)] * len(wishes)
        lost: set[str] = set()
        ways = [self._way(wish, standing, lost, real_now) for wish in wishes]
        asking = [self._asking(wish, way) for wish, way in zip(wishes, ways, strict=True) if isinstance(way, _Way)]
        turns = iter(limits.pass_through(asking, self._limits(asking), self._shares, real_now, self.in_hand))
        return [way if isinstance(way, Later) else _answer(way, next(turns)) for way in ways]

    def _way(self, wish: Wish, standing: Standing, lost: set[str], real_now: datetime) -> _Way | Later:
        """Which doors are open to a letter. ``lost``: breakers that somebody tries already, perhaps in this chunk."""
        if not (standing.troubled or wish.avoid):
            return _Way(tuple(self._doors))
        closed, tried_again = standing.resting, real_now + breaker.TRIAL_WAIT
        everywhere = breaker.domain_of(wish.email)
        doors: list[str] = []
        until: list[datetime] = []
        for door in self._doors:
            if door in wish.avoid:
                until.append(tried_again)
                continue
            names = {everywhere, door, breaker.domain_on(wish.email, door)}
            if shut := names & (closed.keys() | lost):
                until.append(max(closed.get(name, tried_again) for name in shut))
                continue
            trials = names & standing.half_open
            if not trials:
                doors.append(door)
                continue
            lost |= trials
            if breaker.try_again(trials, real_now):
                return _Way((door,), tuple(sorted(trials)))
            until.append(tried_again)
        return _Way(tuple(doors)) if doors else Later(min(until), "its transport or its domain rests", wish.promised)

    def _asking(self, wish: Wish, way: _Way) -> Asking:
        group = self.house.group(wish.email)
        gate = name_of(group) if self.house.rate(group) else ""
        return Asking(way.doors, gate, promised=wish.promised, urgent=wish.urgent)

    def _limits(self, asking: Iterable[Asking]) -> dict[str, Limit]:
        gates = {letter.gate for letter in asking if letter.gate}
        return self._doors | {gate: Limit(self.house.rate(domain_in(gate))) for gate in gates}


class _Way(NamedTuple):
    doors: tuple[str, ...]
    trials: tuple[str, ...] = ()


def _answer(way: _Way, turn: Leave | Wait) -> Go | Later:
    if isinstance(turn, Leave):
        return Go(turn.door, turn.at, way.trials)
    breaker.give_back(way.trials)
    return Later(turn.at, turn.reason, turn.promised)
