"""``keepshowingup feed``: places on the web whose news become drafts, or issues that wait for approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.cli.root import at_terminal, with_django
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import NotFound

if TYPE_CHECKING:
    from keepshowingup.editorial.feeding import Looked
    from keepshowingup.editorial.models import Feed

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


@click.group(cls=Commands)
def feed() -> None:
    """RSS, Atom and JSON feeds, whose news become drafts or issues.

    Nothing is sent before a second person says yes.
    """


@feed.command("add")
@click.argument("url")
@click.option("--as", "becomes", type=click.Choice(["drafts", "issues"]), default="drafts", show_default=True,
              help="What its news become.")  # fmt: skip
@click.option("--sequence", "slug", default="", metavar="SLUG", help="The newsletter whose issues it becomes.")
@click.option("--newest", type=click.IntRange(0, 10), default=1, show_default=True,
              help="How many of its items come in now; older ones count as seen.")  # fmt: skip
@click.option("--by", help="Who answers for it: another person approves. Default: whoever is at this terminal.")
@_JSON
def add(url: str, becomes: str, slug: str, newest: int, by: str | None, as_json: bool) -> None:
    """Take a feed on, and look at it once."""
    with_django()
    from django.conf import settings

    from keepshowingup.editorial.feeding import add_feed

    added = add_feed(url, becomes=becomes, sequence_slug=slug, added_by=by or at_terminal(), newest=newest,
                     now=settings.CLOCK.real())  # fmt: skip
    _look([added], as_json=as_json)


@feed.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """Every feed, when it is asked again, and what is wrong with it."""
    with_django()
    from keepshowingup.editorial.models import Feed

    for each in Feed.objects.select_related("sequence"):
        if as_json:
            click.echo(json.dumps(_row(each), ensure_ascii=False))
            continue
        click.echo(f"{each.pk}  {each}: {each.becomes}{f' of {each.sequence.slug}' if each.sequence else ''}")
        click.echo(f"   {each.url}, asked again {each.next_at:%Y-%m-%d %H:%M} UTC")
        if each.trouble:
            click.echo(f"   {count_of(each.failures, 'failure')} in a row: {each.trouble}")


@feed.command("fetch")
@click.argument("which", required=False, metavar="[ID|URL]")
@_JSON
def fetch(which: str | None, as_json: bool) -> int:
    """Look now, at one feed or at all. Exits with 1 when one could not be read."""
    with_django()
    from keepshowingup.editorial.models import Feed

    return _look([_find(which)] if which else list(Feed.objects.all()), as_json=as_json)


@feed.command("remove")
@click.argument("which", metavar="ID|URL")
def remove(which: str) -> None:
    """Let a feed go. What was made of it stays."""
    with_django()
    from keepshowingup.editorial.feeding import remove_feed

    found = _find(which)
    remove_feed(found.pk)
    click.echo(f"{found} is asked no more. Its articles and letters are still here.")


def _look(feeds: list[Feed], *, as_json: bool) -> int:
    from django.conf import settings

    from keepshowingup.editorial.feeding import Looked, look_at

    failed = False
    for each in feeds:
        looked = look_at(each.pk, now=settings.CLOCK.real(), today=settings.CLOCK.now(), forced=True) or Looked()
        each.refresh_from_db()
        failed = failed or bool(looked.trouble)
        if as_json:
            told = {"new": looked.new, "refused": looked.refused, "waiting": looked.waiting}
            click.echo(json.dumps(_row(each) | told, ensure_ascii=False))
        else:
            click.echo(f"{each}: {_said(looked, each)}")
    return 1 if failed else 0


def _said(looked: Looked, feed: Feed) -> str:
    if looked.trouble:
        return looked.trouble
    what = "issue" if feed.sequence_id else "draft"
    said = [f"{count_of(looked.new, what)} made" if looked.new else "nothing new"]
    if looked.refused:
        said.append(f"{count_of(looked.refused, 'item')} could not come in, its page says why")
    if looked.waiting:
        said.append(f"{count_of(looked.waiting, 'item')} left for the next look")
    return ", ".join(said) + "."


def _row(feed: Feed) -> dict[str, Any]:
    return {
        "id": feed.pk,
        "url": feed.url,
        "title": feed.title,
        "as": feed.becomes,
        "sequence": feed.sequence.slug if feed.sequence else None,
        "looked_at": feed.looked_at.isoformat() if feed.looked_at else None,
        "next_at": feed.next_at.isoformat(),
        "failures": feed.failures,
        "trouble": feed.trouble,
    }


def _find(which: str) -> Feed:
    from keepshowingup.editorial.models import Feed

    found = Feed.objects.filter(pk=int(which) if which.isdecimal() and len(which) < 10 else 0).first()
    found = found or Feed.objects.filter(url=which).first()
    if found is None:
        raise NotFound(f"There is no feed {which}. See: keepshowingup feed list")
    return found
