"""When to try a letter again, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from keepshowingup.core.failures import FailureKind

# The letter itself can't be made, or kills the worker that makes it: no answer of a server, so no FailureKind.
POISON = "poison"


@dataclass(frozen=True)
class Delays:
    """The waits after the first, second, third… failed attempt. ``goes_on``: the last wait repeats for ever."""

    waits: tuple[timedelta, ...]
    goes_on: bool = False


def _minutes(*waits: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=wait) for wait in waits)


# RFC 5321 4.5.4.1: give up after 4 to 5 days at the earliest, for mail in a queue. A letter that is two days late has
# lost its day, so ours stop there. The first waits are short because greylisting (RFC 6647) wants 1 to 15 minutes.
DELAYS: dict[str, Delays] = {
    FailureKind.ADDRESS_HARD: Delays(()),
    FailureKind.SOFT: Delays(_minutes(1, 5, 15, 60, 120, *[240] * 11)),
    # Who refuses us for what they think of us does so for hours; the resting domain's breaker waits at least as long.
    FailureKind.POLICY: Delays(_minutes(5, 10, 20, 40, 80, 160, *[240] * 10)),
    # A dead line uses up no attempts and a breaker holds the others back: one letter asks now and then.
    FailureKind.TRANSPORT: Delays(_minutes(0.25, 0.5, 1), goes_on=True),
    POISON: Delays(_minutes(1, 5)),
}


def next_try(attempts: int, kind: str, rng: Callable[[], float]) -> timedelta | None:
    """How long to wait (real time) after ``attempts`` failed attempts, at least 1; None: stop trying.

    ``kind`` is a :class:`FailureKind` or :data:`POISON`. ``rng`` gives a number in [0, 1); it takes up to a quarter
    off the wait, so that letters that failed together do not come back together.
    """
    delays = DELAYS[kind]
    index = max(attempts, 1) - 1
    if index >= len(delays.waits):
        if not delays.goes_on:
            return None
        index = len(delays.waits) - 1
    return delays.waits[index] * (1 - 0.25 * rng())
