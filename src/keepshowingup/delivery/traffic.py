"""How each transport stands, and each recipients' domain that may be named: its breaker, its load and its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keepshowingup.core.providers import PROVIDERS
from keepshowingup.core.rates import Rate
from keepshowingup.core.turns import Limit
from keepshowingup.delivery import carrying, limits
from keepshowingup.delivery.breaker import State
from keepshowingup.delivery.disclosing import nameable
from keepshowingup.delivery.domains import domain_in, name_of
from keepshowingup.delivery.limits import Use
from keepshowingup.delivery.transports.house import Transports
from keepshowingup.delivery.troubled import Resting, Troubled


@dataclass(frozen=True)
class Flow:
    """One transport or domain. ``seconds`` is for how long its breaker stays open.

    ``under_way``: letters its server has and has not answered. ``per_second`` is its limit, None without one; then
    ``today`` (UTC) and ``queue_seconds``, until all have left that were told their moment, are not kept. ``allowance``
    is the day's, None without a warm-up.
    """

    name: str
    state: State = State.CLOSED
    seconds: float = 0.0
    under_way: int = 0
    per_second: float | None = None
    today: int | None = None
    allowance: int | None = None
    queue_seconds: float | None = None


@dataclass(frozen=True)
class Traffic:
    """Transports in the order of the settings, domains by name."""

    transports: tuple[Flow, ...] = ()
    domains: tuple[Flow, ...] = ()


def traffic(house: Transports, breakers: Troubled, real_now: datetime) -> Traffic:
    """How the transports of ``house`` and the domains that may be named stand at ``real_now``."""
    carried = carrying.under_way()
    doors = {transport.name: transport.limit for transport in house.all}
    known = carried.domains.keys() | {each.domain for each in breakers.named if each.domain} | house.domains.keys()
    if house.default.rate:
        asked = limits.asked_lately(name_of(domain) for domain in PROVIDERS)
        known |= {domain_in(gate) for gate in asked}
    gates = {name_of(domain): Limit(house.rate(domain)) for domain in sorted(nameable(known))}
    used = limits.use(doors | gates, real_now)
    by_door = {each.name: [each] for each in breakers.named if not each.domain}
    by_gate: defaultdict[str, list[Resting]] = defaultdict(list)
    for each in breakers.named:
        by_gate[name_of(each.domain)].append(each)
    return Traffic(
        tuple(
            _flow(name, limit, used.get(name), carried.transports.get(name, 0), by_door.get(name, ()))
            for name, limit in doors.items()
        ),
        tuple(
            _flow(domain, limit, used.get(gate), carried.domains.get(domain, 0), by_gate[gate])
            for gate, limit in gates.items()
            if (domain := domain_in(gate))
        ),
    )


def _flow(name: str, limit: Limit, used: Use | None, under_way: int, breakers: Sequence[Resting]) -> Flow:
    # A domain may rest on one transport and be welcome on another: the longest rest is shown.
    worst = max(breakers, key=lambda each: each.seconds, default=None)
    return Flow(
        name,
        worst.state if worst else State.CLOSED,
        worst.seconds if worst else 0.0,
        under_way,
        _per_second(limit.rate),
        used.today if used else None,
        used.allowance if used else None,
        used.queue.total_seconds() if used else None,
    )


def _per_second(rate: Rate | None) -> float | None:
    return rate.letters / rate.seconds if rate else None
