"""The outcomes room, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class OutcomesConfig(AppConfig):
    """Models live under the label ``outcomes``."""

    name = "keepshowingup.outcomes"
    label = "outcomes"
    default_auto_field = "django.db.models.BigAutoField"
