"""The readers, in a process of their own with the product's settings: they join, pause, resume and leave by its verbs.

``python -m tests.chaos.scene prepare PLAN`` makes the database and a live sequence. ``live PLAN BEGINS RECORD SERVER``
waits for a first tick, writes the moment into the file BEGINS (real time), does what the plan says, and notes when each
was committed. Some leave at a moment that the mail SERVER's record tells: while their letter is on the wire.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")

import django

django.setup()

import datetime as dt  # noqa: E402
from collections import deque  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402

from keepshowingup.audience import preferences  # noqa: E402
from keepshowingup.audience.joining import add_confirmed  # noqa: E402
from keepshowingup.audience.leaving import leave  # noqa: E402
from keepshowingup.audience.models import Subscriber  # noqa: E402
from keepshowingup.cadence.enrolling import enrol  # noqa: E402
from keepshowingup.cadence.replanning import resume_reader  # noqa: E402
from keepshowingup.delivery.models import Heartbeat  # noqa: E402
from keepshowingup.editorial.models import Sequence  # noqa: E402
from tests.chaos.moods import LETTERS  # noqa: E402
from tests.chaos.plan import STEPS_APART, Doing, Plan, Reader  # noqa: E402
from tests.factories import MastheadFactory, SequenceFactory, StepFactory  # noqa: E402

log = logging.getLogger(__name__)

# A day lasts a second or two here. Hours for letters would turn a second's lateness into another day's.
ANY_HOUR = {
    "window_start": dt.time(0),
    "window_end": dt.time(0),
    "quiet_start": dt.time(0),
    "quiet_end": dt.time(0),
}


def prepare(plan: Plan) -> None:
    """An empty house with one live sequence. The oracle knows letters by their subjects: ``Note 0``, ``Note 1`` …"""
    call_command("migrate", verbosity=0)
    now = settings.CLOCK.now()
    with transaction.atomic():
        MastheadFactory.create()
        sequence = SequenceFactory.create(slug="chaos", created_at=now, activated_at=now, **ANY_HOUR)
        for number in range(plan.size.steps):
            StepFactory.create(
                sequence=sequence,
                key=f"s{number}",
                position=number,
                after_days=number * STEPS_APART,
                subject=f"Note {number}",
            )


def live(plan: Plan, begins: Path, record: Path, server: Path) -> None:
    """Do everything in the plan, once; and leave, where the mail server's record says that it is the moment."""
    while not ticks():
        time.sleep(0.1)
    begin = time.time()
    begins.write_text(f"{begin}\n")
    readers = {reader.address: reader for reader in plan.readers}
    due = deque(plan.doings)
    moments = leaving_moments(server)
    with record.open("a") as lines:
        while True:
            if who := next(moments):
                doing = Doing(time.time() - begin, who, "leave")
            elif due and begin + due[0].at <= time.time():
                doing = due.popleft()
            else:
                time.sleep(0.01)
                continue
            row = persist(doing, lambda now, d=doing: act(d, readers[d.address], now))  # type: ignore[misc]
            lines.write(f"{json.dumps(row)}\n")
            lines.flush()


def ticks() -> bool:
    """Whether beat, broker, worker and database have shown that they work together."""
    try:
        return Heartbeat.objects.filter(part="tick").exists()
    except (DatabaseError, InterfaceError):
        connection.close()
        return False


def leaving_moments(record: Path) -> Iterator[str]:
    """Whom the server keeps waiting so that they can leave in between, once each; empty while there is nobody."""
    names = {mood.name for mood in LETTERS if mood.leaves}
    gone: set[str] = set()
    kept = ""
    with record.open() as lines:
        while True:
            kept += lines.readline()
            if not kept.endswith("\n"):
                yield ""
                continue
            row, kept = json.loads(kept), ""
            if row.get("mood") in names and row["recipient"] not in gone:
                gone.add(row["recipient"])
                yield row["recipient"]


def persist(doing: Doing, verb: Callable[[dt.datetime], None]) -> dict[str, object]:
    """Do it, again and again while the database is away; what was asked and done when (real), and on which dates."""
    asked = time.time()
    tried = []
    while True:
        now = settings.CLOCK.now()
        tried.append(now.isoformat())
        try:
            verb(now)
        except (DatabaseError, InterfaceError):
            log.warning("the database is away; the reader tries again")
            connection.close()
            time.sleep(0.1)
        else:
            return {
                "address": doing.address,
                "verb": doing.verb,
                "days": doing.days,
                "asked": asked,
                "done": time.time(),
                "first_tried": tried[0],
                "last_tried": tried[-1],
            }


def act(doing: Doing, reader: Reader, now: dt.datetime) -> None:
    """One verb of the product."""
    if doing.verb == "join":
        with transaction.atomic():
            joined = add_confirmed(
                reader.address,
                first_name="Maya",
                zone=reader.zone,
                hour=dt.time.fromisoformat(reader.hour),
                consent_note="a reader of the chaos run",
                now=now,
            )
            enrol(joined.pk, Sequence.objects.get(slug="chaos").pk, now)
        return
    who = Subscriber.objects.get(email=reader.address)
    if doing.verb == "leave":
        leave(who.pk, now)
    elif who.state != Subscriber.State.ACTIVE:
        return  # the mailbox has ended: there is nothing to pause any more
    elif doing.verb == "pause":
        preferences.pause(who.pk, now, doing.days or None)
    else:
        resume_reader(who.pk, now)


def main(arguments: list[str]) -> None:
    """Do what the first word says."""
    match arguments:
        case ["prepare", plan]:
            prepare(Plan.load(Path(plan)))
        case ["live", plan, begins, record, server]:
            live(Plan.load(Path(plan)), Path(begins), Path(record), Path(server))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
