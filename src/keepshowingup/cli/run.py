"""Commands that run something: everything at once, one part, or one tick."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from keepshowingup.cli.moments import read_moment
from keepshowingup.cli.root import with_django
from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.ops.broker import QUEUES

if TYPE_CHECKING:
    from celery import Celery


@click.command()
@click.option("--article", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Draft letters from it.")
@click.option("--keep", is_flag=True, help="Leave the data folder and the letters in place afterwards.")
@click.option("--rate", type=click.FloatRange(min=1), help="Seconds of calendar in each real second.")
def demo(article: Path | None, keep: bool, rate: float | None) -> int:
    """A sequence in time-lapse, end to end. Checks itself; exits 0 or 1."""
    from keepshowingup.ops.demo import run_demo

    return run_demo(article=article, keep=keep, rate=rate)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The pages' port.")
@click.option("--mailbox-port", type=click.IntRange(1, 65535), help="The inbox's page. Default: 8025.")
@click.option("--smtp-port", type=click.IntRange(1, 65535), help="Where the inbox takes letters. Default: 1025.")
@click.option("--verbose", "-v", is_flag=True, help="Show every line the parts write.")
def up(port: int, mailbox_port: int | None, smtp_port: int | None, verbose: bool) -> None:
    """Everything in the foreground: broker, web, workers, beat, and the inbox when SMTP_URL is not set."""
    _remember("KSU_MAILBOX_WEB_PORT", mailbox_port)
    _remember("KSU_MAILBOX_SMTP_PORT", smtp_port)
    # Links in letters point here unless the operator said otherwise.
    os.environ.setdefault("KSU_BASE_URL", f"http://127.0.0.1:{port}")
    with_django()
    from keepshowingup.ops.log_lines import be_a_part
    from keepshowingup.ops.up import stay_up

    be_a_part("up")

    stay_up(port, verbose=verbose)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The pages' port.")
def web(host: str, port: int) -> None:
    """Serve the pages, by granian."""
    _need_database()
    from keepshowingup.ops import log_lines
    from keepshowingup.ops.parts import need_free_port

    # Granian shares a port with whoever else listens there: each would get some of the readers.
    need_free_port(port, "--port", "the pages", host=host)
    _become(
        "granian",
        *("--interface", "wsgi", "--host", host, "--port", str(port)),
        # No access log: tokens are in the addresses.
        *("--workers", "1", "--blocking-threads", "4", "--respawn-failed-workers", "--no-access-log"),
        *("--log-config", str(Path(log_lines.__file__).with_name("granian.json"))),
        *("--workers-kill-timeout", "5s", "keepshowingup.wsgi:application"),
    )


@click.command()
@click.option("--queues", default=",".join(QUEUES), show_default=True, help="Which kinds of work, by commas.")
@click.option("--name", default="worker", show_default=True, help="Tells workers on one machine apart.")
def worker(queues: str, name: str) -> int:
    """Hand letters over. Run as many as you like; each does one batch at a time."""
    wanted = [queue.strip() for queue in queues.split(",")]
    if unknown := set(wanted) - set(QUEUES):
        raise WrongUsage(f"There is no queue {', '.join(sorted(unknown))}. There are {', '.join(QUEUES)}.")
    _need_database()
    _need_broker()
    app = _celery()
    from celery.utils.nodenames import host_format

    from keepshowingup.worker import TASKS

    working = app.Worker(
        hostname=host_format(f"{name}@%h"),
        queues=wanted,
        include=TASKS,
        # One batch at a time, and SIGTERM reaches the one process there is. More processes make more speed.
        pool_cls="solo",
        loglevel=os.environ.get("KSU_LOG_LEVEL", "INFO"),
        without_gossip=True,
        without_mingle=True,
        quiet=True,  # the banner would be no line of the log
    )
    working.start()
    return working.exitcode or 0


@click.command()
def beat() -> None:
    """Keep time: publish a tick every few seconds. A second beat does no harm."""
    _need_broker()
    _celery().Beat(
        # In memory: a schedule file is one more thing that a crash can spoil, and a tick has no past.
        scheduler="celery.beat:Scheduler",
        loglevel=os.environ.get("KSU_LOG_LEVEL", "INFO"),
        quiet=True,
    ).run()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--smtp-port", type=click.IntRange(1, 65535), help="Where letters come in. Default: 1025.")
@click.option("--port", type=click.IntRange(1, 65535), help="The page. Default: 8025.")
def mailbox(host: str, smtp_port: int | None, port: int | None) -> None:
    """A development inbox: SMTP in, a page out. Nothing leaves this machine."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")
    from logging.config import dictConfig

    from django.conf import settings

    from keepshowingup.ops.log_lines import be_a_part
    from keepshowingup.ops.mailbox import Mailbox, smtp_door
    from keepshowingup.ops.mailbox_pages import web_door

    dictConfig(settings.LOGGING)
    be_a_part("mailbox")

    smtp_port, port = smtp_port or settings.MAILBOX_SMTP_PORT, port or settings.MAILBOX_WEB_PORT
    box = Mailbox(settings.DATA_DIR / "mailbox")
    smtp = smtp_door(box, host, smtp_port)
    try:
        page = web_door(box, host, port)
        smtp.start()
    except OSError as error:
        raise PartMissing(
            f"The mailbox can't listen on {host}, ports {smtp_port} and {port} ({error.strerror or error})."
            " Choose others: keepshowingup mailbox --smtp-port N --port N"
        ) from error
    click.echo(f"Letters come in on {host}:{smtp_port}, and are shown on http://{host}:{port}/", err=True)
    with _ended_by_signals(page.shutdown):
        page.serve_forever()
    smtp.stop()


