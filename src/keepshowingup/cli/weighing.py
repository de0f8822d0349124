"""A change to a running sequence at the terminal: whom it reaches, for whom it is to be, and the yes it wants."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from keepshowingup.core.editions import Way, read_way
from keepshowingup.core.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from keepshowingup.core.heads import Heads, Reach
    from keepshowingup.core.pace import Pace
    from keepshowingup.editorial.foreseen import Foreseen
    from keepshowingup.editorial.models import Sequence

_Verb = TypeVar("_Verb", bound=Callable[..., object])


def for_whom(default: str) -> Callable[[_Verb], _Verb]:
    """The option ``--for``; ``default`` says in words what holds without it."""
    ways = click.Choice([str(way) for way in Way])
    return click.option("--for", "way", type=ways, help=f"For whom the change is. Default: {default}.")


FOR = for_whom("from now on, for everyone")
MORE_THAN_ONE = click.option(
    "--yes-more-than-one", is_flag=True, help="Yes, also where somebody would get more than one letter within a day."
)


def weigh(sequence: Sequence | None, foreseen: Foreseen, way: Way, now: datetime) -> Heads | None:
    """The head-counts; None while the sequence has never been started or nobody reads it, and said for milestones."""
    from keepshowingup.cadence.headcounts import NOT_COUNTED, heads_of

    if sequence is None or not (foreseen.changes and sequence.enrolments.exists()):
        return None
    heads = heads_of(sequence.pk, foreseen.after, foreseen.changes, way, now)
    if heads is None:
        click.echo(NOT_COUNTED, err=True)
    return heads


def choose(way: str | None, foreseen: Foreseen, *, ask: bool) -> Way:
    """For whom it is: as the command line says, or as somebody at the terminal answers."""
    if way is not None:
        return read_way(way)
    if not (ask and foreseen.changes and sys.stdin.isatty()):
        return Way.NOW_ON
    offered = foreseen.ways
    click.echo("The sequence is live. For whom is this?", err=True)
    for each in offered:
        click.echo(f"  {each}: {each.words}", err=True)
    answer = click.prompt("For", type=click.Choice([str(each) for each in offered]), default=str(Way.NOW_ON), err=True)
    return read_way(answer)


def want_a_yes(heads: Heads | None, pace: Pace, *, given: bool) -> None:
    """Raises :class:`Refused` where somebody would get more than one letter within a day and nobody said yes to it."""
    if heads is None or not heads.crowded or given:
        return
    sentence = crowd_words(heads, pace)
    if sys.stdin.isatty():
        click.confirm(f"{sentence} Go on?", abort=True, err=True)
        return
    raise Refused(f"{sentence} If that is meant, say so: --yes-more-than-one")


def crowd_words(heads: Heads, pace: Pace) -> str:
    """The sentence about readers whose letters would come on top of each other."""
    return heads.crowd_words(pace, f"{heads.last_on:%a} {heads.last_on}" if heads.last_on else "")


def reach_words(kind: str, reach: Reach, way: Way) -> str:
    """Whom one letter's change reaches: ``41 will get it, 7 are past it``."""
    past = f"{reach.past:,} {'is' if reach.past == 1 else 'are'} past it"
    if way is Way.NEW_READERS:
        return f"new readers only; {reach.ahead + reach.past:,} who are here keep what they began with"
    if kind == "deleted":
        return f"{reach.ahead:,} will not get it, {reach.past:,} had it"
    if kind in {"added", "restored"} and way is Way.BACKFILL:
        return f"{reach.ahead:,} will get it, {past} and will get it too"
    return f"{reach.ahead:,} will get it{' then' if kind == 'moved' else ''}, {past}"
