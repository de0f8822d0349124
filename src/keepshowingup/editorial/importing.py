"""Bringing an article in: bytes of a file, of whatever kind, become Markdown and a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from keepshowingup.core.drafting import article_title
from keepshowingup.core.errors import Refused
from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.proofreading import proofread
from keepshowingup.core.prose import count_words
from keepshowingup.editorial.manuscripts import text_of
from keepshowingup.editorial.models import Article
from keepshowingup.editorial.wording import fault_in_line

__all__ = ["import_article", "text_of"]

_TITLE_LENGTH = 200
_SLUG_LENGTH = 80


def import_article(
    data: bytes, *, name: str, title: str | None = None, now: dt.datetime, source_url: str = ""
) -> Article:
    """Keep an article; the same text brought in again is the article that is there already.

    Title, author, licence, language and source come from the front matter where it has them; ``title`` goes first.
    The proofreader's findings are kept with it. ``now`` is aware, UTC. Raises :class:`Refused` for what is not text,
    has no words, or is too large.
    """
    text = text_of(data, name)
    if not count_words(text):
        raise Refused(f"There are no words in {name}. Import a file that has some.")
    existing = Article.objects.filter(text=text).order_by("id").first()
    if existing is not None:
        return existing
    fields = read_front_matter(text).fields
    chosen = " ".join((title or article_title(text)).split())
    if fault := fault_in_line("title", chosen, _TITLE_LENGTH, needed=True):
        raise Refused(f"{fault} Give another one with --title.")
    report = proofread(text, "article")
    source = fields.get("source", "")
    link = source_url or fields.get("source_url", "") or (source if source.startswith(("http://", "https://")) else "")
    article = Article(
        title=chosen,
        text=text,
        language=(fields.get("language") or fields.get("lang") or "en")[:10],
        source_url=link[:500],
        source_name=("" if source == link else source)[:200],
        author=fields.get("author", "")[:200],
        licence=(fields.get("licence") or fields.get("license") or "")[:100],
        words=report.words,
        findings=[finding.as_dict() for finding in report.findings],
        imported_at=now,
    )
    return _saved(article)


def _saved(article: Article) -> Article:
    """Save under the first slug that is free; another process may take one between the look and the save."""
    for slug in _slugs(article.title):
        if Article.objects.filter(slug=slug).exists():
            continue
        article.slug = slug
        try:
            with transaction.atomic():
                article.save(force_insert=True)
        except IntegrityError:
            continue
        return article
    raise AssertionError("slugs never run out")


def _slugs(title: str) -> Iterator[str]:
    stem = slugify(title)[:_SLUG_LENGTH].strip("-") or "article"
    yield stem
    number = 1
    while True:
        number += 1
        suffix = f"-{number}"
        yield stem[: _SLUG_LENGTH - len(suffix)].rstrip("-") + suffix
