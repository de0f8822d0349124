"""Letters in doubt: whether each is one of those that must be, because somebody hung up at the dot.

Promised is at most one for each SMTP connection that was open when its worker was killed. A connection that the server
itself has cut leaves at most one, too. Any other doubt is the engine's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.record import Ended, Fate, Kill, Opened, ServerRecord

# Real seconds a connection's end may be recorded after the kill that ended it: the machine may be busy.
SOON = 20.0


@dataclass
class Doubts:
    """What was found. ``by_kill`` has the number of letters in doubt for each kill, and how many were possible."""

    number: int = 0
    by_cut: int = 0
    cuts: int = 0  # connections the server cut when the client was free to send its dot
    by_kill: list[tuple[int, int]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def killed(self) -> int:
        """Letters in doubt because a worker was killed."""
        return sum(number for number, _ in self.by_kill)

    @property
    def open_at_kills(self) -> int:
        """Connections that were open at all kills together: so many doubts were possible."""
        return sum(possible for _, possible in self.by_kill)


def find_doubts(fates: Mapping[tuple[str, int], Fate], server: ServerRecord, kills: Sequence[Kill]) -> Doubts:
    """Attribute each letter in doubt to a connection, and each such connection to a kill or to the server's cut."""
    doubts = Doubts(cuts=sum(end.how in {"cut", "silent"} and end.stage in {"body", "dot"} for end in server.ended))
    ends = {end.connection: end for end in server.ended}
    whose = [_of(kill, server) for kill in kills]
    by_connection: Counter[int] = Counter()
    by_kill: Counter[int] = Counter()
    for (address, step), fate in fates.items():
        if fate.state != "unknown":
            continue
        doubts.number += 1
        what = f"note {step} to {address}"
        number = _connection_of(fate, address, server)
        if number is None:
            doubts.odd.append(f"{what} is in doubt, and no connection ended at its dot")
            continue
        by_connection[number] += 1
        end = ends.get(number)
        killed = next((place for place, mine in enumerate(whose) if _explains(kills[place], mine, number, end)), None)
        if killed is not None:
            by_kill[killed] += 1
        elif end is None:
            doubts.odd.append(f"{what} is in doubt, and its connection {number} is open")
        elif end.how in {"cut", "silent"}:
            doubts.by_cut += 1
        elif end.how == "quit":
            doubts.odd.append(f"{what} is in doubt, but connection {number} ended in good order")
        else:
            doubts.odd.append(f"{what} is in doubt: connection {number} broke, and nobody had been killed")
    for number, letters in by_connection.items():
        if letters > 1:
            doubts.odd.append(f"{letters} letters are in doubt for the one connection {number}")
    doubts.by_kill = [(by_kill[place], len(mine)) for place, mine in enumerate(whose)]
    return doubts


def _of(kill: Kill, server: ServerRecord) -> set[int]:
    """The connections that belonged to whom was killed, or may die of it."""
    return {one.connection for one in server.open_at(kill.at) if kill.lingers or _is_of(one, kill)}


def _is_of(one: Opened, kill: Kill) -> bool:
    return one.port in kill.ports


def _explains(kill: Kill, mine: set[int], number: int, end: Ended | None) -> bool:
    if number not in mine or end is None or end.how != "gone":
        return False
    return end.at <= kill.at + kill.lingers + SOON


def _connection_of(fate: Fate, address: str, server: ServerRecord) -> int | None:
    """The connection that had this letter, or ended while its dot was on its way."""
    for took in server.took:
        if took.message_id == fate.message_id:
            return took.connection
    at_the_dot = [end for end in server.ended if end.recipient == address and end.stage in {"body", "dot"}]
    # Without a name: it broke before the message's header had come.
    named = [end for end in at_the_dot if end.message_id == fate.message_id]
    nameless = [end for end in at_the_dot if not end.message_id]
    return next((end.connection for end in reversed(named or nameless)), None)
