"""Sets a scene in a process of its own, with the product's own settings and models, and SQL for what is many.

``python -m benchmarks.scene base`` makes the tables, the masthead and a live sequence of the letters in ``examples/``.
``… readers NUMBER DUE SPACING`` adds readers whose first letter is due at DUE (seconds since 1970), each SPACING
seconds after the one before. ``… crowd NUMBER`` fills up to so many readers, a tenth of them due, the others in the
year to come. ``… unconfirmed NUMBER`` adds readers who have just asked to join.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, models, transaction  # noqa: E402

from keepshowingup.audience.models import Invitation, Subscriber  # noqa: E402
from keepshowingup.cadence.models import Enrolment  # noqa: E402
from keepshowingup.core.states import EnrolmentState  # noqa: E402
from keepshowingup.core.timing import AfterDays  # noqa: E402
from keepshowingup.delivery.models import Dispatch  # noqa: E402
from keepshowingup.editorial.folders import read_folder  # noqa: E402
from keepshowingup.editorial.masthead import edit_masthead  # noqa: E402
from keepshowingup.editorial.models import Approval, Revision, Sequence, Step  # noqa: E402
from keepshowingup.letters.compile import compile_letter  # noqa: E402
from keepshowingup.ops.database import migrate  # noqa: E402

LETTERS = Path(__file__).resolve().parents[1] / "examples" / "sequences" / "finding-your-people"
WRITER, APPROVER = "writer@harbour.example", "approver@harbour.example"
ANY_HOUR = dt.time(0)
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC")
ON_POSTGRES = connection.vendor == "postgresql"


class Sql(str):
    """An expression, where anything else is a value."""


def base() -> None:
    """Tables, masthead, one live sequence whose letters may leave at any hour."""
    migrate()
    now = dt.datetime.now(dt.UTC)
    edit_masthead(
        name="Harbour letters",
        from_name="Ruth at Harbour",
        from_address="ruth@harbour.example",
        postal_address="Harbour, 12 Quay Street, Portland ME 04101",
    )
    folder = read_folder(LETTERS)
    with transaction.atomic():
        sequence = Sequence.objects.create(
            slug=folder.slug,
            title=folder.title,
            signature=folder.signature,
            state=Sequence.State.LIVE,
            window_start=ANY_HOUR,
            window_end=ANY_HOUR,
            quiet_start=ANY_HOUR,
            quiet_end=ANY_HOUR,
            created_at=now,
            activated_at=now,
        )
        for position, letter in enumerate(folder.steps):
            assert isinstance(letter.timing, AfterDays)
            words: dict[str, Any] = {"subject": letter.subject, "preheader": letter.preheader, "body": letter.body}
            step = Step.objects.create(
                sequence=sequence, key=letter.key, position=position, after_days=letter.timing.days, **words
            )
            compiled = compile_letter("step", **words)
            step.current = Revision.objects.create(
                step=step,
                number=1,
                subject=compiled.subject,
                preheader=compiled.preheader,
                body=letter.body,
                html=compiled.html,
                text=compiled.text,
                author=WRITER,
                created_at=now,
            )
            step.save()
            Approval.objects.create(revision=step.current, approver=APPROVER, approved_at=now)


def readers(number: int, due: dt.datetime, spacing: float) -> None:
    """So many readers, each with the first letter due at ``due`` and ``spacing`` seconds later than the one before."""
    if not spacing:
        moment: object = due
    elif ON_POSTGRES:
        moment = Sql(f"TIMESTAMPTZ '{due.isoformat()}' + (id - %(first)s) * INTERVAL '{spacing} seconds'")
    else:
        raise SystemExit("Letters that are due one after the other are measured on PostgreSQL.")
    with transaction.atomic():
        first = add_readers(number)
        enrol_from(first, moment)
    _analyse()
    if spacing == 0 and time.time() > due.timestamp() - 1:
        # It took longer than was thought: one instant for all of them, once more.
        Enrolment.objects.filter(due_at=due).update(due_at=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3))


def crowd(number: int) -> None:
    """Fill up to ``number`` readers: one in ten is due since a minute ago, the others at some time of the year."""
    # What an earlier measurement claimed is due again: every crowd starts with nothing under way.
    Dispatch.objects.all().delete()
    Enrolment.objects.filter(due_at=None).update(due_at=models.F("promised_at"))
    have = Subscriber.objects.count()
    now = dt.datetime.now(dt.UTC)
    later = f"TIMESTAMPTZ '{now.isoformat()}' + INTERVAL '1 hour' + (id %% 525600) * INTERVAL '1 minute'"
    since = f"TIMESTAMPTZ '{(now - dt.timedelta(minutes=1)).isoformat()}'"
    with transaction.atomic(), _indexes_afterwards():
        first = add_readers(number - have)
        enrol_from(first, Sql(f"CASE WHEN id %% 10 = 0 THEN {since} ELSE {later} END"))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def zone_by(expression: str) -> Sql:
    """One of a few zones, by a whole number."""
    cases = " ".join(f"WHEN {place} THEN '{zone}'" for place, zone in enumerate(ZONES))
    return Sql(f"CASE ({expression}) %% {len(ZONES)} {cases} END")


def add_readers(number: int, state: str = Subscriber.State.ACTIVE, **columns: object) -> int:
    """Insert readers; the id of the first. Their names and addresses are numbered, in SQL for ``columns`` as ``n``."""
    first = (Subscriber.objects.aggregate(models.Max("pk"))["pk__max"] or 0) + 1
    now = dt.datetime.now(dt.UTC)
    text = "r' || n || '@d' || (n %% 50) || '.example.org"
    add_rows(
        Subscriber,
        {
            "id": Sql("n"),
            "opaque": Sql("lpad(to_hex(n), 16, '0')" if ON_POSTGRES else "printf('%%016x', n)"),
            "email": Sql(f"'{text}'"),
            "email_key": Sql(f"'{text}'"),
            "first_name": Sql("'Maya ' || (n %% 1000)"),
            "zone": zone_by("n"),
            "country": "US",
            "state": state,
            "created_at": now,
            "confirmed_at": now if state == Subscriber.State.ACTIVE else None,
            **columns,
        },
        _numbers(first, number),
    )
    _move_counter(Subscriber)
    return first


def enrol_from(first: int, due: object) -> None:
    """Enrol every reader from the id ``first`` on; ``due`` is a moment or an expression over the reader's ``id``."""
    sequence = Sequence.objects.get()
    step = sequence.steps.order_by("position").first()
    assert step is not None
    now = dt.datetime.now(dt.UTC)
    add_rows(
        Enrolment,
        {
            "subscriber_id": Sql("id"),
            "sequence_id": sequence.pk,
            "state": EnrolmentState.ACTIVE.value,
            "enrolled_at": now,
            "started_on": now.date(),
            "next_step_id": step.pk,
            "due_at": due,
            "promised_at": due,
            "due_local": f"{now:%Y-%m-%dT%H:%M:%S}",
            "due_reason": "day 0 at the reader's hour",
        },
        f"{Subscriber._meta.db_table} WHERE id >= %(first)s",
        first=first,
    )


