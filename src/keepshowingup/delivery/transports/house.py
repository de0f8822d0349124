"""The transports of this house and their limits, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keepshowingup.core.rates import Rate
from keepshowingup.core.turns import Limit
from keepshowingup.delivery.transports.relay import Relay, parse_relay

NO_LIMIT = Limit()


@dataclass(frozen=True)
class Transport:
    """One way for letters to leave. ``connections`` is the most for each worker, None for the worker's own number.

    By ``weight`` it shares the letters with the others; one of weight 0 stands in when all others rest.
    """

    name: str
    relay: Relay
    weight: int = 1
    connections: int | None = None
    limit: Limit = NO_LIMIT


@dataclass(frozen=True)
class DomainLimit:
    """How much one recipients' domain takes: letters in time, from the whole house, and at once, from each worker."""

    rate: Rate | None = None
    connections: int | None = None


@dataclass(frozen=True)
class Transports:
    """All transports, in the order of the file, and what is known of recipients' domains.

    ``same`` names for a domain the one it counts as: ``googlemail.com`` as ``gmail.com``.
    """

    all: tuple[Transport, ...]
    domains: Mapping[str, DomainLimit] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    default: DomainLimit = DomainLimit()

    def named(self, name: str) -> Transport:
        """The transport of that name."""
        return next(transport for transport in self.all if transport.name == name)

    @property
    def limited(self) -> bool:
        """Whether anything is counted. Without limits the database is not asked."""
        limits = (*self.domains.values(), self.default)
        return any(each.limit for each in self.all) or any(each.rate for each in limits)

    def group(self, address: str) -> str:
        """The domain that an address counts as."""
        domain = address.rpartition("@")[2].lower()
        return self.same.get(domain, domain)

    def connections(self, domain: str) -> int | None:
        """The most letters to a domain (see :meth:`group`) that one worker may have under way; None: as it likes."""
        return self.domains.get(domain, self.default).connections

    def rate(self, domain: str) -> Rate | None:
        """How fast the whole house may write to a domain (see :meth:`group`)."""
        return self.domains.get(domain, self.default).rate


def alone(url: str) -> Transports:
    """``SMTP_URL`` alone: one transport, called by its host and port, without limits."""
    relay = parse_relay(url)
    return Transports((Transport(relay.name, relay),))
