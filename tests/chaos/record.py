"""What the processes of a run wrote down, read back as values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Calendar:
    """The accelerated calendar of a run, as its ``clock.json`` says: a straight line."""

    rate: float
    anchor: float
    shift: timedelta = timedelta()

    @classmethod
    def load(cls, path: Path) -> Calendar:
        """Read the file all processes of a data folder share."""
        kept = json.loads(path.read_text())
        return cls(kept["rate"], datetime.fromisoformat(kept["anchor"]).timestamp(), timedelta(seconds=kept["shift"]))

    def shown_at(self, real: float) -> datetime:
        """What the calendar shows (UTC) at a real moment (seconds since 1970)."""
        return (
            datetime.fromtimestamp(self.anchor, UTC) + self.shift + timedelta(seconds=(real - self.anchor)) * self.rate
        )

    def real(self, moment: datetime) -> float:
        """When (seconds since 1970) the calendar shows a moment."""
        return (
            self.anchor + (moment - datetime.fromtimestamp(self.anchor, UTC) - self.shift).total_seconds() / self.rate
        )


@dataclass(frozen=True)
class Took:
    """A message whose final dot reached the server, at ``at``; its DATA command at ``began`` (real time).

    ``dated`` is its Date as it was written, by the calendar.
    """

    connection: int
    recipient: str
    subject: str
    message_id: str
    began: float
    at: float
    dated: str


@dataclass(frozen=True)
class Asked:
    """A RCPT command, whatever was answered (real time). ``sender`` is the same at each attempt of a letter."""

    connection: int
    recipient: str
    sender: str
    at: float


@dataclass(frozen=True)
class Refused:
    """The server's no, with its words, at some stage (real time). At MAIL nobody knows the recipient yet."""

    recipient: str
    at: float
    words: str
    sender: str = ""


@dataclass(frozen=True)
class Opened:
    """A connection's beginning (real time), and the client's address and port: by them workers are told apart."""

    connection: int
    port: int
    at: float
    host: str = ""


@dataclass(frozen=True)
class Ended:
    """How a connection ended: ``quit``, ``cut`` by the server, ``silent``, or ``gone``; at what stage of whose letter.

    ``body`` is after the server's 354, when the client may send its dot at any moment.
    """

    connection: int
    how: str
    stage: str
    recipient: str
    message_id: str = ""
    at: float = 0.0


@dataclass
class ServerRecord:
    """Everything the mail server wrote down."""

    took: list[Took] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    began: list[tuple[str, float]] = field(default_factory=list)  # (recipient, when DATA came)
    opened: list[Opened] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    in_the_clear: list[str] = field(default_factory=list)  # recipients named before TLS, though TLS was wanted
    told_nobody: int = 0  # messages sent although every recipient had been refused

    @classmethod
    def read(cls, lines: Iterable[str]) -> ServerRecord:
        """From its JSON lines."""
        record = cls()
        for row in map(json.loads, lines):
            record._add(row.pop("event"), row)
        return record

    def _add(self, event: str, row: dict[str, Any]) -> None:
        match event:
            case "open":
                self.opened.append(Opened(**row))
            case "rcpt":
                self.asked.append(Asked(row["connection"], row["recipient"], row["sender"], row["at"]))
                if row["clear"]:
                    self.in_the_clear.append(row["recipient"])
            case "data":
                self.began.append((row["recipient"], row["at"]))
            case "took":
                del row["mood"]
                self.took.append(Took(**row))
            case "refused":
                self.refused.append(Refused(row["recipient"], row["at"], row["words"], row["sender"]))
            case "told nobody":
                self.told_nobody += 1
            case "end":
                row.pop("subject", None)
                row.pop("dated", None)
                self.ended.append(Ended(**row))

    def put_off(self) -> dict[str, list[float]]:
        """For each recipient the moments (real time) at which a letter of theirs was refused, also at MAIL."""
        whose = {ask.sender: ask.recipient for ask in self.asked}
        moments: dict[str, list[float]] = {}
        for no in self.refused:
            if who := no.recipient or whose.get(no.sender, ""):
                moments.setdefault(who, []).append(no.at)
        return moments

    def open_at(self, moment: float) -> list[Opened]:
        """The connections that were open at a moment (real time)."""
        ended = {end.connection: end.at for end in self.ended}
        return [one for one in self.opened if one.at <= moment < ended.get(one.connection, float("inf"))]


@dataclass(frozen=True)
class Kill:
    """Workers killed at a moment (real time), with the client ports they had open to the mail server.

    ``lingers``: seconds during which others may die of it. A supervisor's children are asked to end, and killed if
    they do not. ``host``: it happened to everything at that address, and to nobody else. ``lost``: the Message-IDs of
    what it had in hand, when its journal is gone with it.
    """

    at: float
    target: str
    ports: frozenset[int]
    lingers: float = 0.0
    host: str = ""
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Done:
    """Something a reader did. It was committed between ``asked`` and ``done`` (real time), and was dated by the
    calendar from ``earliest`` to ``latest``: usually the same moment, but the database may have been away."""

    address: str
    verb: str
    days: int
    asked: float
    done: float
    earliest: datetime
    latest: datetime


def read_doings(lines: Iterable[str]) -> Iterator[Done]:
    """From the scene's JSON lines."""
    for row in map(json.loads, lines):
        yield Done(
            row["address"],
            row["verb"],
            row["days"],
            row["asked"],
            row["done"],
            datetime.fromisoformat(row["first_tried"]),
            datetime.fromisoformat(row["last_tried"]),
        )


@dataclass(frozen=True)
class Fate:
    """What the product itself says of one letter, by ``keepshowingup delivery list --json``."""

    state: str
    reason: str
    handed_at: datetime | None
    message_id: str


def read_fates(lines: Iterable[str]) -> dict[tuple[str, int], Fate]:
    """By (reader's address, number of the step). Letters that are no steps are left out."""
    fates = {}
    for row in map(json.loads, lines):
        if not row["step"].startswith("s"):
            continue
        handed = datetime.fromisoformat(row["handed_over_at"]) if row["handed_over_at"] else None
        fates[row["subscriber"], int(row["step"][1:])] = Fate(row["state"], row["reason"], handed, row["message_id"])
    return fates
