"""Articles on the command line: bring one in, draft letters from it, read a text as the proofreader does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keepshowingup.cli.commands import Commands
from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from keepshowingup.core.drafting import DraftStep
    from keepshowingup.core.proofreading import TextKind


def _say(line: dict[str, Any]) -> None:
    click.echo(json.dumps(line, ensure_ascii=False))


def _read(name: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``. What is larger than 10 MB is refused, not read whole."""
    from keepshowingup.editorial.manuscripts import SIZE_LIMIT, check_size

    if name == "-":
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        check_size(len(data), "Standard input")
        return data
    path = Path(name)
    if path.is_dir():
        raise WrongUsage(f"{name} is a folder. Name a file in it.")
    try:
        check_size(path.stat().st_size, path.name)
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise WrongUsage(f"{name} can't be read: {reason.lower()}. Check the name.") from error


def _text(name: str) -> str:
    from keepshowingup.editorial.manuscripts import text_of

    return text_of(_read(name), "standard input" if name == "-" else Path(name).name)


@click.group(cls=Commands)
def article() -> None:
    """Bring articles in and draft letters from them."""


@article.command("import")
@click.argument("source", metavar="FILE|URL")
@click.option("--title", help="What to call it; else its own title.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def import_(source: str, title: str | None, as_json: bool) -> None:
    """Keep an article as Markdown: .md, .txt, .html, .docx, or a page on the web."""
    from keepshowingup.cli.root import with_django

    with_django()
    from django.conf import settings

    from keepshowingup.editorial.fetching import fetch_page, fetch_picture
    from keepshowingup.editorial.importing import import_article, left_out

    now = settings.CLOCK.now()
    if source.lower().startswith(("http://", "https://")):
        page = fetch_page(source)
        kept = import_article(page.data, name=page.name, title=title, now=now, source_url=page.url, fetch=fetch_picture)
    else:
        kept = import_article(_read(source), name=Path(source).name, title=title, now=now, fetch=fetch_picture)
    if as_json:
        _say({"id": kept.pk, "slug": kept.slug, "title": kept.title, "words": kept.words, "findings": kept.findings})
        return
    click.echo(f"{kept.title}: {count_of(kept.words, 'word')}, kept as {kept.slug}.")
    if kept.findings:
        click.echo(f"The proofreader found {len(kept.findings)} things to look at.")
    for sentence in left_out(kept):
        click.echo(sentence, err=True)
    if not kept.licence:
        click.echo(
            "It says no licence. Letters of it start once somebody states one: keepshowingup article licence", err=True
        )
    click.echo(f"Draft letters from it: keepshowingup article draft {source}")


@article.command("licence")
@click.argument("slug")
@click.argument("licence", metavar="TEXT")
@click.option("--by", help="Who says so. Default: whoever is at this terminal.")
def licence_(slug: str, licence: str, by: str | None) -> None:
    """State what may be done with an article, such as "CC BY 4.0", or "our own". Letters of it start no sooner."""
    from keepshowingup.cli.root import at_terminal, with_django

    with_django()
    from django.conf import settings

    from keepshowingup.editorial.licensing import find_article, state_licence

    stated = state_licence(find_article(slug).pk, licence, by=by or at_terminal(), now=settings.CLOCK.now())
    click.echo(f"{stated.title}: {stated.licence}")


@article.command("draft")
@click.argument("file", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter on stdout.")
def draft_(file: str, as_json: bool) -> None:
    """Propose a sequence of letters from an article. Nothing is kept; no database is needed."""
    from keepshowingup.core.drafting import draft

    steps = draft(_text(file))
    if not steps:
        raise Refused(f"There are no words in {file}. Draft from a file that has some.")
    if not as_json:
        _show_draft(steps)
        return
    for step in steps:
        _say(
            {
                "position": step.position,
                "day": step.day,
                "subject": step.subject,
                "preheader": step.preheader,
                "words": step.words,
                "markdown": step.markdown,
            }
        )


def _show_draft(steps: list[DraftStep]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("Day", justify="right")
    table.add_column("Words", justify="right")
    table.add_column("Subject, and the line after it")
    for step in steps:
        line = f"[bold]{escape(step.subject)}[/bold]\n[dim]{escape(step.preheader)}[/dim]"
        table.add_row(str(step.day), str(step.words), line)
    console = Console(highlight=False)
    console.print(table)
    last = steps[-1].day
    letters = count_of(len(steps), "letter") + (f" over {count_of(last, 'day')}" if len(steps) > 1 else "")
    console.print(f"\n{letters}. With --json you get the text.")


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["article", "letter", "subject", "preheader"]),
    default="letter",
    show_default=True,
    help="What the text is.",
)
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST", help="A host it may link to; others are findings. Repeat."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, then one with the verdict.")
def proofread(file: str, kind: TextKind, hosts: tuple[str, ...], as_json: bool) -> None:
    """Read a text as the proofreader does. No database is needed; nothing is changed.

    Exits with 1 when something must change before it is sent, or when the text reads as spun by a machine.
    """
    from keepshowingup.core.proofreading import proofread as read

    text = _text(file)
    report = read(text, kind, hosts=frozenset(hosts) or None)
    if as_json:
        for finding in report.findings:
            _say(finding.as_dict())
        _say(
            {
                "verdict": report.verdict,
                "grade": report.grade,
                "words": report.words,
                "unseen_pairs": report.unseen_pairs,
            }
        )
    else:
        from rich.console import Console

        from keepshowingup.cli.marking import MarkedReport

        Console(highlight=False).print(MarkedReport(report, text, file), soft_wrap=True)
    if report.verdict in {"blocked", "spun"}:
        raise click.exceptions.Exit(1)
