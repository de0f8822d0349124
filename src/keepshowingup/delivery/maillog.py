"""What a mail server's log says became of our letters: Postfix, Exim, sendmail and OpenSMTPD.

A letter is named by its Message-ID, or by the token in its return path, and its fate stands in other lines, joined by
the server's queue id. A line that only names a letter proves nothing: Postfix writes the Message-ID while the letter is
still coming in. Pure: lines in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum


class Fate(Enum):
    """What a server says of a letter."""

    NAMED = "named"  # it has heard of it, and does not say whether it took it
    PERHAPS = "perhaps"  # the dot was about to be sent (our own record; no log says this)
    TAKEN = "taken"  # it is responsible for it now
    PASSED_ON = "passed on"  # the next server, or a mailbox, has it
    REFUSED = "refused"  # for good, by this server or by the next


@dataclass(frozen=True)
class Sighting:
    """One thing that is said of one letter. ``at`` is aware; ``code`` and ``status`` are those of a refusal."""

    name: str
    fate: Fate
    at: datetime | None = None
    code: int = 0
    status: str = ""
    words: str = ""
    source: str = "the mail server's log"


ReadToken = Callable[[str], str | None]
"""From the token of a return path to the name of its letter; None for a token that is not ours."""

_OUR_NAME = re.compile(r"(?<![0-9a-f])([0-9a-f]{16,24})@[A-Za-z0-9.-]+")
_FROM_US = re.compile(r"(?:from=<|<= )bounce\+([A-Za-z0-9_.-]{8,120})@", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
# The reply's code stands before its status, or after "said:", or first; any other number may be a port or a size.
_CODE = re.compile(r"\b([45]\d\d)(?=[ -][45]\.\d)|\bsaid: ([45]\d\d)\b|^([45]\d\d)\b|: ([45]\d\d)[ -]")

_POSTFIX = re.compile(
    r"postfix[\w.-]*/(?:[\w-]+/)*[\w-]+\[\d+\]: "
    r"(?P<queue>[0-9A-F]{5,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}): (?P<rest>.*)"
)
_EXIM = re.compile(
    r"(?P<queue>\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4}) (?P<flag><=|=>|->|>>|\*\*|==|Completed)(?P<rest>.*)"
)
_SENDMAIL = re.compile(r"(?:sendmail|sm-mta|sm-msp-queue)\[\d+\]: (?P<queue>\w{12,20}): (?P<rest>.*)")
_OPENSMTPD = re.compile(
    r"smtpd(?:\[\d+\])?: [0-9a-f]{16} (?:(?P<taken>smtp envelope)|m[td]a delivery) "
    r"evpid=(?P<queue>[0-9a-f]{16}) (?P<rest>.*)"
)


@dataclass
class LogReader:
    """Reads one server's log, in the order it was written, over as many files as it is in.

    ``zone`` is that of moments without one, ``now`` (aware, real) supplies the year where a log has none.
    """

    read_token: ReadToken
    now: datetime
    zone: tzinfo = UTC
    lines: int = 0
    understood: int = 0
    first: datetime | None = None
    last: datetime | None = None
    _name_of: dict[str, str] = field(default_factory=dict)

    def read(self, lines: Iterable[str]) -> Iterator[Sighting]:
        """What the lines say of letters of ours."""
        for line in lines:
            self.lines += 1
            said = _postfix(line) or _exim(line) or _sendmail(line) or _opensmtpd(line)
            if said is None:
                if found := _OUR_NAME.search(line):
                    yield Sighting(found[1], Fate.NAMED, moment_of(line, self.now, self.zone))
                continue
            self.understood += 1
            at = moment_of(line, self.now, self.zone)
            self.first = at if self.first is None or (at and at < self.first) else self.first
            self.last = at if self.last is None or (at and at > self.last) else self.last
            if said.begins:
                self._name_of.pop(said.queue, None)  # short queue ids are given out again
            if name := self._name_in(said):
                self._name_of[said.queue] = name
            known = self._name_of.get(said.queue)
            if known is not None and said.fate is not None:
                yield Sighting(known, said.fate, at, said.code, said.status, said.words)
            if said.ends:
                self._name_of.pop(said.queue, None)

    def _name_in(self, said: _Said) -> str | None:
        if said.names and (found := _OUR_NAME.search(said.names)):
            return found[1]
        if said.names and (found := _FROM_US.search(said.names)):
            return self.read_token(found[1])
        return None


@dataclass(frozen=True)
class _Said:
    """One line understood: which message by the server's own id, what it may name, what became of it."""

    queue: str
    names: str = ""
    fate: Fate | None = None
    code: int = 0
    status: str = ""
    words: str = ""
    begins: bool = False
    ends: bool = False


