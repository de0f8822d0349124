"""What may be done with the articles that letters are made of: no licence, no start."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from keepshowingup.core.errors import NotFound, Refused, WrongUsage
from keepshowingup.core.licences import LONGEST, licence_name
from keepshowingup.editorial.models import Article, Sequence, Step
from keepshowingup.editorial.wording import fault_in_line, tidy_line

log = logging.getLogger(__name__)


def find_article(slug: str) -> Article:
    """The article of that slug. Raises :class:`NotFound`."""
    article = Article.objects.filter(slug=slug).first()
    if article is None:
        raise NotFound("There is no such article.")
    return article


def state_licence(article_id: int, licence: str, *, by: str, now: datetime) -> Article:
    """Say what may be done with an article, such as ``CC BY 4.0``, or ``our own``; who says so is kept.

    Raises :class:`WrongUsage` for words that can't be kept, and for those that only say whose it is.
    """
    article = Article.objects.filter(pk=article_id).first()
    if article is None:
        raise NotFound("There is no such article.")
    said = tidy_line(licence)
    if fault := fault_in_line("licence", said, LONGEST if "://" not in said else 500, needed=True):
        raise WrongUsage(fault)
    name = licence_name(said)
    if not name:
        raise WrongUsage("That says whose it is, not what may be done with it. Name a licence, or who gave permission.")
    article.licence, article.licence_by = name, by.strip()
    article.save(update_fields=["licence", "licence_by"])
    log.info("article %s has a licence since %s", article.pk, now.isoformat())
    return article


def licence_obstacles(sequence: Sequence, steps: Iterable[Step], *, at_terminal: bool = True) -> list[str]:
    """A sentence for each article without a licence that these letters of a sequence are made of."""
    return [
        f"'{article.title}' says no licence: state on its page under /staff/ what may be done with it"
        + (f', or with keepshowingup article licence {article.slug} "…".' if at_terminal else ".")
        for article in _unlicensed(sequence, steps)
    ]


def refuse_unlicensed(sequence: Sequence, steps: Iterable[Step]) -> None:
    """Raises :class:`Refused` where one of these letters is made of an article without a licence."""
    if found := licence_obstacles(sequence, steps):
        raise Refused("\n".join(found))


def _unlicensed(sequence: Sequence, steps: Iterable[Step]) -> list[Article]:
    made_of = Q(sequences=sequence) | Q(feed_items__step__in=list(steps))
    return list(Article.objects.filter(made_of, licence="").distinct().order_by("pk"))
