"""Where the demonstration takes place: a folder, ports and processes of its own, and a sequence ready to join."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from keepshowingup.core.clock import Clock
from keepshowingup.core.errors import Refused
from keepshowingup.ops.parts import household
from keepshowingup.ops.supervisor import Supervisor

# Three letters in any seven days is the most a reader is sent, so this is as dense as a sequence gets.
DENSE = (0, 2, 5)
TICK_SECONDS = 0.2
MOST_LETTERS = 12
SLUG = "demo"
WRITER = "maren@harbour.example"


@dataclass(frozen=True)
class Stage:
    """A running keepshowingup: where its pages and its mailbox are, and the calendar all its processes share."""

    folder: Path
    web: str
    mailbox: str
    clock: Clock
    supervisor: Supervisor


def days_for(letters: int) -> tuple[int, ...]:
    """Days as dense as the promise of three letters in seven days allows: 0, 2, 5, 7, 9, 12, …"""
    return tuple(DENSE[n % 3] + 7 * (n // 3) for n in range(letters))


def rate_for(article: Path) -> float:
    """Calendar seconds in a real one: an article's letters take less than half a minute, a day at least 1.5 s.

    Raises :class:`keepshowingup.core.errors.Refused` for a file that no letters can be made of.
    """
    from keepshowingup.core.drafting import draft
    from keepshowingup.editorial.manuscripts import text_of

    letters = min(len(draft(text_of(article.read_bytes(), article.name))), MOST_LETTERS)
    if not letters:
        raise Refused(f"There are no words in {article}. Give an article that has some.")
    return 86_400 / max(1.5, min(2.0, 22 / max(1, *days_for(letters))))


def free_ports(number: int) -> list[int]:
    """Loopback ports nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def prepared_folder(keep: bool) -> Iterator[Path]:
    """A data folder of its own, removed afterwards unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="keepshowingup-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def set_scene(folder: Path, rate: float) -> tuple[int, int, int]:
    """Point this process, and so every part it starts, at the folder and at free ports: (web, SMTP, mailbox page).

    Whatever the environment says of another keepshowingup does not reach the demonstration.
    """
    web, smtp, page = free_ports(3)
    relays = ("SMTP_URL", "KSU_TRANSPORTS")
    for name in ("DATABASE_URL", "REDIS_URL", *relays, "KSU_PRODUCTION", "KSU_TEMPLATES", "KSU_DKIM_KEY_FILE"):
        os.environ.pop(name, None)
    os.environ |= {
        "KSU_DATA_DIR": str(folder),
        "KSU_BASE_URL": f"http://127.0.0.1:{web}",
        "KSU_CLOCK": f"rate={rate}",
        "KSU_TICK": str(TICK_SECONDS),
        "KSU_LOG_LEVEL": "WARNING",
        "KSU_MAILBOX_SMTP_PORT": str(smtp),
        "KSU_MAILBOX_WEB_PORT": str(page),
        "DJANGO_SETTINGS_MODULE": "keepshowingup.settings",
    }
    return web, smtp, page


@contextmanager
def running(folder: Path, ports: tuple[int, int, int]) -> Iterator[Stage]:
    """Every process of a real installation: broker, mailbox, two workers, web, beat. Nothing is left at the end."""
    from django.conf import settings

    web, smtp, page = ports
    parts = household(folder, web_port=web, mailbox_ports=(smtp, page))
    with Supervisor(parts, folder / "logs") as supervisor:
        yield Stage(folder, f"http://127.0.0.1:{web}", f"http://127.0.0.1:{page}", settings.CLOCK, supervisor)


def write_sequence(article: Path, now: datetime) -> list[tuple[int, str]]:
    """An editor's work: import the article, draft letters, have a second person approve them, start.

    Returns the plan as (day, subject); the sequence is joined at ``/s/`` and :data:`SLUG`.
    """
    from keepshowingup.cadence import starting
    from keepshowingup.core.drafting import draft
    from keepshowingup.editorial.composing import delete_step, draft_sequence, edit_step
    from keepshowingup.editorial.importing import import_article
    from keepshowingup.editorial.licensing import state_licence
    from keepshowingup.editorial.masthead import edit_masthead
    from keepshowingup.editorial.reviewing import Override, approve

    edit_masthead(
        name="Harbour letters",
        from_name="Ruth at Harbour",
        from_address="ruth@harbour.example",
        postal_address="Harbour, 12 Quay Street, Portland ME 04101",
    )
    imported = import_article(article.read_bytes(), name=article.name, title=None, now=now)
    if not imported.licence:
        state_licence(imported.pk, "not said: a demonstration on loopback", by=WRITER, now=now)
    days = days_for(len(draft(imported.text)))
    sequence = draft_sequence(imported.pk, slug=SLUG, title="Letters", author=WRITER, now=now, cadence=days)
    for step in sequence.steps.order_by("position")[MOST_LETTERS:]:
        delete_step(step.pk, now=now)
    plan: dict[str, int] = {}
    for step in sequence.steps.filter(deleted_at=None).order_by("position"):
        subject = step.subject
        if subject in plan:  # the judge tells letters apart by their subjects
            subject = f"{subject} ({len(plan) + 1})"
            edit_step(step.pk, subject=subject, preheader=step.preheader, body=step.body, author=WRITER, now=now)
        plan[subject] = step.after_days or 0
    # Somebody else's article may hold words the proofreader blocks. These letters go to nobody, so they may pass.
    allowed = Override(reason="a demonstration on loopback: these letters reach nobody")
    approve(sequence.pk, approver="ruth@harbour.example", now=now, overrides=[allowed])
    starting.activate(sequence.pk, now)
    return [(day, subject) for subject, day in plan.items()]
