"""The cadence room, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class CadenceConfig(AppConfig):
    """Models live under the label ``cadence``."""

    name = "keepshowingup.cadence"
    label = "cadence"
    default_auto_field = "django.db.models.BigAutoField"
