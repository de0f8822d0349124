"""The ways out of the house, as one worker has them: each transport with its connections and what is under way."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from keepshowingup.core.inflight import InFlight
from keepshowingup.delivery.transports.house import Transport, Transports
from keepshowingup.delivery.transports.lane import MOST_LETTERS
from keepshowingup.delivery.transports.lanes import Lanes, Watch


@dataclass
class Way:
    """One transport."""

    transport: Transport
    lanes: Lanes
    in_flight: InFlight


def open_ways(house: Transports, hello: str) -> dict[str, Way]:
    """The ways by their transports' names, all watched together. Connections are made when they are needed."""
    watch = Watch()
    ways: dict[str, Way] = {}
    for transport in house.all:
        most = transport.connections or settings.CONNECTIONS
        lanes = Lanes(transport.relay, hello, most, watch)
        ways[transport.name] = Way(transport, lanes, InFlight(most * MOST_LETTERS, house.connections))
    return ways