def unconfirmed(number: int) -> None:
    """So many readers who have just asked to join: an invitation each, no notice yet. Their ids are printed."""
    now = dt.datetime.now(dt.UTC)
    with transaction.atomic():
        first = add_readers(number, Subscriber.State.UNCONFIRMED)
        Invitation.objects.bulk_create(
            Invitation(
                subscriber_id=first + place,
                form="/",
                text_version="1",
                created_at=now,
                expires_at=now + dt.timedelta(days=7),
            )
            for place in range(number)
        )
    _analyse()
    rows = Invitation.objects.order_by("pk").values_list("pk", "subscriber_id")
    print(json.dumps(list(rows)))


def _numbers(first: int, number: int) -> str:
    """What yields ``n`` from ``first`` on, ``number`` times."""
    last = first + number - 1
    if ON_POSTGRES:
        return f"generate_series({first}, {last}) AS numbers (n)"
    return (
        f"(WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})"
        " SELECT n FROM numbers)"
    )


def add_rows(model: type[models.Model], given: Mapping[str, object], source: str, **values: Any) -> None:
    """INSERT … SELECT. What is not given gets the model's default, so new columns do no harm."""
    columns, chosen = [], []
    for field in model._meta.concrete_fields:
        name = field.attname
        if name not in given and (field.primary_key or (field.null and not field.has_default())):
            continue
        value = given[name] if name in given else field.get_default()
        columns.append(connection.ops.quote_name(str(field.column)))
        if isinstance(value, Sql):
            chosen.append(value)
        else:
            values[name] = field.get_db_prep_save(value, connection)
            chosen.append(Sql(f"%({name})s"))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if ON_POSTGRES:
            cursor.execute("SET LOCAL session_replication_role = replica")  # the foreign keys are right: no look-ups
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM {source}", values)


def _move_counter(model: type[models.Model]) -> None:
    """The next id follows those we gave out ourselves."""
    if ON_POSTGRES:
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


@contextmanager
def _indexes_afterwards() -> Iterator[None]:
    """Do without the two tables' plain indexes for the length of a large load, and make them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint)",
            [[Subscriber._meta.db_table, Enrolment._meta.db_table]],
        )
        dropped = cursor.fetchall()
        for name, _ in dropped:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, definition in dropped:
            cursor.execute(definition)


def _analyse() -> None:
    """What the automatic one would have done within the minute."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def main(arguments: list[str]) -> None:
    """Do what the first word says."""
    match arguments:
        case ["base"]:
            base()
        case ["readers", number, due, spacing]:
            readers(int(number), dt.datetime.fromtimestamp(float(due), dt.UTC), float(spacing))
        case ["crowd", number]:
            crowd(int(number))
        case ["unconfirmed", number]:
            unconfirmed(int(number))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
