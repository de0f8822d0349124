"""How it stands: what is due, under way and done, who is alive, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.functions import Coalesce

from keepshowingup.audience.models import Notice
from keepshowingup.cadence.due import due_enrolments
from keepshowingup.cadence.models import Enrolment
from keepshowingup.core.states import DispatchState
from keepshowingup.delivery.breaker import EVERYTHING, State
from keepshowingup.delivery.doubt import in_doubt_letters
from keepshowingup.delivery.ledger import End
from keepshowingup.delivery.models import Dispatch, Heartbeat, LedgerLine
from keepshowingup.delivery.routing import is_full
from keepshowingup.delivery.troubled import Troubled, troubled

# A part that has not been heard of for this long is taken to be gone, and after an hour nobody waits for it any more.
SILENT_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)
# A letter this long after its moment should have left: two ticks and a lease are well within it.
OVERDUE_AFTER = timedelta(minutes=5)

TICK = "tick"
"""The part that shows that beat, broker, a worker and the database work together. Other parts are workers."""


class Database(StrEnum):
    """What the database has to say for itself."""

    WELL = "well"
    AWAY = "away"  # it does not answer
    EMPTY = "empty"  # it answers and has no tables
    OLD = "old"  # it has tables, but not those this program needs


@dataclass(frozen=True)
class Alarm:
    """What needs a person, in a sentence for everybody; ``command`` says what to do, for who has a terminal.

    ``letters`` is the state of the letters it is about, for a page that can show them.
    """

    what: str
    command: str = ""
    letters: DispatchState | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.command}".rstrip()


DATABASE_ALARMS = {
    Database.AWAY: Alarm("The database does not answer.", "Start it, or look at DATABASE_URL."),
    Database.EMPTY: Alarm("The database is empty.", "Run `keepshowingup init` first."),
    Database.OLD: Alarm("The database is older than this program.", "Run `keepshowingup migrate`."),
}


@dataclass(frozen=True)
class Status:
    """Counts at one moment. ``heartbeats`` are seconds since each part was last heard of.

    ``due`` and ``notices_due`` are what nobody has claimed. ``oldest_due`` is how many seconds (calendar) the letter
    or notice has waited that has waited longest and has not been handed over, but for what a server asked us to bring
    back later. ``held_back``: every transport carries as much as it may just now, so letters are late because they
    have to be.
    ``clock_leapt``: seconds the machine's clock is off by, while that is not believed.
    """

    database: Database = Database.WELL
    due: int = 0
    notices_due: int = 0
    overdue: int = 0
    oldest_due: float = 0.0
    claimed: int = 0
    handing_over: int = 0
    retry: int = 0
    unknown: int = 0
    accepted_today: int = 0
    heartbeats: dict[str, float] = field(default_factory=dict)
    breakers: Troubled = field(default_factory=Troubled)
    held_back: bool = False
    clock_leapt: float = 0.0

    @property
    def alarms(self) -> list[Alarm]:
        """What a person should look at; empty when all is well."""
        if self.database is not Database.WELL:
            return [DATABASE_ALARMS[self.database]]
        found = []
        if TICK not in self.heartbeats:
            found.append(Alarm("No tick has run yet.", "Start `keepshowingup up`, or beat and worker."))
        if self.clock_leapt:
            wait = "Set it right, or in ten minutes letters go by it."
            found.append(Alarm(f"The machine's clock leapt by {self.clock_leapt:+.0f} seconds.", wait))
        for part, age in self.heartbeats.items():
            if age > SILENT_AFTER.total_seconds():
                found.append(Alarm(f"{part} was last heard of {age:.0f} seconds ago.", "Look at beat and workers."))
        if self.overdue:
            found.append(_late(self.overdue, held_back=self.held_back))
        if self.unknown:
            letters, them = ("letter", "it") if self.unknown == 1 else ("letters", "them")
            settle = f"`keepshowingup reconcile` settles {them}."
            found.append(
                Alarm(f"{self.unknown:,} {letters} may or may not have arrived.", settle, DispatchState.UNKNOWN)
            )
        return [*found, *_rests(self.breakers)]

    @property
    def sentences(self) -> list[str]:
        """The alarms in full, for a terminal."""
        return [str(alarm) for alarm in self.alarms]

    @property
    def ok(self) -> bool:
        """Letters flow: nobody has to be woken. Letters in doubt, and one silent worker of several, can wait."""
        ticks = self.heartbeats.get(TICK)
        alive = ticks is not None and ticks <= SILENT_AFTER.total_seconds()
        return self.database is Database.WELL and alive and (not self.overdue or self.held_back)


def _late(number: int, *, held_back: bool) -> Alarm:
    letters = "letter" if number == 1 else "letters"
    if held_back:
        wait = "waits for its" if number == 1 else "wait for their"
        return Alarm(f"{number:,} {letters} {wait} turn: the transports may carry only so many.")
    are = "is" if number == 1 else "are"
    return Alarm(f"{number:,} {letters} {are} more than 5 minutes late.", "Look whether workers run, and what rests.")


def _rests(breakers: Troubled) -> Iterator[Alarm]:
    """What takes no letters now. What is tried again with the next letter needs nobody."""
    for resting in breakers.named:
        if resting.name == EVERYTHING:
            yield Alarm(f"Nothing is sent: {resting.reason}.", "`keepshowingup resume-sending` says what to do.")
        elif resting.state is State.OPEN:
            yield Alarm(f"{resting.name} is resting: {resting.reason}", letters=DispatchState.RETRY_AT)
    if number := breakers.open_domains:
        domains, them = ("domain is", "it") if number == 1 else ("domains are", "them")
        names = f"`keepshowingup status --domains` names {them}."
        yield Alarm(f"{number:,} recipients' {domains} resting.", names, DispatchState.RETRY_AT)


def status(now: datetime, real_now: datetime, *, all_names: bool = False) -> Status:
    """Ask the database how it stands at ``now`` (calendar) and ``real_now`` (real time), both UTC.

    Recipients' domains are named where that tells nothing about anybody, or with ``all_names``.
    """
    try:
        return _ask(now, real_now, all_names=all_names)
    except DatabaseError:
        return Status(database=standing_of_the_database())


def standing_of_the_database() -> Database:
    """What is the matter with it; for after a question has failed."""
    try:
        tables = connection.introspection.table_names()
        if "django_migrations" not in tables:
            return Database.EMPTY
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return Database.AWAY
    # With all its tables there, it did not answer that question: it is locked, restarts, or is too busy.
    return Database.OLD if pending else Database.AWAY


def _ask(now: datetime, real_now: datetime, *, all_names: bool) -> Status:
    letters, notices = due_enrolments(now), Notice.objects.filter(due_at__lte=now)
    due, oldest_letter = _how_many(letters)
    notices_due, oldest_notice = _how_many(notices)
    under_way = {state: _how_many(Dispatch.objects.filter(state=state)) for state in _UNDER_WAY}
    oldest = min(filter(None, (oldest_letter, oldest_notice, *(at for _, at in under_way.values()))), default=now)
    late = now - OVERDUE_AFTER
    overdue = sum(found.filter(due_at__lte=late).count() for found in (letters, notices)) if oldest <= late else 0
    accepted = LedgerLine.objects.filter(end=End.ACCEPTED, at__gt=now - timedelta(days=1))
    return Status(
        due=due,
        notices_due=notices_due,
        overdue=overdue,
        oldest_due=(now - oldest).total_seconds(),
        claimed=under_way[DispatchState.CLAIMED][0],
        handing_over=under_way[DispatchState.HANDING_OVER][0],
        retry=Dispatch.objects.filter(state=DispatchState.RETRY_AT).count(),
        unknown=in_doubt_letters().count(),
        accepted_today=accepted.aggregate(all=Coalesce(Sum("number"), 0))["all"],
        heartbeats=_heartbeats(real_now),
        breakers=troubled(real_now, all_names=all_names),
        held_back=bool(overdue and settings.TRANSPORTS and is_full(settings.TRANSPORTS, real_now)),
        clock_leapt=leap.total_seconds() if (leap := settings.CLOCK.leap) else 0.0,
    )


# One question for each state: for each there is an index of its own, of a few rows.
_UNDER_WAY = (DispatchState.CLAIMED, DispatchState.HANDING_OVER)


def _how_many(waiting: QuerySet[Dispatch] | QuerySet[Notice] | QuerySet[Enrolment]) -> tuple[int, datetime | None]:
    """How many they are, and since when the first of them has been due."""
    found = waiting.aggregate(number=Count("pk"), oldest=Min("due_at"))
    return found["number"], found["oldest"]


def _heartbeats(real_now: datetime) -> dict[str, float]:
    rows = Heartbeat.objects.order_by("part").values_list("part", "seen_at")
    ages = {part: (real_now - seen_at).total_seconds() for part, seen_at in rows}
    return {part: age for part, age in ages.items() if part == TICK or age < FORGOTTEN_AFTER.total_seconds()}


def beat_heart(part: str, real_now: datetime) -> None:
    """Write a sign of life."""
    Heartbeat.objects.update_or_create(part=part, defaults={"seen_at": real_now})


def stop_heart(part: str) -> None:
    """A part has ended as it should: nobody need wait for it."""
    Heartbeat.objects.filter(part=part).delete()


def forget_silent(real_now: datetime) -> None:
    """Forget the parts nobody waits for any more; the tick stays, so that its silence is seen."""
    Heartbeat.objects.exclude(part=TICK).filter(seen_at__lt=real_now - FORGOTTEN_AFTER).delete()