@click.command()
@click.option("--once/--loop", default=True, help="One tick, or one every few seconds until stopped.")
@click.option("--now", "moment", metavar="ISO", help="What the calendar shows, such as 2026-11-24T08:30+00:00.")
def tick(once: bool, moment: str | None) -> None:
    """Claim what is due and hand it over in this process. Needs no broker.

    A loop also looks at feeds, tells staff what waits for them, and tidies, as workers do when a beat asks them to.
    """
    shown = None if moment is None else read_moment(moment, "--now")
    with_django()
    _need_database()
    from django.conf import settings

    from keepshowingup.core.clock import Clock
    from keepshowingup.delivery.running import run_ticks
    from keepshowingup.ops.chores import Rounds
    from keepshowingup.ops.log_lines import be_a_part

    be_a_part("tick")
    clock = Clock(shift=shown - dt.datetime.now(dt.UTC)) if shown else settings.CLOCK
    stop = threading.Event()
    with _ended_by_signals(stop.set):
        accepted = run_ticks(loop=not once, clock=clock, should_stop=stop.is_set, between=Rounds(clock).do_due)
    click.echo(f"{accepted} handed over.", err=True)


def _remember(variable: str, value: int | None) -> None:
    """An option for this start, for every process that is started from here."""
    if value is not None:
        os.environ[variable] = str(value)


def _need_database() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")
    from keepshowingup.ops.database import need_database

    need_database()


def _need_broker() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")
    from django.conf import settings

    from keepshowingup.ops.broker import need_broker

    need_broker(settings.REDIS_URL, settings.DATA_DIR)


def _celery() -> Celery:
    """The application, in this process: Celery's own command line starts a second time, and loads a shell first."""
    # Celery's checks would load every page into processes that show none.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    from keepshowingup.worker import app

    return app


def _become(program: str, *arguments: str) -> NoReturn:
    """Turn this process into another, so that signals reach it without a middleman."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", program, *arguments])  # noqa: S606


@contextmanager
def _ended_by_signals(end: Callable[[], object]) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM call ``end`` from a thread of its own: it may wait for the main one."""

    def ask(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=end, daemon=True).start()

    before = {name: signal.signal(name, ask) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
