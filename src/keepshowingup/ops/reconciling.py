"""Settling letters in doubt from all the evidence an operator has: mail logs, provider events, returned mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from django.conf import settings
from django.db import transaction

from keepshowingup.audience.tokens import Purpose, read
from keepshowingup.core.clock import Clock
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.maillog import Fate, LogReader, Sighting
from keepshowingup.delivery.missed import believe_missed
from keepshowingup.delivery.models import Dispatch, Gap
from keepshowingup.delivery.naming import opaque_of
from keepshowingup.delivery.own_record import host_of, hosts_in, read_own_record
from keepshowingup.delivery.reconciling import Seen, Settled, believe, from_own_record, last_words
from keepshowingup.delivery.restored import note_evidence
from keepshowingup.delivery.safemode import open_gap
from keepshowingup.ops.maillogs import BROKEN, LogFile, in_order, why
from keepshowingup.outcomes.recording import record_all, record_returned
from keepshowingup.outcomes.webhooks import read_plain

MAIL_LIMIT = 4 * 1024 * 1024
JSON = "application/json"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Sources:
    """Where evidence is: mail logs, files of events as the plain webhook takes them, returned mails or folders of them.

    ``record`` asks this machine's own record of what it handed over. ``zone`` is the logs'.
    """

    logs: tuple[Path, ...] = ()
    events: tuple[Path, ...] = ()
    mails: tuple[Path, ...] = ()
    record: bool = False
    zone: tzinfo | None = None


@dataclass
class Report:
    """What came of it. ``unread`` is evidence that could not be used, and why; ``silent`` machines have not spoken."""

    settled: list[Settled] = field(default_factory=list)
    missed: list[Settled] = field(default_factory=list)
    changed_by_events: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    only_named: int = 0
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    left: int = 0


def reconcile(sources: Sources, clock: Clock, *, dry_run: bool = False, say: Progress = lambda _: None) -> Report:
    """Believe the evidence, or only say what that would do. Done again it changes nothing.

    In a restored database it also finds what left in the time that is missing. What can't be read is in the report.
    """
    report = Report()
    seen = _read_logs(sources, clock, report, say)
    gap = open_gap()
    if sources.record:
        seen = _read_record(gap, report) | seen
    if not dry_run:
        _believe(seen, gap, sources, clock, report)
        return report
    with transaction.atomic():
        _believe(seen, gap, sources, clock, report)
        transaction.set_rollback(True)
    return report


def _believe(seen: Seen, gap: Gap | None, sources: Sources, clock: Clock, report: Report) -> None:
    report.settled = believe(seen, clock.now(), restored=gap is not None)
    if gap is not None:
        report.missed = believe_missed(seen, clock.calendar_at(gap.ends))
        note_evidence(gap, report.spans)
    for path in sources.events:
        _from_file(path, report, lambda body: _record_events(body, clock))
    for path in (mail for given in sources.mails for mail in _mails_in(given)):
        _from_file(path, report, lambda raw: sum(one.changed for one in record_returned(raw, clock.now())))
    doubts = list(in_doubt_letters().values_list("message_id", flat=True))
    report.left = len(doubts)
    named = {name for name, sighting in seen.items() if sighting.fate is Fate.NAMED}
    report.only_named = sum(opaque_of(message_id) in named for message_id in doubts)


def _read_logs(sources: Sources, clock: Clock, report: Report, say: Progress) -> dict[str, Sighting]:
    now = clock.real()
    zone = sources.zone or now.astimezone().tzinfo
    assert zone is not None
    files, unread = in_order(sources.logs, now, zone)
    report.unread |= {str(path): reason for path, reason in unread.items()}
    sightings: list[Sighting] = []
    reader = LogReader(lambda token: read(Purpose.RETURN_PATH, token), now, zone)
    for file in files:
        say(str(file.path))
        sightings += _read_log(file, reader, report)
    return last_words(sightings, clock.calendar_at)


def _read_log(file: LogFile, reader: LogReader, report: Report) -> list[Sighting]:
    found: list[Sighting] = []
    before, reader.first, reader.last = reader.understood, None, None
    try:
        found += reader.read(file.lines())
    except BROKEN as error:
        report.unread[str(file.path)] = f"broken off: {why(error)}"
    if reader.first and reader.last:
        report.spans.append((reader.first, reader.last))
    if reader.understood == before and not found:
        report.unread.setdefault(str(file.path), "no line of it is a mail server's")
    return found


def _read_record(gap: Gap | None, report: Report) -> dict[str, Sighting]:
    own_record = read_own_record(settings.DATA_DIR)
    report.unread |= dict.fromkeys(own_record.unread, "this part of our own record is damaged")
    if gap is not None:
        owners = Dispatch.objects.exclude(owner="").order_by().values_list("owner", flat=True).distinct()
        report.silent = {host_of(owner) for owner in owners} - hosts_in(settings.DATA_DIR)
        if not report.silent and not own_record.unread:
            report.spans.append((gap.begins or gap.ends, gap.ends))
    return from_own_record(own_record.lines)


def _from_file(path: Path, report: Report, take: Callable[[bytes], int]) -> None:
    try:
        with path.open("rb") as file:
            body = file.read(MAIL_LIMIT)
        report.changed_by_events += take(body)
    except OSError as error:
        report.unread[str(path)] = why(error)
    except KeepShowingUpError as error:
        report.unread[str(path)] = error.message


def _record_events(body: bytes, clock: Clock) -> int:
    """One JSON document, or one on each line."""
    try:
        evidence = read_plain(body, JSON)
    except KeepShowingUpError:
        evidence = [one for line in body.splitlines() if line.strip() for one in read_plain(line, JSON)]
    return sum(one.changed for one in record_all(evidence, clock.now(), clock.real()))


def _mails_in(given: Path) -> list[Path]:
    """A mail, or every file in a folder: a Maildir, or mails that were saved."""
    if not given.is_dir():
        return [given]
    return sorted(path for path in given.rglob("*") if path.is_file() and not path.name.startswith("."))
