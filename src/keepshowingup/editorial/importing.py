"""Bringing an article in: bytes of a file, of whatever kind, become Markdown and a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from keepshowingup.core.drafting import article_title
from keepshowingup.core.errors import Refused
from keepshowingup.core.findings import Finding
from keepshowingup.core.front_matter import read_front_matter
from keepshowingup.core.image_references import replace_images
from keepshowingup.core.licences import licence_name
from keepshowingup.core.pictures import Picture
from keepshowingup.core.proofreading import proofread
from keepshowingup.core.prose import count_words
from keepshowingup.editorial.facts import Facts, facts_of
from keepshowingup.editorial.gathering import Fetch, Gallery, nobody_fetches
from keepshowingup.editorial.manuscripts import text_of
from keepshowingup.editorial.models import Article
from keepshowingup.editorial.pictures import hold_pictures, is_kept, keep_pictures
from keepshowingup.editorial.wording import fault_in_line

__all__ = ["import_article", "text_of"]

_TITLE_LENGTH = 200
_LEFT_OUT = "structure.picture-left-out"
_SLUG_LENGTH = 80


@dataclass(frozen=True)
class Gathered:
    """Markdown whose pictures are all ours, those that are new, and a sentence for each that was left out."""

    text: str
    pictures: tuple[Picture, ...] = ()
    left_out: tuple[str, ...] = ()


def import_article(
    data: bytes,
    *,
    name: str,
    title: str | None = None,
    now: dt.datetime,
    source_url: str = "",
    fetch: Fetch = nobody_fetches,
) -> Article:
    """Keep an article; the same text brought in again is the article that is there already.

    Title, author, licence, language and source come from the front matter where it has them, else from the page or the
    file; ``title`` goes first. Its pictures are kept with their words, in our own house: those inside of the file, and
    those elsewhere that ``fetch`` brings. The proofreader's findings are kept with it, and what was left out.

    ``now`` is aware, UTC. Raises :class:`Refused` for what is not text, has no words, or is too large.
    """
    gathered = gather(text_of(data, name, images=True), base=source_url, fetch=fetch)
    return keep_article(gathered, name=name, title=title, now=now, source_url=source_url, facts=facts_of(data, name))


def gather(text: str, *, base: str, fetch: Fetch) -> Gathered:
    """The text with its pictures as they will be kept. This may take a while: no transaction may be open."""
    gallery = Gallery(base=base, fetch=fetch, is_kept=is_kept)
    text = replace_images(text, gallery.take)
    return Gathered(text, tuple(gallery.pictures.values()), tuple(gallery.left_out))


def keep_article(
    gathered: Gathered, *, name: str, title: str | None, now: dt.datetime, source_url: str, facts: Facts
) -> Article:
    """Keep an article with its pictures; see :func:`import_article`. ``name`` names it in sentences."""
    text = gathered.text
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
    source = fields.get("source", "") or facts.source_name
    link = source_url or fields.get("source_url", "") or (source if source.startswith(("http://", "https://")) else "")
    article = Article(
        title=chosen,
        text=text,
        language=(fields.get("language") or fields.get("lang") or facts.language or "en")[:10],
        source_url=link[:500],
        source_name=("" if source == link else source)[:200],
        author=(fields.get("author") or facts.author)[:200],
        licence=licence_name(fields.get("licence") or fields.get("license") or "") or facts.licence,
        words=report.words,
        findings=[finding.as_dict() for finding in (*report.findings, *map(_left_out, gathered.left_out))],
        imported_at=now,
    )
    with transaction.atomic():
        keep_pictures(gathered.pictures, now=now, source_url=article.source_url)
        hold_pictures(text, now=now)
        return _saved(article)


def left_out(article: Article) -> list[str]:
    """A sentence for each picture that did not come along when the article came in."""
    return [finding["suggestion"] for finding in article.findings if finding["rule"] == _LEFT_OUT]


def _left_out(sentence: str) -> Finding:
    return Finding(1, 0, 0, "", _LEFT_OUT, "structure", "warn", sentence)


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
