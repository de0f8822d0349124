"""Celery's side of the editors' room."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from keepshowingup.editorial.feed_rounds import go_round


@shared_task(name="keepshowingup.feeds")
def feeds() -> None:
    """Move late issues on, and look at the feeds that are due."""
    go_round(settings.CLOCK)
