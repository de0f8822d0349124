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
    """A message whose final dot reached the server, at ``at``; its DATA command at ``began`` (real time)."""

    connection: int
    recipient: str
    subject: str
    message_id: str
    began: float
    at: float


@dataclass(frozen=True)
class Refused:
    """The server's no, with its words, at RCPT or at the dot (real time)."""

    recipient: str
    at: float
    words: str


@dataclass(frozen=True)
class Ended:
    """How a connection ended: ``quit``, ``cut`` by the server, or ``gone``; and at what stage of whose letter.

    ``body`` is after the server's 354, when the client may send its dot at any moment.
    """

    connection: int
    how: str
    stage: str
    recipient: str
    message_id: str = ""


@dataclass
class ServerRecord:
    """Everything the mail server wrote down."""

    took: list[Took] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    began: list[tuple[str, float]] = field(default_factory=list)  # (recipient, when DATA came)
    connections: int = 0

    @classmethod
    def read(cls, lines: Iterable[str]) -> ServerRecord:
        """From its JSON lines."""
        record = cls()
        for row in map(json.loads, lines):
            record._add(row)
        return record

    def _add(self, row: dict[str, Any]) -> None:
        self.connections = max(self.connections, row["connection"])
        match row["event"]:
            case "took":
                self.took.append(
                    Took(
                        row["connection"],
                        row["recipient"],
                        row["subject"],
                        row["message_id"],
                        row["began"],
                        row["at"],
                    )
                )
            case "refused":
                self.refused.append(Refused(row["recipient"], row["at"], row["words"]))
            case "data":
                self.began.append((row["recipient"], row["at"]))
            case "end":
                self.ended.append(
                    Ended(row["connection"], row["how"], row["stage"], row["recipient"], row.get("message_id", ""))
                )


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
