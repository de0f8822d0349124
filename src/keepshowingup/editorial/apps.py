"""The editorial room, as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class EditorialConfig(AppConfig):
    """Models live under the label ``editorial``."""

    name = "keepshowingup.editorial"
    label = "editorial"
    default_auto_field = "django.db.models.BigAutoField"
