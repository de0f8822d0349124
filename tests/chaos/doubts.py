"""Letters in doubt: whether each is one of those that must be, because somebody hung up at the dot.

Promised is at most one for each SMTP connection that was open when its worker was killed. A connection that the server
itself has cut leaves at most one, too. When a host is gone with its journals, all that it had in hand is in doubt, and
nothing of it is sent again. Any other doubt is the engine's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.record import Ended, Fate, Kill, Opened, ServerRecord

# Real seconds a connection's end may be recorded after the kill that ended it: the machine may be busy.
SOON = 20.0
# Real seconds in which the last octets of a host that is gone are read.
SOON_GONE = 1.0


@dataclass
class Doubts:
    """What was found. ``by_kill`` has the number of letters in doubt for each kill, and how many were possible."""

    number: int = 0
    by_cut: int = 0
    by_loss: int = 0  # letters in the hand of a host that is gone with its journals
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
    lost = {message_id: kill for kill in kills for message_id in kill.lost}
    by_connection: Counter[int] = Counter()
    by_kill: Counter[int] = Counter()
    for (address, step), fate in fates.items():
        if fate.state != "unknown":
            continue
        doubts.number += 1
        if fate.message_id in lost:
            doubts.by_loss += 1
            continue
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
    doubts.odd += _resent(lost, fates, server)
    return doubts


def _resent(lost: Mapping[str, Kill], fates: Mapping[tuple[str, int], Fate], server: ServerRecord) -> list[str]:
    """Letters that went with a host and its journals, and did not stay in doubt."""
    names = {fate.message_id: (f"note {step} to {address}", fate.state) for (address, step), fate in fates.items()}
    wrong = []
    for message_id in sorted(lost):
        what, state = names.get(message_id, (message_id, "unheard of"))
        if state not in {"unknown", "handing_over"}:
            wrong.append(f"{what} went with its host and its journal, and is {state}")
    for took in server.took:
        if (kill := lost.get(took.message_id)) and took.at > kill.at + SOON_GONE:
            what = names[took.message_id][0]
            wrong.append(f"{what} went with its host, and was sent {took.at - kill.at:.1f} s afterwards")
    return wrong


def _of(kill: Kill, server: ServerRecord) -> set[int]:
    """The connections that belonged to whom was killed, or may die of it."""
    anybody = kill.lingers and not kill.host
    return {one.connection for one in server.open_at(kill.at) if anybody or _is_of(one, kill)}


def _is_of(one: Opened, kill: Kill) -> bool:
    return one.host == kill.host if kill.host else one.port in kill.ports


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
