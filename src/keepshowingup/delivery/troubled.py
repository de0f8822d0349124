"""What does not take letters now, or is about to be tried again, in words that may be shown around."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keepshowingup.core.redaction import redact
from keepshowingup.delivery import breaker
from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.disclosing import nameable
from keepshowingup.delivery.domains import domain_in, unmarked


@dataclass(frozen=True)
class Resting:
    """A transport, a recipients' domain, or everything (``breaker.EVERYTHING``) whose breaker is not closed.

    ``domain`` is empty for a transport. ``seconds`` is for how long it rests yet; 0 when it is half open.
    """

    name: str
    state: State
    reason: str
    seconds: float
    failures: int = 1
    domain: str = ""


@dataclass(frozen=True)
class Troubled:
    """Those that may be named, and how many further domains are open and half open."""

    named: tuple[Resting, ...] = ()
    open_domains: int = 0
    half_open_domains: int = 0


def troubled(real_now: datetime, *, all_names: bool = False) -> Troubled:
    """All breakers that are not closed. With ``all_names`` every domain is named: for one person at a terminal."""
    known = breaker.known(real_now)
    domains = {domain for each in known if (domain := domain_in(each.name))}
    shown = domains if all_names else nameable(domains)
    named: list[Resting] = []
    unnamed: dict[State, set[str]] = {State.OPEN: set(), State.HALF_OPEN: set()}
    for each in known:
        domain = domain_in(each.name)
        if domain and domain not in shown:
            unnamed[each.state].add(domain)
            continue
        named.append(
            Resting(
                unmarked(each.name),
                each.state,
                redact(each.reason),
                each.rests.total_seconds(),
                each.failures,
                domain,
            )
        )
    half_open = unnamed[State.HALF_OPEN] - unnamed[State.OPEN]
    return Troubled(tuple(named), len(unnamed[State.OPEN]), len(half_open))