def _postfix(line: str) -> _Said | None:
    found = _POSTFIX.search(line)
    if found is None:
        return None
    queue, rest = found["queue"], found["rest"]
    if rest.startswith("client="):
        return _Said(queue, begins=True)
    if rest.startswith("message-id="):
        return _Said(queue, names=rest, fate=Fate.NAMED)
    if rest.startswith("from=<"):
        return _Said(queue, names=rest, fate=Fate.TAKEN if "(queue active)" in rest else None)
    if rest.startswith("removed"):
        return _Said(queue, ends=True)
    if rest.startswith(("reject:", "milter-reject:")):
        # Ours was refused at the dot; a 4yz was not taken either, but says nothing for good.
        before, _, after = rest.partition("; from=<")
        words = after.rpartition(">: ")[2] if ">: " in after else before.rpartition("]: ")[2]
        refused = _refused(queue, words)
        return refused if refused.status[:1] != "4" else _Said(queue)
    if rest.startswith("to=<") and (verdict := re.search(r"\bstatus=(\w+)(?: \((.*)\))?", rest)):
        if verdict[1] == "sent":
            return _Said(queue, fate=Fate.PASSED_ON)
        if verdict[1] in {"bounced", "expired"}:
            return _refused(queue, verdict[2] or "", dsn=_value(rest, "dsn"))
        return _Said(queue, fate=Fate.TAKEN)
    return _Said(queue)


def _exim(line: str) -> _Said | None:
    found = _EXIM.search(line)
    if found is None:
        return None
    queue, flag, rest = found["queue"], found["flag"], found["rest"]
    if flag == "<=":
        return _Said(queue, names=f"<={rest}", fate=Fate.TAKEN, begins=True)
    if flag in {"=>", "->", ">>"}:
        return _Said(queue, fate=Fate.PASSED_ON)
    if flag == "**":
        return _refused(queue, rest.partition(": ")[2])
    return _Said(queue, fate=Fate.TAKEN if flag == "==" else None, ends=flag == "Completed")


def _sendmail(line: str) -> _Said | None:
    found = _SENDMAIL.search(line)
    if found is None:
        return None
    queue, rest = found["queue"], found["rest"]
    if rest.startswith("from=") and "msgid=" in rest:
        return _Said(queue, names=rest, fate=None if "nrcpts=0" in rest else Fate.TAKEN, begins=True)
    if rest.startswith("to=") and (verdict := re.search(r"\bstat=(.*)", rest)):
        dsn = _value(rest, "dsn")
        if dsn.startswith("5"):
            return _refused(queue, verdict[1], dsn=dsn)
        return _Said(queue, fate=Fate.PASSED_ON if dsn.startswith("2") else Fate.TAKEN)
    if rest.startswith("Milter") and "reject=5" in rest:
        return _refused(queue, rest.partition("reject=")[2])
    return _Said(queue)


def _opensmtpd(line: str) -> _Said | None:
    found = _OPENSMTPD.search(line)
    if found is None:
        return None
    queue, rest = found["queue"], found["rest"]
    if found["taken"]:
        return _Said(queue, names=rest, fate=Fate.TAKEN, begins=True)
    result = _value(rest, "result").strip('"')
    if result == "PermFail":
        return _refused(queue, rest.partition("stat=")[2].strip('"'), names=rest)
    return _Said(queue, names=rest, fate=Fate.PASSED_ON if result == "Ok" else Fate.TAKEN)


def _refused(queue: str, words: str, *, dsn: str = "", names: str = "") -> _Said:
    """A refusal, with the numbers in its words: those beside the SMTP reply say more than the log's own."""
    status, code = _STATUS.search(words), _CODE.search(words)
    return _Said(
        queue,
        names=names,
        fate=Fate.REFUSED,
        code=int(next(filter(None, code.groups()))) if code else 550,
        status=status[0] if status else dsn,
        words=words,
    )


def _value(text: str, name: str) -> str:
    found = re.search(rf"\b{name}=([^,\s]+)", text)
    return found[1] if found else ""


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"(?:<\d+>\d? ?)?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(?: ?(Z|[+-]\d\d:?\d\d)(?![\d:]))?")
_SYSLOG = re.compile(r"(?:<\d+>)?(" + "|".join(_MONTHS) + r") +(\d{1,2}) (\d\d:\d\d:\d\d)\b")


def moment_of(line: str, now: datetime, zone: tzinfo) -> datetime | None:
    """When a line was written (UTC), or None: ISO 8601, or syslog's month, day and time, which leave out the year."""
    if found := _ISO.match(line):
        return _utc(f"{found[1]}T{found[2]}{found[3] or ''}", zone)
    if found := _SYSLOG.match(line):
        month = _MONTHS.index(found[1]) + 1
        for year in (now.year + 1, now.year, now.year - 1):
            written = _utc(f"{year}-{month:02}-{int(found[2]):02}T{found[3]}", zone)
            if written is not None and written <= now + timedelta(days=1):
                return written
    return None


def _utc(text: str, zone: tzinfo) -> datetime | None:
    try:
        written = datetime.fromisoformat(text)
        return (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # the 30th of February is no moment
