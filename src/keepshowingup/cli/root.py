"""The command line's entrance: finds the group a command lives in, and turns errors into sentences.

Groups are imported when they are used, so that ``--help`` answers at once. Django starts only for commands that
need the database (:func:`with_django`).
"""

from __future__ import annotations

import getpass
import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from keepshowingup.core.errors import KeepShowingUpError, PartMissing, Refused

# command: (module in keepshowingup.cli, attribute, one line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("run", "demo", "A sequence in time-lapse, end to end; checks itself."),
    "up": ("run", "up", "Everything in the foreground: broker, web, worker, beat, mailbox."),
    "init": ("setup", "init", "Prepare a data folder: database, masthead, first staff user."),
    "doctor": ("setup", "doctor", "Look for what is missing or wrong, and say how to mend it."),
    "migrate": ("setup", "migrate", "Bring the database up to date."),
    "status": ("watch", "status", "What is due, under way, done; who is alive."),
    "health": ("watch", "health", "One answer for monitors: exit 0 when well."),
    "backup": ("setup", "backup", "Write a copy of the database to a file."),
    "restore": ("restoring", "restore", "Put a backup in place; nothing is sent until you say so."),
    "resume-sending": ("restoring", "resume_sending", "End the safe mode after a restore."),
    "reconcile": ("reconcile", "reconcile", "Settle letters in doubt, from evidence."),
    "web": ("run", "web", "Serve the pages."),
    "worker": ("run", "worker", "Hand letters over."),
    "beat": ("run", "beat", "Keep time: publish a tick every few seconds."),
    "mailbox": ("run", "mailbox", "A development inbox: SMTP in, a page out."),
    "tick": ("run", "tick", "Claim what is due and hand it over, once or in a loop, without a broker."),
    "article": ("article", "article", "Bring articles in and draft letters from them."),
    "feed": ("feed", "feed", "Feeds whose news become drafts, or issues for approval."),
    "proofread": ("article", "proofread", "Read a text as the proofreader does."),
    "sequence": ("sequence", "sequence", "List, check, approve, start and pause sequences."),
    "subscriber": ("subscriber", "subscriber", "Add, import, show, pause and erase readers."),
    "letter": ("letter", "letter", "See or send one letter exactly as a reader would get it."),
    "delivery": ("delivery", "delivery", "What went out, what did not, and why."),
    "logbook": ("logbook", "logbook", "Who did what at the desk, when and why."),
    "bounce": ("bounce", "bounce", "Read returned mail."),
    "address": ("address", "address", "Check addresses."),
}


class LazyGroup(click.Group):
    """Knows every command's name and one line; imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"keepshowingup.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keepshowingup", prog_name="keepshowingup")
def root() -> None:
    """Letters that come when they were promised, once, and only to those who want them."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code: 0 done, 1 refused, 2 wrong usage, 3 a part is missing."""
    try:
        outcome = root.main(args=list(arguments), prog_name="keepshowingup", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeepShowingUpError as error:
        click.echo(error.message, err=True)
        return error.exit_code
    except BrokenPipeError:  # `keepshowingup … | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"{error.filename} can't be used: {error.strerror}. Name another, or mend that.", err=True)
        return Refused.exit_code
    except Exception as error:
        if (sentence := _about_the_database(error)) is None:
            raise
        click.echo(sentence, err=True)
        return PartMissing.exit_code
    return outcome if isinstance(outcome, int) else 0


def with_django() -> None:
    """Start Django, for commands that need the database or the settings. Their own log is kept for what is wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")
    import django

    django.setup()
    from keepshowingup.ops.log_lines import speak_as

    context = click.get_current_context(silent=True)
    speak_as((context and context.info_name) or "keepshowingup")
    if "KSU_LOG_LEVEL" not in os.environ:
        logging.getLogger().setLevel(logging.WARNING)


def at_terminal() -> str:
    """Who types this, for what is written down of it: ``command line (ruth)``."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        name = f"user {os.getuid()}"
    return f"command line ({name})"


def _about_the_database(error: Exception) -> str | None:
    """The sentence for an error of the database, wherever in a command it came up; None for any other error."""
    if "django.db" not in sys.modules:
        return None
    from django.db import DatabaseError, InterfaceError

    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    if "no such table" in str(error) or "does not exist" in str(error):
        return "The database has no tables yet, or old ones. Run: keepshowingup migrate"
    from keepshowingup.ops.database import reason

    return f"The database does not answer: {reason(error)}. Start it, or correct DATABASE_URL."
