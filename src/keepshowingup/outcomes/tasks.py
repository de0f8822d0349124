"""Celery's side of outcomes."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from keepshowingup.outcomes.recording import forget_old


@shared_task(name="keepshowingup.tidy_outcomes")
def tidy_outcomes() -> None:
    """Forget what came back long ago."""
    forget_old(settings.CLOCK.now())
